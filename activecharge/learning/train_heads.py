"""Train members that share a backbone, all at once."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from activecharge.learning.batches import Batch, evaluation_batches, join_batches, ready
from activecharge.learning.fields import Fields
from activecharge.learning.finish import evaluate, outputs, settle
from activecharge.learning.loss import loss
from activecharge.learning.optimize import optimize, shuffled
from activecharge.learning.start import bootstrap, first_model, start_charges
from activecharge.learning.training_options import TrainingOptions
from activecharge.learning.training_set import Member, TrainingSet
from activecharge.model.checkpoint import save_model
from activecharge.model.shared import SharedBackbone
from activecharge.model.taught import OF_THE_ENERGY
from activecharge.records import MemberResult


def train_heads(
    data: TrainingSet,
    members: Sequence[Member],
    train: Sequence[Batch],
    valid: Sequence[Batch],
    weights: dict[str, float],
    device: str,
    progress: Callable[[dict[str, float]], None] | None,
) -> MemberResult:
    """Train heads that differ by their seeds and resampled labels, on one backbone.

    The loss is the mean of the members' losses, each with the frames as often as its bootstrap
    draws them. Forces and stress are derivatives, which cost a member as much as the backbone does,
    so of these and of the energy each step takes those of one member, drawn at random: an unbiased
    estimate of the same gradient. Born effective charges teach all members in every step, though
    with the couplings where they are derivatives, too, this is dear: else those couplings would
    learn them in a K-th of the steps of the others.

    Parameters
    ----------
    data : TrainingSet
    members : sequence of Member
        Whole checkpoints of all are written, each with the common backbone.
    train, valid : sequence of Batch
        Single frames.
    weights : dict of str to float
        See `activecharge.learning.loss.active_weights`.
    device, progress
        See `activecharge.learning.trainer.train_member`.

    Returns
    -------
    MemberResult
        Of the first member; its history is that of all, errors being means over members.
    """
    models = [first_model(data, member, train, device) for member in members]
    shared = SharedBackbone(models)
    for member, model in zip(members, models, strict=True):
        start_charges(model, data, member, train)
    copies = _copies(data, members)
    objective = _objective(shared, data, members, train, weights, copies.to(device))
    warm = members[0].start is not None
    judge = _judge(valid, weights)
    history = optimize(shared, objective, judge, data.training, warm, "heads", progress)
    for member, model, counts in zip(members, models, copies.tolist(), strict=True):
        seen = [frame for frame, count in zip(train, counts, strict=True) if count]
        extra = settle(model, data, seen, valid, weights)
        if member is members[0]:
            history[-1] |= extra
        save_model(model, Path(member.directory))
    return MemberResult(members[0].index, members[0].directory, tuple(history))


def _objective(
    shared: SharedBackbone,
    data: TrainingSet,
    members: Sequence[Member],
    train: Sequence[Batch],
    weights: dict[str, float],
    copies: torch.Tensor,
) -> Callable[[], torch.Tensor]:
    """What gives the loss of the next batch."""
    rng = np.random.default_rng(members[0].seed)
    loader = shuffled(len(train), data.training.batch_size, rng)
    in_fields = Fields(data.model, weights, train, rng)

    def objective() -> torch.Tensor:
        chosen = next(loader)
        batch, field = in_fields(join_batches([train[i] for i in chosen]))
        counts = copies[:, torch.as_tensor(chosen, device=copies.device)]
        return _loss(shared, batch, weights, counts, int(rng.integers(len(members))), field)

    return objective


def _judge(
    valid: Sequence[Batch], weights: dict[str, float]
) -> Callable[[torch.nn.Module], tuple[dict[str, float], np.ndarray]]:
    """What judges all members, errors being means over them."""
    batches: list[Batch] = []

    def judge(model: torch.nn.Module) -> tuple[dict[str, float], np.ndarray]:
        assert isinstance(model, SharedBackbone)
        if not batches:
            batches.extend(evaluation_batches(model.models[0], valid))
        found, losses = zip(*(evaluate(m, batches, weights) for m in model.models), strict=True)
        means = {name: float(np.mean([entry[name] for entry in found])) for name in found[0]}
        return means, np.mean(losses, axis=0)

    return judge


def _copies(data: TrainingSet, members: Sequence[Member]) -> torch.Tensor:
    """How often each member sees each training frame, (K, F)."""
    options: TrainingOptions = data.training
    hashes = [label.candidate.hash for label in data.train]
    if not options.bootstrap:
        return torch.ones(len(members), len(hashes), dtype=torch.float64)
    drawn = [bootstrap(hashes, member.seed) for member in members]
    return torch.tensor(drawn, dtype=torch.float64)


def _loss(
    shared: SharedBackbone,
    batch: Batch,
    weights: dict[str, float],
    copies: torch.Tensor,
    drawn: int,
    field: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean loss () over members, that of the energy and its derivatives from the one `drawn`."""
    batch = ready(shared.models[0], batch)
    field = None if field is None else field.to(batch.graph.cell)
    wanted = outputs(weights, batch)
    costly = wanted & set(OF_THE_ENERGY)
    asked = [wanted if index == drawn else wanted - costly for index in range(len(copies))]
    predicted = shared(batch.graph, asked, training=True, field=field)
    every = {name: weight for name, weight in weights.items() if name not in costly}
    total = loss(predicted[drawn], batch, {n: weights[n] for n in sorted(costly)}, copies[drawn])
    for found, counts in zip(predicted, copies, strict=True):
        total = total + loss(found, batch, every, counts) / len(copies)
    return total
