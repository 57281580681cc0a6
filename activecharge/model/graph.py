"""From configurations to one batched graph: atoms, edges within the cutoff, and Coulomb pairs."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from ase import Atoms
from ase.data import chemical_symbols
from vesin import NeighborList

from activecharge.errors import UserError

SMALLEST_VOLUME = 1.0
"""Smallest cell in Å³ that can hold an atom."""


@dataclass(frozen=True)
class Graph:
    """Neighbours of one frame, or of many joined into a disjoint union.

    Shapes: N atoms, E directed edges (both directions of every pair), B frames.

    Attributes
    ----------
    positions : (N, 3) Å
    species : (N,) int64
        Index into the model's element list.
    frame : (N,) int64
        Which frame each atom belongs to.
    edges : (2, E) int64
        Sender s and receiver r, sorted by receiver; the edge vector is R[r] − R[s] + shift.
    reverse : (E,) int64
        For each edge the one from r to s with the opposite vector.
    shifts : (E, 3) float
        Lattice translations as multiples of the cell vectors.
    cell : (B, 3, 3) Å
        Rows are lattice vectors; zero for free frames.
    periodic : (B,) bool
    counts : (B,) int64
        Atoms per frame.
    """

    positions: torch.Tensor
    species: torch.Tensor
    frame: torch.Tensor
    edges: torch.Tensor
    reverse: torch.Tensor
    shifts: torch.Tensor
    cell: torch.Tensor
    periodic: torch.Tensor
    counts: torch.Tensor

    @property
    def offsets(self) -> list[int]:
        """First atom of each frame, and N at the end."""
        return [0, *torch.cumsum(self.counts, 0).tolist()]

    def to(self, device: torch.device | str, dtype: torch.dtype) -> "Graph":
        """Copy onto a device, floating-point tensors in `dtype`."""
        moved = {}
        for f in fields(self):
            tensor = getattr(self, f.name)
            moved[f.name] = tensor.to(device, dtype if tensor.is_floating_point() else None)
        return Graph(**moved)


def build_graph(atoms: Atoms, elements: Sequence[str], cutoff: float) -> Graph:
    """Neighbour list of one free or fully periodic frame.

    Parameters
    ----------
    atoms : ase.Atoms
    elements : sequence of str
        The chemical symbols that the model knows.
    cutoff : float
        Å.

    Raises
    ------
    UserError
        For a frame without atoms, an element the model does not know, partial periodicity, a
        cell without volume, or coordinates that are not finite.
    """
    if not len(atoms):
        raise UserError("a frame without atoms: remove it")
    unknown = sorted(set(atoms.get_chemical_symbols()) - set(elements))
    if unknown:
        raise UserError(
            f"the model knows {', '.join(elements)}, not {', '.join(unknown)}: "
            "remove those frames or train a committee on data that contains the element"
        )
    periodic = bool(atoms.pbc.all())
    if atoms.pbc.any() and not periodic:
        raise UserError(
            "frames must be free or periodic in all three directions, got "
            f"pbc={atoms.pbc.tolist()}: give a slab a cell padded with vacuum and pbc T T T"
        )
    if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()):
        raise UserError("coordinates or cell that are not finite numbers: remove the frame")
    if periodic and atoms.cell.volume < SMALLEST_VOLUME:
        raise UserError(
            f"a periodic frame needs a cell with volume, got {atoms.cell.array.tolist()} Å: "
            "give it a cell or make it free (pbc F F F)"
        )
    numbers = [chemical_symbols.index(symbol) for symbol in elements]
    cell = np.asarray(atoms.cell) if periodic else np.zeros((3, 3))
    edges, reverse, shifts = _edges(atoms.positions, cell, periodic, cutoff)
    return Graph(
        positions=torch.tensor(atoms.positions),
        species=torch.tensor([numbers.index(z) for z in atoms.numbers]),
        frame=torch.zeros(len(atoms), dtype=torch.int64),
        edges=torch.tensor(edges),
        reverse=torch.tensor(reverse),
        shifts=torch.tensor(shifts),
        cell=torch.tensor(cell).reshape(1, 3, 3),
        periodic=torch.tensor([periodic]),
        counts=torch.tensor([len(atoms)]),
    )


def _edges(
    positions: np.ndarray, cell: np.ndarray, periodic: bool, cutoff: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges (2, E), their reverses (E,) and shifts (E, 3) as `Graph` holds them."""
    first, second, shifts = NeighborList(cutoff=cutoff, full_list=False).compute(
        points=positions, box=cell, periodic=periodic, quantities="ijS"
    )
    # vesin's vector of a pair is R[second] − R[first] + S·cell; each pair gives two edges.
    senders = np.concatenate([first, second]).astype(np.int64)
    receivers = np.concatenate([second, first]).astype(np.int64)
    order = np.lexsort([senders, receivers])
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    reverse = np.roll(place, len(first))[order]
    shifts = np.asarray(shifts, dtype=float).reshape(-1, 3)
    both = np.concatenate([shifts, -shifts])
    return np.stack([senders, receivers])[:, order], reverse, both[order]


def join(graphs: Sequence[Graph]) -> Graph:
    """Disjoint union of graphs; frames keep their order."""
    counts = torch.cat([g.counts for g in graphs])
    sizes = torch.tensor([len(g.positions) for g in graphs])
    starts = torch.cumsum(sizes, 0) - sizes
    pairs = torch.tensor([len(g.reverse) for g in graphs])
    before = torch.cumsum(pairs, 0) - pairs
    frames = torch.arange(len(counts)).repeat_interleave(counts)
    return Graph(
        positions=torch.cat([g.positions for g in graphs]),
        species=torch.cat([g.species for g in graphs]),
        frame=frames,
        edges=torch.cat([g.edges + start for g, start in zip(graphs, starts, strict=True)], dim=1),
        reverse=torch.cat([g.reverse + start for g, start in zip(graphs, before, strict=True)]),
        shifts=torch.cat([g.shifts for g in graphs]),
        cell=torch.cat([g.cell for g in graphs]),
        periodic=torch.cat([g.periodic for g in graphs]),
        counts=counts,
    )
