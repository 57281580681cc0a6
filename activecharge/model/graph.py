"""From configurations to one batched graph: atoms, edges within the cutoff, and Coulomb pairs.

All differences of positions are taken here, in double precision, and rounded afterwards: results in
single precision do not depend on where a frame lies, nor on which images of its atoms are given.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Protocol, TypeVar

import numpy as np
import torch
from ase import Atoms

from activecharge.model.coulomb.convergence import TYPICAL_ACCURACY, converge
from activecharge.model.coulomb.splitting import Split, choose_split
from activecharge.model.space.cells import reduced, wrapped
from activecharge.model.space.pairs import FindPairs, Pairs, find_pairs
from activecharge.model.space.refusals import refuse_contacts, refuse_frame


class Plan(Protocol):
    """What is made of a graph once, before anything is differentiated."""

    def to(self, device: torch.device | str, dtype: torch.dtype) -> "Plan":
        """Copy onto a device, floating-point tensors in `dtype`."""


AnyPlan = TypeVar("AnyPlan", bound=Plan)


@dataclass(frozen=True)
class Graph:
    """Neighbours of one frame, or of many joined into a disjoint union.

    Shapes: N atoms, E directed edges (both directions of every pair), B frames, P pairs.

    Attributes
    ----------
    positions : (N, 3) Å
        Double always: about the first atom, and within the cells of periodic frames; those summed
        on a mesh keep their place in it, as results depend on it within the accuracy.
    species : (N,) int64
        Index into the model's element list.
    frame : (N,) int64
        Which frame each atom belongs to.
    edges : (2, E) int64
        Sender and receiver, sorted by receiver.
    reverse : (E,) int64
        For each edge the one from r to s with the opposite vector.
    vectors : (E, 3) Å
        From sender to receiver.
    cell : (B, 3, 3) Å
        Rows are short lattice vectors; zero for free frames.
    periodic : (B,) bool
    counts : (B,) int64
        Atoms per frame.
    reach : (B,) float
        Radius of the real-space Coulomb sum of a periodic frame over the cutoff (`Split`).
    meshed : (B,) bool
        Whether its smooth part goes onto a mesh.
    pairs : (2, P) int64
        Pairs of that sum, each once, in frames whose reach is not 1.
    pair_vectors : (P, 3) Å
        From the first to the second.
    plans : dict
        What `kept` has kept. It goes along to another device, not into other graphs.
    """

    positions: torch.Tensor
    species: torch.Tensor
    frame: torch.Tensor
    edges: torch.Tensor
    reverse: torch.Tensor
    vectors: torch.Tensor
    cell: torch.Tensor
    periodic: torch.Tensor
    counts: torch.Tensor
    reach: torch.Tensor
    meshed: torch.Tensor
    pairs: torch.Tensor
    pair_vectors: torch.Tensor
    plans: dict[tuple[type, Hashable], Plan] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @property
    def offsets(self) -> list[int]:
        """First atom of each frame, and N at the end."""
        return [0, *torch.cumsum(self.counts, 0).tolist()]

    def to(self, device: torch.device | str, dtype: torch.dtype) -> "Graph":
        """Copy onto a device, floating-point tensors but for positions in `dtype`."""
        moved = {}
        for name in TENSORS:
            tensor = getattr(self, name)
            rounded = tensor.is_floating_point() and name != "positions"
            moved[name] = tensor.to(device, dtype if rounded else None)
        graph = Graph(**moved)
        graph.plans.update({key: plan.to(device, dtype) for key, plan in self.plans.items()})
        return graph

    def kept(self, kind: type[AnyPlan], key: Hashable, make: Callable[[], AnyPlan]) -> AnyPlan:
        """A plan of one kind, made at the first call; `key` tells those of a kind apart."""
        found = self.plans.get((kind, key))
        if not isinstance(found, kind):
            found = self.plans[kind, key] = make()
        return found


TENSORS = tuple(f.name for f in fields(Graph) if f.init)
"""Names of a graph's tensors."""


def build_graph(
    atoms: Atoms,
    elements: Sequence[str],
    cutoff: float,
    accuracy: float = TYPICAL_ACCURACY,
    find: FindPairs = find_pairs,
) -> Graph:
    """Neighbour list of one free or fully periodic frame.

    Parameters
    ----------
    atoms : ase.Atoms
    elements : sequence of str
        The chemical symbols that the model knows.
    cutoff : float
        Å.
    accuracy : float
        Of Coulomb forces. The model's own decides what they are; this one, how they are had for
        the least work.
    find : callable
        Finds the pairs; a `KeptPairs` of its own for a frame that moves little.

    Raises
    ------
    UserError
        For a frame without atoms, an element the model does not know, partial periodicity, or a
        cell without volume or larger than any sensible one; as a `BrokenGeometry` for coordinates
        that are not finite and atoms in one place.
    """
    refuse_frame(atoms, elements)
    given, cell = np.asarray(atoms.positions, dtype=float), None
    positions = given - given[0]
    if atoms.pbc.all():
        cell = reduced(np.asarray(atoms.cell.array, dtype=float))
        positions = wrapped(positions, cell)
    near = find(positions, cell, cutoff)
    refuse_contacts(atoms, near)
    species = [elements.index(symbol) for symbol in atoms.get_chemical_symbols()]
    graph = _assemble(positions, species, cell, near)
    if cell is None:
        return graph
    split = choose_split(positions, cell, converge(cutoff, accuracy))
    if split.meshed:
        graph = replace(graph, positions=torch.tensor(wrapped(given, cell)))
    return graph if split == Split() else summed_by(graph, split, cutoff, find)


def _assemble(
    positions: np.ndarray, species: Sequence[int], cell: np.ndarray | None, near: Pairs
) -> Graph:
    """A graph whose Coulomb sum has no pairs but the edges."""
    edges, reverse, vectors = _edges(near)
    return Graph(
        positions=torch.tensor(positions),
        species=torch.tensor(species),
        frame=torch.zeros(len(positions), dtype=torch.int64),
        edges=torch.tensor(edges),
        reverse=torch.tensor(reverse),
        vectors=torch.tensor(vectors),
        cell=torch.tensor(np.zeros((3, 3)) if cell is None else cell)[None],
        periodic=torch.tensor([cell is not None]),
        counts=torch.tensor([len(positions)]),
        reach=torch.ones(1, dtype=torch.float64),
        meshed=torch.tensor([False]),
        pairs=torch.empty(2, 0, dtype=torch.int64),
        pair_vectors=torch.empty(0, 3, dtype=torch.float64),
    )


def summed_by(graph: Graph, split: Split, cutoff: float, find: FindPairs = find_pairs) -> Graph:
    """The graph of one periodic frame, its Coulomb sum split in another way."""
    pairs, vectors = np.empty((2, 0), dtype=np.int64), np.empty((0, 3))
    if split.reach != 1:
        cell = graph.cell[0].numpy()
        far = find(graph.positions.numpy(), cell, split.reach * cutoff)
        pairs, vectors = np.stack([far.first, far.second]), far.vectors
    return replace(
        graph,
        reach=torch.tensor([split.reach], dtype=torch.float64),
        meshed=torch.tensor([split.meshed]),
        pairs=torch.tensor(pairs),
        pair_vectors=torch.tensor(vectors),
    )


def _edges(near: Pairs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges (2, E), their reverses (E,) and vectors (E, 3) as `Graph` holds them."""
    # Each pair gives two edges.
    senders = np.concatenate([near.first, near.second])
    receivers = np.concatenate([near.second, near.first])
    # By receiver, then by sender; of one number, and sooner done where pairs are sorted.
    atoms = int(senders.max(initial=0)) + 1
    order = np.argsort(receivers * atoms + senders, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    reverse = np.roll(place, len(near.first))[order]
    both = np.concatenate([near.vectors, -near.vectors])
    return np.stack([senders, receivers])[:, order], reverse, both[order]


def join(graphs: Sequence[Graph]) -> Graph:
    """Disjoint union of graphs; frames keep their order."""
    counts = torch.cat([g.counts for g in graphs])
    sizes = torch.tensor([len(g.positions) for g in graphs])
    starts = torch.cumsum(sizes, 0) - sizes
    pairs = torch.tensor([len(g.reverse) for g in graphs])
    before = torch.cumsum(pairs, 0) - pairs
    joined = {
        name: torch.cat([getattr(g, name) for g in graphs])
        for name in TENSORS
        if name not in ("frame", "edges", "reverse", "pairs")
    }
    return Graph(
        frame=torch.arange(len(counts)).repeat_interleave(counts),
        edges=torch.cat([g.edges + start for g, start in zip(graphs, starts, strict=True)], dim=1),
        reverse=torch.cat([g.reverse + start for g, start in zip(graphs, before, strict=True)]),
        pairs=torch.cat([g.pairs + start for g, start in zip(graphs, starts, strict=True)], dim=1),
        **joined,
    )
