"""Errors of a committee's mean against reference values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from activecharge.properties import PROPERTIES
from activecharge.records import Label, Prediction


@dataclass(frozen=True)
class Matched:
    """Reference and predicted values of one property, entry beside entry.

    An entry is an atom, or a frame for properties of the frame; energies are per atom of
    their frame. Entries without a reference value are left out.

    Attributes
    ----------
    reference, predicted : numpy.ndarray
        Shape (M, C): M entries of C components, in the property's unit.
    spread : numpy.ndarray
        Shape (M,): the committee's spread, NaN where none was given.
    symbols : numpy.ndarray
        Shape (M,): chemical symbols of the atoms; empty strings for frames.
    """

    reference: np.ndarray
    predicted: np.ndarray
    spread: np.ndarray
    symbols: np.ndarray


def match(name: str, labels: Sequence[Label], predictions: Sequence[Prediction]) -> Matched:
    """Collect a property over all frames where both sides have it.

    Parameters
    ----------
    name : str
        Property name.
    labels : sequence of Label
    predictions : sequence of Prediction
        In the order of `labels`.

    Returns
    -------
    Matched
        With M = 0 if no frame has both.
    """
    prop = PROPERTIES[name]
    width = int(np.prod(prop.shape, dtype=int))
    parts: list[tuple[np.ndarray, ...]] = [
        (np.empty((0, width)), np.empty((0, width)), np.empty(0), np.empty(0, dtype="<U2"))
    ]
    for label, prediction in zip(labels, predictions, strict=True):
        if name not in label.values or name not in prediction.mean:
            continue
        atoms = label.candidate.atoms
        rows = len(atoms) if prop.per_atom else 1
        scale = 1 / len(atoms) if name == "energy" else 1.0
        parts.append(
            (
                np.reshape(label.values[name], (rows, width)) * scale,
                np.reshape(prediction.mean[name], (rows, width)) * scale,
                np.broadcast_to(prediction.std.get(name, np.nan), (rows,)) * scale,
                np.array(atoms.symbols if prop.per_atom else [""], dtype="<U2"),
            )
        )
    reference, predicted, spread, symbols = (np.concatenate(c) for c in zip(*parts, strict=True))
    known = ~np.isnan(reference).all(axis=1)
    return Matched(reference[known], predicted[known], spread[known], symbols[known])


def errors(labels: Sequence[Label], predictions: Sequence[Prediction]) -> dict[str, dict[str, Any]]:
    """Compute mean absolute error, root mean square error and R² of every property.

    Errors run over components: atoms for charges, the 3 or 9 components of each atom for
    forces and Born effective charges. Missing (NaN) reference entries do not count. A NaN
    prediction does, and makes the result NaN. Energies are per atom.

    Parameters
    ----------
    labels : sequence of Label
    predictions : sequence of Prediction
        In the order of `labels`.

    Returns
    -------
    dict of str to dict
        By property name, for those present on both sides: "mae" and "rmse" in "unit", "r2"
        (None where the reference does not vary), "count" of components, and "per_element",
        which holds "mae", "rmse" and "count" by chemical symbol for per-atom properties.
    """
    result = {}
    for name, prop in PROPERTIES.items():
        matched = match(name, labels, predictions)
        if not len(matched.reference):
            continue
        elements = sorted(set(matched.symbols.tolist()) - {""})
        result[name] = {
            **_error(matched.reference, matched.predicted),
            "r2": _r2(matched.reference, matched.predicted),
            "unit": "eV/atom" if name == "energy" else prop.unit,
            "per_element": {
                e: _error(matched.reference[chosen], matched.predicted[chosen])
                for e in elements
                for chosen in [matched.symbols == e]
            },
        }
    return result


def _error(reference: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    known = ~np.isnan(reference)
    deviation = (predicted - reference)[known]
    return {
        "mae": float(np.abs(deviation).mean()),
        "rmse": float(np.sqrt(np.square(deviation).mean())),
        "count": int(deviation.size),
    }


def _r2(reference: np.ndarray, predicted: np.ndarray) -> float | None:
    known = ~np.isnan(reference)
    total = float(np.square(reference[known] - reference[known].mean()).sum())
    if total == 0.0:
        return None
    return 1.0 - float(np.square((predicted - reference)[known]).sum()) / total
