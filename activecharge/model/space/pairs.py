"""Pairs of atoms within a distance, over periodic images."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from vesin import NeighborList

from activecharge.model.space.cells import without_gaps

SPARE = 1.5
"""Empty space that is kept when searching, in units of the distance searched."""


@dataclass(frozen=True)
class Pairs:
    """P pairs, each once.

    Attributes
    ----------
    first, second : (P,) int64
    vectors : (P, 3) Å
        From the first to the nearest or another image of the second.
    distances : (P,) Å
    """

    first: np.ndarray
    second: np.ndarray
    vectors: np.ndarray
    distances: np.ndarray


def find_pairs(positions: np.ndarray, cell: np.ndarray | None, cutoff: float) -> Pairs:
    """All pairs up to a distance, an atom's own images among them.

    Parameters
    ----------
    positions : (N, 3) Å
        Within the cell, if there is one.
    cell : (3, 3) Å or None
        None for free frames.
    cutoff : float
        Å.
    """
    points, box = without_gaps(positions, cell, SPARE * cutoff)
    first, second, vectors, distances = NeighborList(cutoff=cutoff, full_list=False).compute(
        points=points,
        box=np.zeros((3, 3)) if box is None else box,
        periodic=box is not None,
        quantities="ijDd",
    )
    return Pairs(first.astype(np.int64), second.astype(np.int64), vectors, distances)


FindPairs = Callable[[np.ndarray, np.ndarray | None, float], Pairs]
"""What `find_pairs` is, and others that find the same."""
