"""Errors of a committee's mean against reference values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from activecharge.properties import PROPERTIES
from activecharge.records import BlindPair, Label, Prediction
from activecharge.strict_json import Json


@dataclass(frozen=True)
class Deviations:
    """How far predictions are from the reference.

    Attributes
    ----------
    mae, rmse : float
        Mean absolute and root mean square error, in the property's unit.
    count : int
        Components compared.
    """

    mae: float
    rmse: float
    count: int


@dataclass(frozen=True)
class PropertyErrors(Deviations):
    """Errors of one property.

    Attributes
    ----------
    r2 : float or None
        Coefficient of determination; None where the reference does not vary.
    unit : str
        Of the errors; energies are per atom.
    per_element : dict of str to Deviations
        By chemical symbol; empty for properties of the frame.
    """

    r2: float | None
    unit: str
    per_element: dict[str, Deviations] = field(default_factory=dict)


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


def errors(labels: Sequence[Label], predictions: Sequence[Prediction]) -> dict[str, PropertyErrors]:
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
    dict of str to PropertyErrors
        By property name, for those present on both sides.
    """
    result = {}
    for name, prop in PROPERTIES.items():
        matched = match(name, labels, predictions)
        if not len(matched.reference):
            continue
        reference, predicted = matched.reference, matched.predicted
        elements = sorted(set(matched.symbols.tolist()) - {""})
        of = {element: matched.symbols == element for element in elements}
        result[name] = PropertyErrors(
            **vars(_deviations(reference, predicted)),
            r2=_r2(reference, predicted),
            unit="eV/atom" if name == "energy" else prop.unit,
            per_element={e: _deviations(reference[m], predicted[m]) for e, m in of.items()},
        )
    return result


def pair_errors(pairs: Iterable[BlindPair]) -> dict[str, PropertyErrors]:
    """Compute `errors` over pairs of a label and a prediction; empty for no pairs."""
    listed = list(pairs)
    return errors([p.label for p in listed], [p.prediction for p in listed])


def mean_absolute(found: Mapping[str, PropertyErrors]) -> dict[str, float]:
    """Mean absolute errors alone, by property name."""
    return {name: error.mae for name, error in found.items()}


def errors_to_json(found: Mapping[str, PropertyErrors]) -> dict[str, Json]:
    """Turn what `errors` gave into JSON-able data, which `errors_from_json` reads."""
    return {name: asdict(error) for name, error in found.items()}


def errors_from_json(data: Mapping[str, Any]) -> dict[str, PropertyErrors]:
    """Read what `errors_to_json` gave, also where null stands for a number that is not finite.

    Raises
    ------
    KeyError, TypeError, AttributeError
        If the data are something else.
    """
    return {
        name: PropertyErrors(
            **vars(_from_json(entry)),
            r2=entry["r2"],
            unit=entry["unit"],
            per_element={e: _from_json(part) for e, part in entry["per_element"].items()},
        )
        for name, entry in data.items()
    }


def _from_json(entry: Mapping[str, Any]) -> Deviations:
    mae, rmse = (np.nan if entry[key] is None else float(entry[key]) for key in ("mae", "rmse"))
    return Deviations(mae, rmse, int(entry["count"]))


def _deviations(reference: np.ndarray, predicted: np.ndarray) -> Deviations:
    known = ~np.isnan(reference)
    deviation = (predicted - reference)[known]
    return Deviations(
        mae=float(np.abs(deviation).mean()),
        rmse=float(np.sqrt(np.square(deviation).mean())),
        count=int(deviation.size),
    )


def _r2(reference: np.ndarray, predicted: np.ndarray) -> float | None:
    known = ~np.isnan(reference)
    total = float(np.square(reference[known] - reference[known].mean()).sum())
    if total == 0.0:
        return None
    return 1.0 - float(np.square((predicted - reference)[known]).sum()) / total
