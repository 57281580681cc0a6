"""How much a committee disagrees on a frame: spreads per atom, one score per frame."""

from collections.abc import Mapping, Sequence

import numpy as np

from activecharge.properties import PROPERTIES, QUANTITIES
from activecharge.records import Candidate, Prediction, Scored
from activecharge.strict_json import Json


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
    components = len(QUANTITIES[name].shape)
    return np.sqrt(variance.mean(axis=tuple(range(variance.ndim - components, variance.ndim))))


def score(
    candidates: Sequence[Candidate],
    predictions: Sequence[Prediction],
    weights: Mapping[str, float],
    reduce: str = "max",
) -> list[Scored]:
    """Rate candidates by weighted uncertainty, each property in units of the pool's median.

    The uncertainty of an atom is its expected error where the committee is calibrated for all
    of the pool's atoms, which makes elements comparable; else its spread.

    Parameters
    ----------
    candidates, predictions : sequences of equal length
    weights : mapping of str to float
        Properties that count. A property that some frame lacks counts as zero there.
    reduce : {"max", "mean", "information"}
        Over atoms: the last is Σ ½ ln(1 + (u/u₀)²), u₀ being the pool's median atom. That is what
        labels of independent atoms tell in nats, if errors of u₀ are to be expected anyway (MacKay,
        Neural Comput. 4, 590 (1992), DOI 10.1162/neco.1992.4.4.590).

    Returns
    -------
    list of Scored
        In the order given. `score` is 1 where the weighted uncertainty is typical of the
        pool; it is infinite where any spread is not finite, so that the frame stands out
        and a later check, not silence, deals with it. The medians are those of finite frames.
    """
    names = [name for name, weight in weights.items() if weight > 0]
    sizes = [len(candidate.atoms) for candidate in candidates]
    spreads = [_per_atom(p.disagreement, n) for p, n in zip(predictions, sizes, strict=True)]
    errors = [_per_atom(p.expected_error, n) for p, n in zip(predictions, sizes, strict=True)]
    broken = np.array([_not_finite(spread) for spread in spreads], dtype=bool)
    table = _uncertainties(names, spreads, errors, broken, reduce)
    parts = _weigh(table, np.array([weights[name] for name in names]), ~broken)
    return [
        Scored(
            candidate=candidates[row],
            prediction=predictions[row],
            score=np.inf if broken[row] else float(parts[row].sum()),
            worst={name: float(values.max()) for name, values in spreads[row].items()},
            worst_error=_worst_known(errors[row]),
            cause=_cause(names, parts[row], spreads[row], errors[row], candidates[row]),
        )
        for row in range(len(candidates))
    ]


def _uncertainties(
    names: Sequence[str],
    spreads: Sequence[Mapping[str, np.ndarray]],
    errors: Sequence[Mapping[str, np.ndarray]],
    broken: np.ndarray,
    reduce: str,
) -> np.ndarray:
    """One number a frame and property, (P, W); 0 for broken frames and what a frame lacks."""
    table = np.zeros((len(spreads), len(names)))
    for column, name in enumerate(names):
        calibrated = all(
            name not in spread or (name in error and np.isfinite(error[name]).all())
            for spread, error, lost in zip(spreads, errors, broken, strict=True)
            if not lost
        )
        each = {
            row: values[name]
            for row, values in enumerate(errors if calibrated else spreads)
            if name in values and not broken[row]
        }
        table[list(each), column] = _reduce(list(each.values()), reduce)
    return table


def _worst_known(errors: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The largest expected error by property, of atoms that have one."""
    return {name: float(np.nanmax(e)) for name, e in errors.items() if not np.isnan(e).all()}


def _reduce(frames: Sequence[np.ndarray], reduce: str) -> list[float]:
    """One number for each frame's atoms (N,)."""
    if reduce != "information":
        return [float(found.max() if reduce == "max" else found.mean()) for found in frames]
    typical = float(np.median(np.concatenate(frames))) if frames else 1.0
    return [float(0.5 * np.log1p((found / (typical or 1.0)) ** 2).sum()) for found in frames]


def _per_atom(values: Mapping[str, np.ndarray], atoms: int) -> dict[str, np.ndarray]:
    """Spreads as arrays, the energy's per atom."""
    return {
        name: np.atleast_1d(value) / (atoms if name == "energy" else 1)
        for name, value in values.items()
    }


def _not_finite(spread: Mapping[str, np.ndarray]) -> bool:
    return not all(np.isfinite(values).all() for values in spread.values())


def _weigh(table: np.ndarray, weights: np.ndarray, finite: np.ndarray) -> np.ndarray:
    """Columns of `table` (P, W) over their medians, times their share of the weight; (P, W)."""
    rows = table[finite]
    if not rows.size:
        return np.zeros_like(table)
    scale = np.median(rows, axis=0)
    scale[scale == 0] = 1.0
    return table / scale * (weights / weights.sum())


def _cause(
    names: Sequence[str],
    parts: np.ndarray,
    spread: Mapping[str, np.ndarray],
    error: Mapping[str, np.ndarray],
    candidate: Candidate,
) -> dict[str, Json]:
    """What weighs most in a frame's score, see `activecharge.records.Scored`."""
    lost = [name for name, values in spread.items() if not np.isfinite(values).all()]
    counting = [name for name in names if name in spread]
    if not lost and not counting:
        return {}
    name = lost[0] if lost else max(counting, key=lambda n: parts[names.index(n)])
    values = spread[name]
    if name in error and np.isfinite(error[name]).all():
        values = error[name]
    # The first that is not finite comes before all others.
    atom = int(np.argmax(np.where(np.isfinite(values), values, np.inf)))
    cause: dict[str, Json] = {"property": name}
    if PROPERTIES[name].per_atom:
        cause |= {"atom": atom, "element": candidate.atoms.symbols[atom]}
    cause["spread"] = float(spread[name][atom])
    if name in error and np.isfinite(error[name][atom]):
        cause["expected_error"] = float(error[name][atom])
    return cause
