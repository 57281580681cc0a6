"""Neighbours that are listed a little beyond the cutoff, and so serve while atoms move a little.

The list is that of L. Verlet, Phys. Rev. 159, 98 (1967), https://doi.org/10.1103/PhysRev.159.98.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from ase import Atoms

from activecharge.errors import BrokenGeometry
from activecharge.model.graph import Graph, build_graph
from activecharge.model.space.pairs import Pairs, find_pairs
from activecharge.model.space.refusals import refuse_contacts


@dataclass(frozen=True)
class _List:
    """What was found where atoms stood when neighbours were last sought.

    `edges`, `reverse` and `shifts` are those of the wide cutoff; `far` and `far_shifts` the pairs
    of a Coulomb sum of its own. A vector is R[second] − R[first] + shift.
    """

    positions: np.ndarray
    cell: np.ndarray
    graph: Graph
    offsets: np.ndarray
    edges: np.ndarray
    reverse: np.ndarray
    shifts: np.ndarray
    far: np.ndarray
    far_shifts: np.ndarray


class SkinGraph:
    """The graph of one frame that moves, its neighbours sought anew only when they may be others.

    Parameters
    ----------
    atoms : ase.Atoms
        Free or periodic; it is copied.
    elements, cutoff, accuracy
        As in `activecharge.model.graph.build_graph`.
    skin : float
        How far beyond the cutoff neighbours are listed, Å.
    """

    def __init__(
        self, atoms: Atoms, elements: Sequence[str], cutoff: float, accuracy: float, skin: float
    ):
        self._atoms, self._elements = atoms.copy(), elements
        self._cutoff, self._accuracy, self._skin = cutoff, accuracy, skin
        self._list: _List | None = None
        self.searches = 0

    def forget(self) -> None:
        """Seek neighbours anew next time, so that what follows depends on what is then alone."""
        self._list = None

    def at(self, positions: np.ndarray, cell: np.ndarray | None = None) -> Graph:
        """The graph with atoms elsewhere, equal to `build_graph`'s but for rounding.

        Parameters
        ----------
        positions : (N, 3) Å
            Continuous in time: atoms that leave the cell are not put back.
        cell : (3, 3) Å, optional
            If it changed.

        Raises
        ------
        UserError
            As `build_graph`.
        """
        if cell is not None and not np.array_equal(cell, self._atoms.cell.array):
            self._atoms.set_cell(cell)
            self._list = None
        if not np.isfinite(positions).all():
            raise BrokenGeometry("coordinates that are not finite numbers: remove the frame")
        if self._list is None or self._moved(positions - self._list.positions) > self._skin / 2:
            self._list = self._search(positions)
        return self._follow(self._list, positions)

    def _moved(self, displacements: np.ndarray) -> float:
        """How far the farthest atom has gone, Å."""
        return float(np.sqrt((displacements**2).sum(axis=1).max()))

    def _search(self, positions: np.ndarray) -> _List:
        self.searches += 1
        self._atoms.positions = positions
        graph = build_graph(self._atoms, self._elements, self._cutoff, self._accuracy)
        wide = build_graph(self._atoms, self._elements, self._cutoff + self._skin, self._accuracy)
        cell = graph.cell[0].numpy()
        far, far_vectors = graph.pairs.numpy(), graph.pair_vectors.numpy()
        if graph.pairs.shape[1]:
            reach = float(graph.reach) * self._cutoff + self._skin
            found = find_pairs(graph.positions.numpy(), cell, reach)
            far, far_vectors = np.stack([found.first, found.second]), found.vectors
        edges = wide.edges.numpy()
        return _List(
            positions=positions.copy(),
            cell=cell,
            graph=graph,
            offsets=_lattice(graph.positions.numpy() - self._about(graph, positions), cell),
            edges=edges,
            reverse=wide.reverse.numpy(),
            shifts=_shifts(positions, edges, wide.vectors.numpy(), cell),
            far=far,
            far_shifts=_shifts(positions, far, far_vectors, cell),
        )

    def _about(self, graph: Graph, positions: np.ndarray) -> np.ndarray:
        """Positions as a graph holds them: those on a mesh keep their place in it."""
        return positions if bool(graph.meshed) else positions - positions[0]

    def _follow(self, known: _List, positions: np.ndarray) -> Graph:
        vectors = _vectors(positions, known.edges, known.shifts)
        squares = (vectors**2).sum(axis=1)
        near = squares <= self._cutoff**2
        edges, kept = known.edges[:, near], vectors[near]
        distances = np.sqrt(squares[near])
        refuse_contacts(self._atoms, Pairs(edges[0], edges[1], kept, distances))
        place = np.cumsum(near) - 1
        graph = replace(
            known.graph,
            positions=torch.from_numpy(self._about(known.graph, positions) + known.offsets),
            edges=torch.from_numpy(edges),
            reverse=torch.from_numpy(place[known.reverse[near]]),
            vectors=torch.from_numpy(kept),
        )
        if not known.far.shape[1]:
            return graph
        vectors = _vectors(positions, known.far, known.far_shifts)
        within = (vectors**2).sum(axis=1) <= (float(graph.reach) * self._cutoff) ** 2
        return replace(
            graph,
            pairs=torch.from_numpy(known.far[:, within]),
            pair_vectors=torch.from_numpy(vectors[within]),
        )


def _vectors(positions: np.ndarray, pairs: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Vectors (P, 3); those of a pair's two directions are opposite to the last bit."""
    return (positions[pairs[1]] - positions[pairs[0]]) + shifts


def _shifts(
    positions: np.ndarray, pairs: np.ndarray, vectors: np.ndarray, cell: np.ndarray
) -> np.ndarray:
    return _lattice(vectors - (positions[pairs[1]] - positions[pairs[0]]), cell)


def _lattice(vectors: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """The lattice vectors (K, 3) that vectors are but for rounding; zeros without a cell."""
    if not cell.any():
        return np.zeros_like(vectors)
    # Adding zero turns -0.0 into 0.0.
    return np.round(vectors @ np.linalg.inv(cell)) @ cell + 0.0
