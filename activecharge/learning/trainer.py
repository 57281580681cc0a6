"""Train one committee member, or all that share a backbone."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from activecharge.learning.batches import (
    Batch,
    evaluation_batches,
    join_batches,
    make_batch,
    ready,
)
from activecharge.learning.fields import Fields
from activecharge.learning.finish import evaluate, outputs, settle
from activecharge.learning.fit_last_layer import fit_last_layer
from activecharge.learning.loss import active_weights, loss
from activecharge.learning.optimize import optimize, shuffled
from activecharge.learning.start import bootstrap, check, first_model, start_charges
from activecharge.learning.train_heads import train_heads
from activecharge.learning.training_set import Member, TrainingSet
from activecharge.model.checkpoint import save_model
from activecharge.model.network import ChargeModel
from activecharge.records import MemberResult


def train_member(
    data: TrainingSet,
    member: Member,
    device: str = "cpu",
    progress: Callable[[dict[str, float]], None] | None = None,
) -> MemberResult:
    """Train a member and write its averaged weights, see `activecharge.learning.optimize`.

    Deterministic on CPU for a given seed, data and thread count.

    Parameters
    ----------
    data : TrainingSet
    member : Member
        With `start`, training continues from that checkpoint's weights. With `others`, these
        are trained along, and the history is that of all.
    device : str
        torch device.
    progress : callable, optional
        Called with each entry of the history: step, learning_rate, train_loss, valid_loss and
        the validation MAE of every property in its unit. The last entry of the history also
        holds a fitted screening factor.

    Raises
    ------
    UserError
        If `start` holds another kind of model, no label has the charges or the Born effective
        charges that the model asks for, the kind of uncertainty does not fit the model, or the
        training diverges.
    """
    check(data)
    options, sums = data.training, (data.model.cutoff, data.model.coulomb_accuracy)
    train = [make_batch(label, data.elements, *sums) for label in data.train]
    valid = [make_batch(label, data.elements, *sums) for label in data.valid] or train
    weights = active_weights(options.weights, data.model)
    if member.others:
        return train_heads(data, (member, *member.others), train, valid, weights, device, progress)
    rng = np.random.default_rng(member.seed)
    model = first_model(data, member, train, device)
    start_charges(model, data, member, train)
    frames = _drawn(data, member, train)
    objective = _objective(model, frames, weights, options.batch_size, rng)
    judged = list(evaluation_batches(model, valid))

    def judge(trained: torch.nn.Module) -> tuple[dict[str, float], np.ndarray]:
        assert isinstance(trained, ChargeModel)
        return evaluate(trained, judged, weights)

    name = f"member {member.index}"
    warm = member.start is not None
    history = optimize(model, objective, judge, options, warm, name, progress)
    history[-1] |= settle(model, data, frames, valid, weights)
    if options.uncertainty == "last_layer":
        fit_last_layer(model, train, valid).save(Path(member.directory))
    save_model(model, Path(member.directory))
    return MemberResult(member.index, member.directory, tuple(history))


def _drawn(data: TrainingSet, member: Member, train: Sequence[Batch]) -> list[Batch]:
    """The frames that a member sees in an epoch, some of them more than once."""
    if not data.training.bootstrap or data.training.uncertainty != "committee":
        return list(train)
    copies = bootstrap([label.candidate.hash for label in data.train], member.seed)
    return [frame for frame, n in zip(train, copies, strict=True) for _ in range(n)]


def _objective(
    model: ChargeModel,
    frames: Sequence[Batch],
    weights: dict[str, float],
    batch_size: int,
    rng: np.random.Generator,
) -> Callable[[], torch.Tensor]:
    """What gives the loss of the next batch."""
    loader = shuffled(len(frames), batch_size, rng)
    in_fields = Fields(model.architecture.options, weights, frames, rng)

    def objective() -> torch.Tensor:
        batch, field = in_fields(join_batches([frames[i] for i in next(loader)]))
        batch = ready(model, batch)
        field = None if field is None else field.to(batch.graph.cell)
        predicted = model(batch.graph, outputs(weights, batch), training=True, field=field)
        return loss(predicted, batch, weights)

    return objective
