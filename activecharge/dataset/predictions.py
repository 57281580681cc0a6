"""Committee predictions as extxyz frames, alone or beside the reference values.

The mean over members is `committee_<property>`, the spread `committee_<property>_std`, and
the error to expect of a calibrated committee `committee_<property>_expected_error`, where
<property> is a name in `activecharge.properties.QUANTITIES`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from ase import Atoms

from activecharge.dataset.candidates import bare_configuration
from activecharge.dataset.extxyz import all_to_atoms, from_atoms
from activecharge.dataset.frames import read_frames, write_frames
from activecharge.dataset.values import put_values, take_values
from activecharge.errors import UserError
from activecharge.properties import QUANTITIES
from activecharge.records import Label, Prediction

_MEAN = {f"committee_{p.name}": p for p in QUANTITIES.values()}
# The spread of a vector or tensor is one number.
_STD = {f"committee_{p.name}_std": replace(p, shape=()) for p in QUANTITIES.values()}
_EXPECTED = {
    f"committee_{p.name}_expected_error": replace(p, shape=()) for p in QUANTITIES.values()
}


def write_predictions(
    path: Path | str, atoms_list: Sequence[Atoms], predictions: Sequence[Prediction]
) -> Path:
    """Write configurations with what a committee says of them.

    Parameters
    ----------
    path : path-like
    atoms_list : sequence of ase.Atoms
        Only species, positions, cell and periodicity are written.
    predictions : sequence of Prediction

    Returns
    -------
    pathlib.Path
    """
    frames = [bare_configuration(atoms) for atoms in atoms_list]
    for atoms, prediction in zip(frames, predictions, strict=True):
        put_prediction(atoms, prediction)
    return write_frames(path, frames)


def write_pairs(
    path: Path | str,
    labels: Sequence[Label],
    predictions: Sequence[Prediction],
    extra_info: Sequence[Mapping[str, object]] | None = None,
) -> Path:
    """Write labels and predictions of the same configurations into the same frames.

    Parameters
    ----------
    path : path-like
    labels : sequence of Label
        May be empty, which records that there were no pairs.
    predictions : sequence of Prediction
        In the order of `labels`.
    extra_info : sequence of mapping, optional
        Further info entries, one mapping a frame.

    Returns
    -------
    pathlib.Path
    """
    frames = all_to_atoms(labels, extra_info)
    for atoms, prediction in zip(frames, predictions, strict=True):
        put_prediction(atoms, prediction)
    return write_frames(path, frames)


def read_pairs(path: Path | str) -> list[tuple[Label, Prediction]]:
    """Read what `write_pairs` wrote; descriptors are not stored and come back empty.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    list of (Label, Prediction)
    """
    pairs = []
    for where, atoms in read_frames(path):
        label = from_atoms(atoms, where)
        pairs.append((label, take_prediction(atoms, where)))
    return pairs


def take_prediction(atoms: Atoms, where: str) -> Prediction:
    """Prediction of a frame; its descriptor is not stored and comes back empty."""
    mean = take_values(atoms, _MEAN, where)
    if not mean:
        raise UserError(
            f"{where}: holds no predictions; expected keys such as {next(iter(_MEAN))}."
        )
    return Prediction(
        mean=mean,
        std=take_values(atoms, _STD, where),
        descriptor=np.empty(0),
        expected_error=take_values(atoms, _EXPECTED, where),
    )


def put_prediction(atoms: Atoms, prediction: Prediction) -> None:
    """Add the keys of this module to a frame."""
    mean = {
        key: (p, prediction.mean[p.name]) for key, p in _MEAN.items() if p.name in prediction.mean
    }
    std = {key: (p, prediction.std[p.name]) for key, p in _STD.items() if p.name in prediction.std}
    expected = {
        key: (p, prediction.expected_error[p.name])
        for key, p in _EXPECTED.items()
        if p.name in prediction.expected_error
    }
    put_values(atoms, {**mean, **std, **expected})
