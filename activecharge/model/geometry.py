"""Edge vectors of a graph, tracked for differentiation by displacement and by strain."""

from dataclasses import dataclass

import torch

from activecharge.model.graph import Graph


@dataclass(frozen=True)
class Geometry:
    """Differentiable geometry of N atoms, E edges and B frames.

    Attributes
    ----------
    leaf : (N, 3) Å
        What displacements are differentiated by.
    strain : (B, 3, 3)
        Zero; what the cells and positions are strained by.
    positions : (N, 3) Å
    cell : (B, 3, 3) Å
    vectors : (E, 3) Å
        From sender to receiver.
    lengths : (E,) Å
    unit : (E, 3)
    """

    leaf: torch.Tensor
    strain: torch.Tensor
    positions: torch.Tensor
    cell: torch.Tensor
    vectors: torch.Tensor
    lengths: torch.Tensor
    unit: torch.Tensor


def trace_geometry(graph: Graph, displacement: bool, strain: bool) -> Geometry:
    """Edge vectors R[r] − R[s] + shift, as functions of displacement and strain if asked.

    The strain ε acts symmetrically, R → R(1 + ε), so that stress has no rotational part
    (Knuth et al., Comput. Phys. Commun. 190, 33 (2015), https://doi.org/10.1016/j.cpc.2015.01.003).
    """
    leaf = graph.positions.detach().requires_grad_(displacement)
    deformation = torch.zeros_like(graph.cell).requires_grad_(strain)
    positions, cell = leaf, graph.cell
    if strain:
        symmetric = (deformation + deformation.mT) / 2
        positions = leaf + torch.einsum("nx,nxy->ny", leaf, symmetric[graph.frame])
        cell = cell + cell @ symmetric
    sender, receiver = graph.edges
    frame = graph.frame.index_select(0, receiver)
    shifts = torch.einsum("ex,exy->ey", graph.shifts, cell.index_select(0, frame))
    vectors = positions.index_select(0, receiver) - positions.index_select(0, sender) + shifts
    lengths = torch.linalg.vector_norm(vectors, dim=1)
    return Geometry(
        leaf, deformation, positions, cell, vectors, lengths, vectors / lengths[:, None]
    )
