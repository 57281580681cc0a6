"""Cells as lattices: short vectors for them, positions wrapped into them, empty space closed."""

import numpy as np
from ase.geometry.minkowski_reduction import minkowski_reduce

MARGIN = 1e-6
"""Share of a cell's vectors by which atoms may stick out of it, so that rounding does not send
those in one plane with the origin to either face by chance."""

MOST_SKEWED = 4.0
"""Product of the lattice vectors' lengths over the volume above which a cell is reduced."""


def reduced(cell: np.ndarray) -> np.ndarray:
    """A cell (3, 3) of the same lattice with short vectors, where the given one is very skewed.

    Waves and meshes are sought along the vectors, so that long ones would cost for nothing.
    """
    skewness = np.prod(np.linalg.norm(cell, axis=1)) / abs(np.linalg.det(cell))
    return minkowski_reduce(cell)[0] if skewness > MOST_SKEWED else cell


def heights(cell: np.ndarray) -> np.ndarray:
    """Distances (3,) of opposite faces of a cell (3, 3)."""
    return 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)


def wrapped(positions: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Positions (N, 3) moved into the cell by lattice vectors."""
    fractional = positions @ np.linalg.inv(cell)
    return (fractional - np.floor(fractional + MARGIN)) @ cell


def without_gaps(
    positions: np.ndarray, cell: np.ndarray | None, gap: float
) -> tuple[np.ndarray, np.ndarray | None]:
    """The same atoms with all empty space of more than `gap` along an axis closed down to it.

    Vectors between atoms nearer to each other than `gap` stay what they are. What a search over
    places costs then grows with the atoms, not with the space around them.

    Parameters
    ----------
    positions : (N, 3) Å
        Within the cell, if there is one.
    cell : (3, 3) Å or None
        None for free frames, whose axes are x, y and z.
    gap : float
        Å.

    Returns
    -------
    positions : (N, 3) Å
    cell : (3, 3) Å or None
    """
    if cell is None:
        if np.ptp(positions, axis=0).max() <= gap:
            return positions, None
        return np.stack([_closed(line, gap)[0] for line in positions.T], axis=1), None
    most = gap / heights(cell)
    if most.min() >= 1:
        return positions, cell
    lines = (positions @ np.linalg.inv(cell)).T
    closed = [_closed(line, m, 1.0) for line, m in zip(lines, most, strict=True)]
    lengths = np.array([length for _, length in closed])
    if (lengths == 1).all():
        return positions, cell
    return np.stack([line for line, _ in closed], axis=1) @ cell, cell * lengths[:, None]


def _closed(line: np.ndarray, most: float, length: float = np.inf) -> tuple[np.ndarray, float]:
    """Places on a line (N,) that repeats, and its length, with no gap wider than `most`."""
    order = np.argsort(line, kind="stable")
    steps = np.diff(line[order])
    around = length - steps.sum()
    if steps.max(initial=0.0) <= most and around <= most:
        return line, length
    steps, places = np.minimum(steps, most), np.zeros_like(line)
    places[order[1:]] = np.cumsum(steps)
    return places, steps.sum() + min(around, most)
