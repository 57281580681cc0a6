"""Frames that are almost the same as one already seen."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from ase import Atoms
from ase.geometry import minkowski_reduce

_RANKS = 256
"""At most this many distances a pair of elements are kept."""

_BLOCKS = 8
"""Block means of a fingerprint that are compared before the whole."""

_SHIFTS = np.array(list(product((-1, 0, 1), repeat=3)))
"""The cell and its 26 neighbours."""


@dataclass(frozen=True)
class Fingerprint:
    """What near duplicates have in common.

    Attributes
    ----------
    group : str
        Composition and periodicity; only frames of one group are compared.
    values : numpy.ndarray
        Shape (9 + D,), Å: the cell and sorted pair distances. D depends on the group alone.
    """

    group: str
    values: np.ndarray


def fingerprint(atoms: Atoms) -> Fingerprint:
    """Sort the pair distances of a frame, element pair by element pair.

    No entry changes by more than twice the largest displacement of an atom. Where there
    are more than 256 pairs of a kind, ranks in geometric progression stand for all: every
    short distance and ever fewer of the long ones. Mirror images are equal, as an
    equivariant model learns nothing from the second of the two.

    Parameters
    ----------
    atoms : ase.Atoms
        Free, or periodic in all directions; then distances are to the nearest image.

    Returns
    -------
    Fingerprint
    """
    periodic = bool(atoms.pbc.all())
    cell = atoms.cell.array if periodic else np.zeros((3, 3))
    first, second = np.triu_indices(len(atoms), k=1)
    vectors = atoms.positions[first] - atoms.positions[second]
    distances = _nearest(vectors, cell) if periodic else np.linalg.norm(vectors, axis=1)
    low = np.minimum(atoms.numbers[first], atoms.numbers[second])
    high = np.maximum(atoms.numbers[first], atoms.numbers[second])
    kinds = low.astype(np.int64) * 1000 + high
    parts = [cell.ravel()]
    for kind in np.unique(kinds):
        ordered = np.sort(distances[kinds == kind])
        parts.append(ordered[_ranks(len(ordered))])
    formula = atoms.symbols.get_chemical_formula(mode="hill")
    return Fingerprint(f"{formula} {'periodic' if periodic else 'free'}", np.concatenate(parts))


class NearDuplicates:
    """Remembers fingerprints and says whether another is nearly one of them.

    Parameters
    ----------
    tolerance : float
        Frames of one group are near duplicates if every entry of their fingerprints
        differs by less, Å.
    """

    def __init__(self, tolerance: float = 0.02) -> None:
        self.tolerance = tolerance
        self._groups: dict[str, _Rows] = {}

    def add(self, frame: Fingerprint) -> None:
        """Remember a frame."""
        rows = self._groups.setdefault(frame.group, _Rows(len(frame.values)))
        rows.append(frame.values)

    def near(self, frame: Fingerprint) -> bool:
        """Whether a frame is within the tolerance of one remembered."""
        rows = self._groups.get(frame.group)
        return rows is not None and rows.any_within(frame.values, self.tolerance)


class _Rows:
    """Fingerprints of one length in a growing array, with block means to rule most out."""

    def __init__(self, width: int) -> None:
        self._blocks = np.array_split(np.arange(width), min(_BLOCKS, width))
        self._values = np.empty((4, width))
        self._means = np.empty((4, len(self._blocks)))
        self._count = 0

    def append(self, values: np.ndarray) -> None:
        if self._count == len(self._values):
            self._values = np.concatenate([self._values, np.empty_like(self._values)])
            self._means = np.concatenate([self._means, np.empty_like(self._means)])
        self._values[self._count] = values
        self._means[self._count] = self._block_means(values)
        self._count += 1

    def any_within(self, values: np.ndarray, tolerance: float) -> bool:
        # Means over a block differ by no more than its largest difference.
        means = np.abs(self._means[: self._count] - self._block_means(values))
        possible = np.flatnonzero((means < tolerance).all(axis=1))
        differences = np.abs(self._values[possible] - values).max(axis=1)
        return bool((differences < tolerance).any())

    def _block_means(self, values: np.ndarray) -> np.ndarray:
        return np.array([values[block].mean() for block in self._blocks])


def _nearest(vectors: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Lengths of vectors between nearest images, shape (pairs,), Å."""
    reduced = minkowski_reduce(cell)[0]
    fractional = vectors @ np.linalg.inv(reduced)
    wrapped = (fractional - np.rint(fractional)) @ reduced
    gram = reduced @ reduced.T
    if np.abs(gram - np.diag(np.diag(gram))).max() < 1e-9 * gram.max():
        return np.linalg.norm(wrapped, axis=1)
    # In a skewed cell, even a reduced one, the nearest image may be a neighbouring one.
    squares = [((wrapped + shift @ reduced) ** 2).sum(axis=1) for shift in _SHIFTS]
    return np.sqrt(np.min(squares, axis=0))


def _ranks(count: int) -> np.ndarray:
    if count <= _RANKS:
        return np.arange(count)
    return np.unique(np.geomspace(1, count, _RANKS).round().astype(int)) - 1
