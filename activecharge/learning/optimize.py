"""The optimizer's steps, whatever they minimise."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from activecharge.errors import UserError
from activecharge.learning.options import TrainingOptions

WARM_UP = 0.05
"""Share of the steps over which the learning rate rises."""


def optimize(
    model: torch.nn.Module,
    objective: Callable[[], torch.Tensor],
    evaluate: Callable[[torch.nn.Module], dict[str, float]],
    options: TrainingOptions,
    warm: bool,
    name: str,
    progress: Callable[[dict[str, float]], None] | None = None,
) -> list[dict[str, float]]:
    """Run the steps and leave the averaged weights of the best validation in `model`.

    Parameters
    ----------
    model : torch.nn.Module
    objective : callable
        The loss () of a step, differentiable by the model's weights.
    evaluate : callable
        Validation of a model: "valid_loss", and what else the history is to have.
    options : TrainingOptions
    warm : bool
        Whether the training continues from another one.
    name : str
        Whose training it is, for a message.
    progress : callable, optional
        Called with each entry of the history.

    Returns
    -------
    list of dict
        The history: step, learning_rate, train_loss and what `evaluate` gives.

    Raises
    ------
    UserError
        If the training diverges.
    """
    steps = options.warm_steps if warm else options.steps
    peak = options.warm_learning_rate if warm else options.learning_rate
    optimizer = torch.optim.Adam(model.parameters(), lr=peak, amsgrad=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _shape(step, steps))
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(options.ema_decay))
    history: list[dict[str, float]] = []
    best, best_weights, since_best, running = math.inf, None, 0, 0.0
    for step in range(1, steps + 1):
        running += _step(model, objective, optimizer, options.gradient_clip)
        schedule.step()
        average.update_parameters(model)
        if step % options.evaluate_every and step != steps:
            continue
        entry = {"step": float(step), "learning_rate": float(schedule.get_last_lr()[0])}
        entry["train_loss"] = running / (1 + (step - 1) % options.evaluate_every)
        entry |= evaluate(average.module)
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
            f"{name}: the training diverged (validation loss "
            f"{entry['valid_loss']} at step {step}); lower its learning rate ({peak:g})"
        )
    model.load_state_dict(best_weights)
    return history


def shuffled(count: int, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Endless batches of indices; every pass visits each once, in a new order."""
    while True:
        order = rng.permutation(count)
        for start in range(0, count, size):
            yield order[start : start + size]


def _shape(step: int, steps: int) -> float:
    """Learning rate relative to its peak: a short rise, then half a cosine down to 1 %."""
    rise = max(1, int(WARM_UP * steps))
    if step < rise:
        return (step + 1) / rise
    fraction = (step - rise) / max(1, steps - rise)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * fraction))


def _step(model: torch.nn.Module, objective: Callable[[], torch.Tensor], optimizer, clip) -> float:
    optimizer.zero_grad(set_to_none=True)
    value = objective()
    value.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    if torch.isfinite(norm):
        optimizer.step()
    return float(value.detach())
