"""What a Coulomb sum needs to know of a batch beside charges and displacements."""

from dataclasses import dataclass

import torch

from activecharge.model.coulomb.convergence import Convergence
from activecharge.model.coulomb.reciprocal import mesh_size, wave_steps
from activecharge.model.graph import Graph
from activecharge.model.space.moving import moved

LARGEST_BLOCK = 4_000_000
"""Waves times atoms, padded, of the frames that are summed at once."""

LARGEST_PART = 250_000
"""Pairs of free frames whose positions are looked up at once."""


@dataclass(frozen=True)
class FreePairs:
    """All pairs i < j within each free frame.

    Attributes
    ----------
    first, second, frame : (P,) int64
    vectors : (P, 3) Å
        Differences in double precision, which are rounded afterwards.
    """

    first: torch.Tensor
    second: torch.Tensor
    frame: torch.Tensor
    vectors: torch.Tensor


@dataclass(frozen=True)
class WaveBlock:
    """b periodic frames that are summed over waves together, padded to n atoms and K waves.

    Attributes
    ----------
    frames : (b,) int64
    atoms : (b, n) int64
        Padded places name the first atom.
    present : (b, n)
        1 where there is an atom, else 0.
    steps : (b, K, 3)
        Whole numbers of reciprocal lattice vectors; zero where padded, as such a wave weighs 0.
    """

    frames: torch.Tensor
    atoms: torch.Tensor
    present: torch.Tensor
    steps: torch.Tensor


@dataclass(frozen=True)
class Mesh:
    """One periodic frame that is summed on a mesh.

    Attributes
    ----------
    frame, start, stop : int
        Its place in the batch, and its atoms.
    points : (3,) int64
        Of the mesh.
    sizes : tuple of int
        The same.
    """

    frame: int
    start: int
    stop: int
    points: torch.Tensor
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class CoulombPlan:
    """All of it.

    Attributes
    ----------
    owner : (E,) int64
        Frame of each edge.
    inside : (E,) bool
        Whether the edge is one of the real-space pairs of its periodic frame.
    wide_owner : (P,) int64
        Frame of each of the graph's own Coulomb pairs.
    free : FreePairs or None
    blocks : tuple of WaveBlock
    meshes : tuple of Mesh
    """

    owner: torch.Tensor
    inside: torch.Tensor
    wide_owner: torch.Tensor
    free: FreePairs | None
    blocks: tuple[WaveBlock, ...]
    meshes: tuple[Mesh, ...]

    def to(self, device: torch.device | str, dtype: torch.dtype) -> "CoulombPlan":
        """Copy onto a device, floating-point tensors in `dtype`."""
        return moved(self, device, dtype)


def coulomb_plan(graph: Graph, convergence: Convergence) -> CoulombPlan:
    """The plan of a graph, made once for each way to sum."""
    return graph.kept(CoulombPlan, convergence, lambda: _plan(graph, convergence))


def _plan(graph: Graph, convergence: Convergence) -> CoulombPlan:
    periodic, meshed = graph.periodic.tolist(), graph.meshed.tolist()
    offsets = graph.offsets
    owner = graph.frame.index_select(0, graph.edges[1])
    return CoulombPlan(
        owner=owner,
        inside=(graph.periodic & (graph.reach == 1)).index_select(0, owner),
        wide_owner=graph.frame.index_select(0, graph.pairs[1]),
        free=None if all(periodic) else _free_pairs(graph, offsets, periodic),
        blocks=_blocks(
            graph,
            offsets,
            [i for i, inside in enumerate(periodic) if inside and not meshed[i]],
            convergence.largest_wave,
        ),
        meshes=tuple(
            _mesh(graph, i, offsets, convergence.spacing) for i, mesh in enumerate(meshed) if mesh
        ),
    )


def _free_pairs(graph: Graph, offsets: list[int], periodic: list[bool]) -> FreePairs:
    device = graph.frame.device
    first, second = torch.cat(
        [
            torch.triu_indices(stop - start, stop - start, 1, device=device) + start
            for start, stop, inside in zip(offsets, offsets[1:], periodic, strict=False)
            if not inside
        ],
        dim=1,
    )
    vectors = torch.cat(
        [
            (graph.positions.index_select(0, j) - graph.positions.index_select(0, i)).to(graph.cell)
            for i, j in zip(first.split(LARGEST_PART), second.split(LARGEST_PART), strict=True)
        ]
    )
    return FreePairs(first, second, graph.frame.index_select(0, second), vectors)


def _blocks(
    graph: Graph, offsets: list[int], frames: list[int], largest: float
) -> tuple[WaveBlock, ...]:
    """Frames in their order, as many in a block as its size allows."""
    cells = graph.cell / graph.reach[:, None, None]
    steps = {i: wave_steps(cells[i], largest) for i in frames}
    blocks: list[WaveBlock] = []
    while frames:
        count, longest, most = 0, 0, 0
        for i in frames:
            longest = max(longest, len(steps[i]))
            most = max(most, offsets[i + 1] - offsets[i])
            if count and (count + 1) * longest * most > LARGEST_BLOCK:
                break
            count += 1
        blocks.append(_block(graph, offsets, frames[:count], steps))
        frames = frames[count:]
    return tuple(blocks)


def _block(
    graph: Graph, offsets: list[int], frames: list[int], steps: dict[int, torch.Tensor]
) -> WaveBlock:
    device = graph.frame.device
    atoms = [torch.arange(offsets[i], offsets[i + 1], device=device) for i in frames]
    present = [torch.ones(len(a), dtype=graph.cell.dtype, device=device) for a in atoms]

    def padded(parts: list[torch.Tensor]) -> torch.Tensor:
        return torch.nn.utils.rnn.pad_sequence(parts, batch_first=True)

    return WaveBlock(
        frames=torch.tensor(frames, device=device),
        atoms=padded(atoms),
        present=padded(present),
        steps=padded([steps[i] for i in frames]),
    )


def _mesh(graph: Graph, frame: int, offsets: list[int], spacing: float) -> Mesh:
    cell = graph.cell[frame].double() / graph.reach[frame].double()
    sizes = tuple(mesh_size(length / spacing) for length in torch.linalg.norm(cell, dim=1).tolist())
    points = torch.tensor(sizes, device=graph.cell.device)
    return Mesh(frame, offsets[frame], offsets[frame + 1], points, sizes)
