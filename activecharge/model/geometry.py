"""Edge vectors of a graph, tracked for differentiation by displacement and by strain."""

from dataclasses import dataclass

import torch

from activecharge.model.graph import Graph


@dataclass(frozen=True)
class Geometry:
    """Differentiable geometry of N atoms, E edges and B frames.

    Attributes
    ----------
    frame : (N,) int64
        The graph's.
    leaf : (N, 3) Å
        Displacements of the atoms, zero; what is differentiated by displacement.
    strain : (B, 3, 3)
        Zero; what the cells and positions are strained by.
    symmetric : (B, 3, 3) or None
        The strain's symmetric part, if it is tracked.
    positions : (N, 3) Å
        In the model's precision.
    cell : (B, 3, 3) Å
    vectors : (E, 3) Å
        From sender to receiver.
    lengths : (E,) Å
    unit : (E, 3)
    """

    frame: torch.Tensor
    leaf: torch.Tensor
    strain: torch.Tensor
    symmetric: torch.Tensor | None
    positions: torch.Tensor
    cell: torch.Tensor
    vectors: torch.Tensor
    lengths: torch.Tensor
    unit: torch.Tensor

    def between(
        self, first: torch.Tensor, second: torch.Tensor, vectors: torch.Tensor
    ) -> torch.Tensor:
        """Vectors (P, 3) from first to second atoms (P,) as functions of displacement and strain.

        Parameters
        ----------
        first, second : (P,) int64
        vectors : (P, 3) Å
            What they are without displacement and strain.
        """
        return _between(first, second, vectors, self.leaf, self.symmetric, self.frame)

    def displaced(
        self, first: torch.Tensor, second: torch.Tensor, vectors: torch.Tensor
    ) -> torch.Tensor:
        """The same as functions of displacement alone."""
        return _between(first, second, vectors, self.leaf, None, self.frame)


def trace_geometry(graph: Graph, displacement: bool, strain: bool) -> Geometry:
    """Edge vectors as functions of displacement and strain, if asked.

    Vectors come from the graph and were rounded once, from double precision; displacements are
    added to them as zeros. The strain ε acts symmetrically, R → R(1 + ε), so that stress has no
    rotational part (Knuth et al., Comput. Phys. Commun. 190, 33 (2015),
    https://doi.org/10.1016/j.cpc.2015.01.003).
    """
    leaf = torch.zeros_like(graph.positions, dtype=graph.cell.dtype).requires_grad_(displacement)
    deformation = torch.zeros_like(graph.cell).requires_grad_(strain)
    positions, cell, symmetric = graph.positions.to(leaf.dtype) + leaf, graph.cell, None
    if strain:
        symmetric = (deformation + deformation.mT) / 2
        positions = _strained(positions, symmetric, graph.frame)
        cell = cell + cell @ symmetric
    sender, receiver = graph.edges
    vectors = _between(sender, receiver, graph.vectors, leaf, symmetric, graph.frame)
    lengths = torch.linalg.vector_norm(vectors, dim=1)
    unit = vectors / lengths[:, None]
    return Geometry(
        graph.frame, leaf, deformation, symmetric, positions, cell, vectors, lengths, unit
    )


def _between(
    first: torch.Tensor,
    second: torch.Tensor,
    vectors: torch.Tensor,
    leaf: torch.Tensor,
    symmetric: torch.Tensor | None,
    frame: torch.Tensor,
) -> torch.Tensor:
    """See `Geometry.between`."""
    if leaf.requires_grad:
        vectors = vectors + leaf.index_select(0, second) - leaf.index_select(0, first)
    if symmetric is not None:
        vectors = _strained(vectors, symmetric, frame.index_select(0, second))
    return vectors


def _strained(vectors: torch.Tensor, symmetric: torch.Tensor, frame: torch.Tensor) -> torch.Tensor:
    """Vectors (K, 3) in frames (K,) strained by (B, 3, 3)."""
    if len(symmetric) == 1:  # often so where there are many, which then need no strains each
        return vectors + vectors @ symmetric[0]
    return vectors + torch.einsum("kx,kxy->ky", vectors, symmetric.index_select(0, frame))
