"""What O-H bonds tell about the units and signs of positions, forces and dipoles.

Every file of water, whatever made it, has bonds of about 0.97 Å that pull back with about
50 eV/Å² (the stretching of gas-phase water: 8.45 mdyn/Å, Benedict, Gailar, Plyler, J. Chem. Phys.
24, 1139 (1956), DOI 10.1063/1.1742731), and molecules whose dipole, 1.85 debye in the gas and up to
3 in the liquid, points from oxygen to hydrogen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

Pairs = Sequence[tuple[Atoms, Mapping[str, np.ndarray]]]
"""Frames, each with its values by property name."""

_LONGEST = 1.3
"""Å; beyond it a hydrogen is not bonded."""

_FRAMES, _ATOMS = 200, 1500
"""Looked at are no more frames than this, evenly chosen, none of more atoms."""


@dataclass(frozen=True)
class Slope:
    """A line through the origin of two quantities, as a file shows them.

    Attributes
    ----------
    value : float
        Least-squares slope; NaN if there is nothing to fit.
    correlation : float
        Between -1 and 1.
    points : int
    spread : float
        Root mean square of the abscissas, in their unit.
    """

    value: float
    correlation: float
    points: int
    spread: float


def bond_length(pairs: Pairs) -> float:
    """Median distance from a hydrogen to the nearest oxygen, Å; NaN without such atoms."""
    found = [np.linalg.norm(vectors, axis=1) for _, _, vectors, _ in _hydrogens(pairs)]
    return float(np.median(np.concatenate(found))) if found else float("nan")


def stiffness(pairs: Pairs) -> Slope:
    """Minus the change of the force on a hydrogen, along its bond, with the bond's length.

    About 50 eV/Å² in the right units, negative for gradients in place of forces. Bonds at rest or
    of one length only do not correlate.
    """
    lengths, forces = [], []
    for _, values, vectors, hydrogens in _hydrogens(pairs):
        if "forces" not in values:
            continue
        distances = np.linalg.norm(vectors, axis=1)
        along = np.einsum("ix,ix->i", values["forces"][hydrogens], vectors) / distances
        used = (distances < _LONGEST) & np.isfinite(along)
        lengths.append(distances[used])
        forces.append(along[used])
    x, y = _joined(lengths), _joined(forces)
    if len(x):
        x, y = x - x.mean(), y - y.mean()
    slope = _slope(x, y)
    return Slope(-slope.value, -slope.correlation, slope.points, slope.spread)


def bond_charge(pairs: Pairs) -> Slope:
    """Dipole of free frames against the sum of their O-H bond vectors.

    About 0.33 e for lone molecules and 0.45 e in clusters.
    """
    bonds, dipoles = [], []
    for atoms, values, vectors, _ in _hydrogens(pairs):
        intact = np.linalg.norm(vectors, axis=1) < _LONGEST
        if "dipole" in values and not atoms.pbc.any() and intact.all():
            bonds.append(vectors.sum(axis=0))
            dipoles.append(values["dipole"])
    return _slope(_joined(bonds), _joined(dipoles))


def _hydrogens(
    pairs: Pairs,
) -> Iterator[tuple[Atoms, Mapping[str, np.ndarray], np.ndarray, np.ndarray]]:
    """Frames of hydrogen and oxygen: the vectors from the nearest oxygens to all hydrogens."""
    for index in np.unique(np.linspace(0, len(pairs) - 1, min(len(pairs), _FRAMES)).astype(int)):
        atoms, values = pairs[index]
        hydrogens, oxygens = np.flatnonzero(atoms.numbers == 1), np.flatnonzero(atoms.numbers == 8)
        if set(atoms.numbers.tolist()) != {1, 8} or len(atoms) > _ATOMS:
            continue
        vectors = atoms.positions[hydrogens, None] - atoms.positions[None, oxygens]
        if atoms.pbc.all():
            cell = atoms.cell.array
            vectors = vectors - np.rint(vectors @ np.linalg.inv(cell)) @ cell
        nearest = np.linalg.norm(vectors, axis=-1).argmin(axis=1)
        yield atoms, values, vectors[np.arange(len(hydrogens)), nearest], hydrogens


def _slope(x: np.ndarray, y: np.ndarray) -> Slope:
    size = float(np.sqrt((x**2).sum() * (y**2).sum()))
    if size == 0:
        return Slope(float("nan"), 0.0, len(x), 0.0)
    product, square = float((x * y).sum()), float((x**2).sum())
    return Slope(product / square, product / size, len(x), float(np.sqrt(square / len(x))))


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(array) for array in arrays]) if arrays else np.empty(0)
