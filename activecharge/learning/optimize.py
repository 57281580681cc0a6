"""The optimizer's steps, whatever they minimise."""

import copy
import math
from collections.abc import Callable, Iterator

import numpy as np
import torch

from activecharge.errors import UserError
from activecharge.learning.training_options import TrainingOptions

WARM_UP = 0.05
"""Share of the steps over which the learning rate rises."""


def optimize(
    model: torch.nn.Module,
    objective: Callable[[], torch.Tensor],
    evaluate: Callable[[torch.nn.Module], tuple[dict[str, float], np.ndarray]],
    options: TrainingOptions,
    warm: bool,
    name: str,
    progress: Callable[[dict[str, float]], None] | None = None,
) -> list[dict[str, float]]:
    """Run the steps and leave the latest averaged weights that validate well in `model`.

    Those are the latest of which no earlier ones were better by more than one standard error of
    the paired difference over validation frames (Breiman et al., *Classification and Regression
    Trees*, 1984, section 3.4.3). A few frames, or one outlier among them, cannot tell the best
    weights from others; late ones, at a low learning rate, are better on the whole.

    Parameters
    ----------
    model : torch.nn.Module
    objective : callable
        The loss () of a step, differentiable by the model's weights.
    evaluate : callable
        Validation of a model: "valid_loss", and what else the history is to have; and the loss
        of each validation frame, of which it is the mean.
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
    descent = _Descent(model, options, peak, steps)
    history: list[dict[str, float]] = []
    keeper = _Keeper()
    for step in range(1, steps + 1):
        descent.step(objective)
        if step % options.evaluate_every and step != steps:
            continue
        found, losses = evaluate(descent.average)
        history.append({"step": float(step)} | descent.entry() | found)
        if progress:
            progress(history[-1])
        keeper.see(losses, descent.average)
        if keeper.since_best >= options.patience:
            break
    if keeper.weights is None:
        raise UserError(
            f"{name}: the training diverged (validation loss "
            f"{found['valid_loss']} at step {step}); lower its learning rate ({peak:g})"
        )
    model.load_state_dict(keeper.weights)
    return history


class _Adam(torch.optim.Adam):
    """Adam that skips a step without a look at it where `found_inf` is 1, as torch's own does."""

    found_inf: torch.Tensor


class _Descent:
    """Adam's steps on a model, and the average of its weights.

    Nothing within a step waits for the device: a gradient that is not finite is skipped by the
    optimizer itself, and the loss is read where it is told.
    """

    def __init__(self, model: torch.nn.Module, options: TrainingOptions, peak: float, steps: int):
        self._options, self._weights = options, list(model.parameters())
        # One pass over all weights, which are many and small.
        self._adam = _Adam(self._weights, lr=peak, amsgrad=True, fused=True)
        self._rates = torch.optim.lr_scheduler.LambdaLR(self._adam, lambda s: _shape(s, steps))
        self.average = copy.deepcopy(model)
        self._averaged = list(self.average.parameters())
        self._running, self._steps, self._first = torch.zeros(()), 0, True

    def step(self, objective: Callable[[], torch.Tensor]) -> None:
        """One step downhill."""
        self._adam.zero_grad(set_to_none=True)
        value = objective()
        value.backward()
        norm = torch.nn.utils.clip_grad_norm_(self._weights, self._options.gradient_clip)
        self._adam.found_inf = 1.0 - torch.isfinite(norm).float()
        self._adam.step()
        self._rates.step()
        with torch.no_grad():
            for mean, weight in zip(self._averaged, self._weights, strict=True):
                mean.lerp_(weight, 1.0 if self._first else 1 - self._options.ema_decay)
        self._first = False
        self._running, self._steps = self._running.to(value) + value.detach(), self._steps + 1

    def entry(self) -> dict[str, float]:
        """Learning rate, and mean loss since the entry before."""
        mean = float(self._running) / self._steps
        self._running, self._steps = torch.zeros(()), 0
        return {"learning_rate": float(self._rates.get_last_lr()[0]), "train_loss": mean}


class _Keeper:
    """The latest weights that are as good as the best, and how long ago those were."""

    def __init__(self) -> None:
        self.weights: dict[str, torch.Tensor] | None = None
        self.best: np.ndarray | None = None
        self.since_best = 0

    def see(self, losses: np.ndarray, model: torch.nn.Module) -> None:
        """Take note of weights by their losses (F,) on validation frames."""
        self.since_best += 1
        if as_good(losses, self.best):
            self.weights = {k: v.clone() for k, v in model.state_dict().items()}
            if self.best is None or losses.mean() < self.best.mean():
                self.best, self.since_best = losses, 0


def as_good(losses: np.ndarray, best: np.ndarray | None) -> bool:
    """Whether losses (F,) of frames are finite and, within a standard error, as low as the best."""
    if not np.isfinite(losses).all():
        return False
    if best is None or len(losses) == 1:
        return True
    worse = losses - best
    return bool(worse.mean() <= worse.std(ddof=1) / math.sqrt(len(worse)))


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
