"""Pairs of atoms that move little: found once with room to spare, and kept while the room lasts."""

from dataclasses import dataclass

import numpy as np

from activecharge.errors import UserError
from activecharge.model.space.pairs import Pairs, find_pairs

SKIN = 0.8
"""Å beyond the distance asked for. Water at 400 K then needs a search every 11 to 14 steps of 0.5
fs. Of 192 atoms, skins from 0.5 to 1.2 Å cost the same: rarer searches, and more pairs to look at.
"""

ROUNDING = 1e-6
"""Å, far above that of double precision within cells, far below any skin."""

MOST = 2
"""Distances of which a list is kept: that of edges, and that of a wide Coulomb sum."""


class KeptPairs:
    """Finds pairs as `find_pairs` does, for one frame that moves step by step.

    What it finds are the same pairs with the same vectors to rounding, in an order of its own. They
    are equal to the last bit whatever the skin, and whenever it searched. Atoms may jump by lattice
    vectors, all together may drift, and the cell may change; if another frame comes, or any atom
    has moved too far, it searches anew.

    A pair farther apart than ρ = distance + skin when it was sought, in a cell C₀, is now farther
    apart than σρ − 2u. Here σ is the smallest singular value of the deformation C₀⁻¹C, and u the
    longest way of any atom beyond that deformation. The list is good while σρ − 2u is not below
    the distance; in a constant cell, until an atom moved half the skin.

    Parameters
    ----------
    skin : float
        Å; at 0, every call searches.

    Attributes
    ----------
    searches : int
        How many there were so far.

    Raises
    ------
    UserError
        If the skin is negative or not a number.
    """

    def __init__(self, skin: float = SKIN):
        if not 0 <= skin < np.inf:
            raise UserError(f"skin {skin}: must be a length in Å, 0 or more")
        self.skin = skin
        self.searches = 0
        self._lists: dict[float, _Listed] = {}

    def __call__(self, positions: np.ndarray, cell: np.ndarray | None, cutoff: float) -> Pairs:
        """See `find_pairs`."""
        listed = self._lists.pop(cutoff, None)
        jumps = None if listed is None else listed.follow(positions, cell)
        if listed is None or jumps is None:
            self.searches += 1
            listed = _search(positions, cell, cutoff, self.skin)
            jumps = np.zeros_like(positions)
        self._lists[cutoff] = listed  # the last one used is the last one dropped
        while len(self._lists) > MOST:
            del self._lists[next(iter(self._lists))]
        return listed.within(positions, cell, jumps)


@dataclass(frozen=True)
class _Listed:
    """Pairs (P,) within `cutoff` + `skin` of each other when atoms stood at `positions`.

    `shifts` (P, 3) count the lattice vectors from a second atom to the image that is meant; their
    sums are `beyond` (P, 3) Å. Pairs are in the order of these numbers, which no jump changes: it
    adds the same to all of two atoms.
    """

    cutoff: float
    skin: float
    positions: np.ndarray
    cell: np.ndarray | None
    first: np.ndarray
    second: np.ndarray
    shifts: np.ndarray
    beyond: np.ndarray

    def follow(self, positions: np.ndarray, cell: np.ndarray | None) -> np.ndarray | None:
        """By how many lattice vectors each atom has jumped (N, 3), or None if the list is of no
        use."""
        if positions.shape != self.positions.shape or (cell is None) != (self.cell is None):
            return None
        narrowest, ways, jumps = 1.0, positions - self.positions, np.zeros_like(positions)
        if cell is not None and self.cell is not None and self.skin:
            deformation = np.linalg.inv(self.cell) @ cell
            narrowest = float(np.linalg.norm(deformation, -2))
            ways = positions - self.positions @ deformation
            # Atoms in one plane with a face may all have jumped but the one they are counted from.
            jumps = np.round((ways - ways[0]) @ np.linalg.inv(cell))
            ways = ways - jumps @ cell
        ways = ways - (ways.max(axis=0) + ways.min(axis=0)) / 2
        farthest = np.sqrt(np.square(ways).sum(axis=1).max())
        reach = narrowest * (self.cutoff + self.skin) - 2 * farthest
        return jumps if self.skin and reach >= self.cutoff else None

    def within(self, positions: np.ndarray, cell: np.ndarray | None, jumps: np.ndarray) -> Pairs:
        """Those of the pairs that are within the cutoff now."""
        near = self._about(positions, cell, jumps)
        first, second = self.first[near], self.second[near]
        vectors = positions[second] - positions[first]
        if cell is not None:
            shifts = self.shifts[near]
            if jumps.any():
                shifts += jumps[first] - jumps[second]
            # One by one: a product of matrices sums in an order of its own.
            for axis in range(3):
                vectors += shifts[:, axis, None] * cell[axis]
        distances = np.sqrt(np.einsum("px,px->p", vectors, vectors))
        inside = distances <= self.cutoff
        if inside.all():
            return Pairs(first, second, vectors, distances)
        return Pairs(first[inside], second[inside], vectors[inside], distances[inside])

    def _about(
        self, positions: np.ndarray, cell: np.ndarray | None, jumps: np.ndarray
    ) -> np.ndarray:
        """Places of the pairs that are within the cutoff but for rounding, found fast."""
        continued, beyond = positions, self.beyond
        if cell is not None and self.cell is not None:
            continued = positions - jumps @ cell
            if not np.array_equal(cell, self.cell):
                beyond = self.shifts @ cell
        vectors = continued.take(self.second, axis=0)
        vectors -= continued.take(self.first, axis=0)
        vectors += beyond
        squares = np.einsum("px,px->p", vectors, vectors)
        return np.flatnonzero(squares <= (self.cutoff + ROUNDING) ** 2)


def _search(positions: np.ndarray, cell: np.ndarray | None, cutoff: float, skin: float) -> _Listed:
    found = find_pairs(positions, cell, cutoff + skin)
    shifts = np.zeros_like(found.vectors)
    if cell is not None:
        beyond = found.vectors - (positions[found.second] - positions[found.first])
        shifts = np.round(beyond @ np.linalg.inv(cell))
    # Each from the atom of the smaller number, or, of an atom and its image, to the positive side.
    leading = np.where(shifts[:, 0] != 0, shifts[:, 0], shifts[:, 1])
    leading = np.where(leading != 0, leading, shifts[:, 2])
    turned = (found.first > found.second) | ((found.first == found.second) & (leading < 0))
    first = np.where(turned, found.second, found.first)
    second = np.where(turned, found.first, found.second)
    shifts = np.where(turned[:, None], -shifts, shifts) + 0.0  # which makes 0.0 of -0.0
    order = np.lexsort([*shifts.T[::-1], second, first])
    first, second, shifts = first[order], second[order], shifts[order]
    beyond = np.zeros_like(shifts) if cell is None else shifts @ cell
    return _Listed(cutoff, skin, positions.copy(), cell, first, second, shifts, beyond)
