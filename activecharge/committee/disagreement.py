"""How much a committee disagrees on a frame: spreads per atom, one score per frame."""

from collections.abc import Mapping, Sequence

import numpy as np

from activecharge.properties import PROPERTIES
from activecharge.records import Candidate, Prediction, Scored


def spread(values: np.ndarray, name: str) -> np.ndarray:
    """Disagreement of K members on one frame.

    Parameters
    ----------
    values : (K, ...)
        The members' predictions of property `name`.
    name : str

    Returns
    -------
    numpy.ndarray
        (N,) for per-atom properties, () for frame ones: the sample standard deviation over
        members; for vectors and tensors the root of the mean component variance.
    """
    variance = np.var(values, axis=0, ddof=1)
    components = len(PROPERTIES[name].shape)
    return np.sqrt(variance.mean(axis=tuple(range(variance.ndim - components, variance.ndim))))


def score(
    candidates: Sequence[Candidate],
    predictions: Sequence[Prediction],
    weights: Mapping[str, float],
    reduce: str = "max",
) -> list[Scored]:
    """Rate candidates by weighted disagreement, each property in units of the pool's median.

    Parameters
    ----------
    candidates, predictions : sequences of equal length
    weights : mapping of str to float
        Properties that count. A property that some frame lacks counts as zero there.
    reduce : {"max", "mean"}
        Over atoms.

    Returns
    -------
    list of Scored
        In the order given. `score` is 1 where the weighted disagreement is typical of the
        pool; it is infinite where any spread is not finite, so that the frame stands out
        and a later check, not silence, deals with it. The medians are those of finite frames.
    """
    names = [name for name, weight in weights.items() if weight > 0]
    table = np.zeros((len(candidates), len(names)))
    broken = np.zeros(len(candidates), dtype=bool)
    worst: list[dict[str, float]] = []
    for row, prediction in enumerate(predictions):
        atoms = len(candidates[row].atoms)
        per_frame = {
            name: np.atleast_1d(value) / (atoms if name == "energy" else 1)
            for name, value in prediction.std.items()
        }
        worst.append({name: float(value.max()) for name, value in per_frame.items()})
        broken[row] = not all(np.isfinite(value).all() for value in per_frame.values())
        for column, name in enumerate(names):
            if name in per_frame:
                values = per_frame[name]
                table[row, column] = values.max() if reduce == "max" else values.mean()
    scores = _weigh(table, np.array([weights[name] for name in names]), ~broken)
    return [
        Scored(candidate, prediction, float(value), top)
        for candidate, prediction, value, top in zip(
            candidates, predictions, scores, worst, strict=True
        )
    ]


def _weigh(table: np.ndarray, weights: np.ndarray, finite: np.ndarray) -> np.ndarray:
    """Weighted mean over the columns of `table` (P, W), each over its median; (P,)."""
    scores = np.full(len(table), np.inf)
    rows = table[finite]
    if len(rows) and len(weights):
        scale = np.median(rows, axis=0)
        scale[scale == 0] = 1.0
        scores[finite] = (rows / scale) @ (weights / weights.sum())
    else:
        scores[finite] = 0.0
    return scores
