"""Train one committee member."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from activecharge.errors import UserError
from activecharge.learning.baseline import fit_architecture
from activecharge.learning.batches import Batch, evaluation_batches, join_batches, make_batch
from activecharge.learning.charges import fit_screening, orient_charges, start_latent_charges
from activecharge.learning.loss import active_weights, loss, scaled_errors
from activecharge.learning.options import TrainingOptions
from activecharge.learning.training_set import Member, TrainingSet
from activecharge.model.checkpoint import load_model, save_model
from activecharge.model.network import ChargeModel
from activecharge.properties import PROPERTIES
from activecharge.records import MemberResult

WARM_UP = 0.05
"""Share of the steps over which the learning rate rises."""


def train_member(
    data: TrainingSet,
    member: Member,
    device: str = "cpu",
    progress: Callable[[dict[str, float]], None] | None = None,
) -> MemberResult:
    """Train a member and write the averaged weights of its best validation.

    Deterministic on CPU for a given seed, data and thread count.

    Parameters
    ----------
    data : TrainingSet
    member : Member
        With `start`, training continues from that checkpoint's weights.
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
        charges that the model asks for, or the training diverges.
    """
    if data.model.charges == "reference" and not _labelled(data, "charges"):
        raise UserError("no training label has charges; label them, or set model.charges to latent")
    if data.model.screening == "fitted" and not _labelled(data, "bec"):
        raise UserError(
            "no training label has Born effective charges to fit the screening factor to; label "
            "them, or give model.screening a number"
        )
    torch.manual_seed(member.seed)
    rng = np.random.default_rng(member.seed)
    options, cutoff = data.training, data.model.cutoff
    train = [make_batch(label, data.elements, cutoff) for label in data.train]
    valid = [make_batch(label, data.elements, cutoff) for label in data.valid]
    if member.start:
        model = _load_start(member.start, data, device)
    else:
        model = ChargeModel(fit_architecture(train, data.model, data.elements)).to(device)
        if data.model.charges == "latent":
            start_latent_charges(model, train)
    if options.bootstrap:
        hashes = [label.candidate.hash for label in data.train]
        copies = _copies(hashes, member.seed)
        train = [frame for frame, n in zip(train, copies, strict=True) for _ in range(n)]
    weights = active_weights(options.weights, data.model)
    history = _optimize(model, train, valid or train, weights, options, member, rng, progress)
    if data.model.charges == "latent":
        orient_charges(model, valid or train, weights)
    if data.model.screening == "fitted":
        history[-1]["screening"] = fit_screening(model, train)
        errors = _evaluate(model, valid or train, {"bec": 1.0})
        history[-1] |= {name: errors[name] for name in ("bec",) if name in errors}
    save_model(model, Path(member.directory))
    return MemberResult(member.index, member.directory, tuple(history))


def _labelled(data: TrainingSet, name: str) -> bool:
    """Whether any training label has values of a property."""
    return any(np.isfinite(label.values.get(name, np.nan)).any() for label in data.train)


def _copies(hashes: Sequence[str], seed: int) -> list[int]:
    """How often a member sees each frame: Poisson numbers of mean 1, drawn by the frame's hash.

    This is the bootstrap of a growing dataset (Oza, Russell, AISTATS 2001): a frame's weight
    never changes, so continued training does not average the members' differences away.
    """
    copies = [int(np.random.default_rng([seed, *name.encode()]).poisson(1.0)) for name in hashes]
    return copies if any(copies) else [1] * len(copies)


def _load_start(directory: str, data: TrainingSet, device: str) -> ChargeModel:
    """The model to continue from, which must be of the kind that is asked for."""
    model = load_model(directory, device)
    found = model.architecture
    if (found.options, found.elements) != (data.model, tuple(data.elements)):
        raise UserError(
            f"{directory}: a model of other settings or elements ({', '.join(found.elements)}) "
            "cannot be continued; train from scratch"
        )
    return model.train()


def _optimize(
    model: ChargeModel,
    train: Sequence[Batch],
    valid: Sequence[Batch],
    weights: dict[str, float],
    options: TrainingOptions,
    member: Member,
    rng: np.random.Generator,
    progress: Callable[[dict[str, float]], None] | None,
) -> list[dict[str, float]]:
    """Run the steps and leave the best averaged weights in `model`."""
    steps = options.warm_steps if member.start else options.steps
    peak = options.warm_learning_rate if member.start else options.learning_rate
    optimizer = torch.optim.Adam(model.parameters(), lr=peak, amsgrad=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _shape(step, steps))
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(options.ema_decay))
    loader = _shuffled(train, options.batch_size, rng)
    history: list[dict[str, float]] = []
    best, best_weights, since_best, running = math.inf, None, 0, 0.0
    for step in range(1, steps + 1):
        running += _step(model, next(loader), weights, optimizer, options.gradient_clip)
        schedule.step()
        average.update_parameters(model)
        if step % options.evaluate_every and step != steps:
            continue
        entry = {"step": float(step), "learning_rate": float(schedule.get_last_lr()[0])}
        entry["train_loss"] = running / (1 + (step - 1) % options.evaluate_every)
        entry |= _evaluate(average.module, valid, weights)
        running = 0.0
        history.append(entry)
        if progress:
            progress(entry)
        since_best += 1
        if entry["valid_loss"] < best:
            best, since_best = entry["valid_loss"], 0
            best_weights = {k: v.clone() for k, v in average.module.state_dict().items()}
        if since_best >= options.patience:
            break
    if best_weights is None:
        raise UserError(
            f"member {member.index}: the training diverged (validation loss "
            f"{entry['valid_loss']} at step {step}); lower its learning rate ({peak:g})"
        )
    model.load_state_dict(best_weights)
    return history


def _shape(step: int, steps: int) -> float:
    """Learning rate relative to its peak: a short rise, then half a cosine down to 1 %."""
    rise = max(1, int(WARM_UP * steps))
    if step < rise:
        return (step + 1) / rise
    fraction = (step - rise) / max(1, steps - rise)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * fraction))


def _shuffled(frames: Sequence[Batch], size: int, rng: np.random.Generator):
    """Endless batches; every pass visits each frame once, in a new order."""
    while True:
        order = rng.permutation(len(frames))
        for start in range(0, len(order), size):
            yield join_batches([frames[i] for i in order[start : start + size]])


def _step(model, batch: Batch, weights, optimizer, clip: float) -> float:
    batch = batch.to(next(model.parameters()).device, model.dtype)
    optimizer.zero_grad(set_to_none=True)
    value = loss(model(batch.graph, _outputs(weights, batch), training=True), batch, weights)
    value.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    if torch.isfinite(norm):
        optimizer.step()
    return float(value.detach())


def _outputs(weights: dict[str, float], batch: Batch) -> set[str]:
    """Of the weighted properties, those that some frame of the batch has labels for."""
    return {name for name in weights if torch.isfinite(batch.targets[name]).any()}


def _evaluate(model, frames: Sequence[Batch], weights) -> dict[str, float]:
    """Validation loss, and per property the MAE in its unit (energy per atom)."""
    errors: dict[str, list[torch.Tensor]] = {name: [] for name in weights}
    total = 0.0
    for batch in evaluation_batches(model, frames):
        names = _outputs(weights, batch)
        predicted = model(batch.graph, names)
        total += float(loss(predicted, batch, weights)) * len(batch.graph.counts)
        for name in names:
            errors[name].append(scaled_errors(predicted, batch, name).abs().double())
    result = {"valid_loss": total / len(frames)}
    for name, parts in errors.items():
        if parts:
            result[name] = float(torch.cat(parts).mean()) * PROPERTIES[name].tolerance
    return result
