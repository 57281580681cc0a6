"""Coulomb energy of point charges: direct sum for free frames, Ewald or P3M for periodic ones.

All sums are torch-pme's (Loche et al., J. Chem. Phys. 162, 142501 (2025),
https://doi.org/10.1063/5.0251713). Its potential of atom i already carries the ½ against double
counting, so the energy of a frame is Σ_i q_i V_i.
"""

import torch
from torchpme import Calculator, CoulombPotential, EwaldCalculator, P3MCalculator

from activecharge.model.graph import Graph
from activecharge.units import COULOMB

MESH_ABOVE = 400
"""Atoms in a periodic frame from which the mesh method is used; Ewald is faster below."""


class Electrostatics(torch.nn.Module):
    """Energy of point charges, exact in the sense of a converged Ewald sum.

    The real-space part of the periodic sums reuses the model's edges, so the width of the
    screening Gaussians follows from its cutoff: at cutoff/5 the neglected tail is
    erfc(5/√2) = 6e-7, below float32's noise.

    Parameters
    ----------
    cutoff : float
        Radius of the graph's edges in Å.
    """

    def __init__(self, cutoff: float):
        super().__init__()
        smearing = cutoff / 5
        self.direct = Calculator(CoulombPotential(prefactor=COULOMB))
        # exp(−(kσ)²/2) = 2e-7 at the largest wave vector kept.
        self.ewald = EwaldCalculator(
            CoulombPotential(smearing=smearing, prefactor=COULOMB),
            lr_wavelength=1.13 * smearing,
            full_neighbor_list=True,
        )
        self.mesh = P3MCalculator(
            CoulombPotential(smearing=smearing, prefactor=COULOMB),
            mesh_spacing=smearing / 2,
            interpolation_nodes=5,
            full_neighbor_list=True,
        )

    def forward(
        self,
        graph: Graph,
        charges: torch.Tensor,
        positions: torch.Tensor,
        cell: torch.Tensor,
        lengths: torch.Tensor,
    ) -> torch.Tensor:
        """Coulomb energy of each frame.

        Parameters
        ----------
        graph : Graph
            Edges and frame layout.
        charges : (N,) e
        positions : (N, 3) Å
        cell : (B, 3, 3) Å
        lengths : (E,) Å
            Lengths of the graph's edges.

        Returns
        -------
        torch.Tensor
            (B,) eV.
        """
        free = ~graph.periodic
        potential = torch.zeros_like(charges)
        if free.any():
            pairs = _free_pairs(graph)
            distances = torch.linalg.vector_norm(
                positions[pairs[:, 1]] - positions[pairs[:, 0]], dim=1
            )
            # Without smearing the calculator is a sum over pairs; it ignores the cell.
            unit = torch.eye(3, dtype=positions.dtype, device=positions.device)
            potential = self.direct(charges[:, None], unit, positions, pairs, distances)[:, 0]
        if graph.periodic.any():
            potential = torch.cat(
                [
                    self._periodic(graph, index, charges, positions, cell[index], lengths)
                    if graph.periodic[index]
                    else potential[start:stop]
                    for index, (start, stop) in enumerate(
                        zip(graph.offsets, graph.offsets[1:], strict=False)
                    )
                ]
            )
        energies = torch.zeros_like(cell[:, 0, 0])
        return energies.index_add(0, graph.frame, charges * potential)

    def _periodic(
        self,
        graph: Graph,
        index: int,
        charges: torch.Tensor,
        positions: torch.Tensor,
        cell: torch.Tensor,
        lengths: torch.Tensor,
    ) -> torch.Tensor:
        start, stop = graph.offsets[index : index + 2]
        mine = (graph.edges[1] >= start) & (graph.edges[1] < stop)
        calculator = self.mesh if stop - start > MESH_ABOVE else self.ewald
        return calculator(
            charges[start:stop, None],
            cell,
            positions[start:stop],
            graph.edges[:, mine].T - start,
            lengths[mine],
        )[:, 0]


def _free_pairs(graph: Graph) -> torch.Tensor:
    """All pairs i < j within each free frame, (P, 2)."""
    pairs = [
        torch.combinations(torch.arange(start, stop, device=graph.frame.device))
        for start, stop, periodic in zip(
            graph.offsets, graph.offsets[1:], graph.periodic.tolist(), strict=False
        )
        if not periodic
    ]
    return torch.cat(pairs)
