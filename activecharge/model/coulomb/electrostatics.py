"""Coulomb energy of point charges: direct sum for free frames, Ewald or P3M for periodic ones.

The pair potentials and their smooth parts are torch-pme's (Loche et al., J. Chem. Phys. 162,
142501 (2025), https://doi.org/10.1063/5.0251713).
"""

import math

import torch
from torchpme import Calculator, CoulombPotential

from activecharge.model.coulomb.convergence import converge
from activecharge.model.coulomb.reciprocal import ewald_energies, mesh_energy
from activecharge.model.graph import Graph
from activecharge.units import COULOMB

MESH_ABOVE = 250_000
"""Waves times atoms of a frame above which the mesh is faster than the Ewald sum."""


class Electrostatics(torch.nn.Module):
    """Energy of point charges, whose derivatives are forces of the accuracy asked for.

    The real-space part of the periodic sums reuses the model's edges, so its cutoff is theirs; all
    else follows from it and from the accuracy (`Convergence`).

    Parameters
    ----------
    cutoff : float
        Radius of the graph's edges in Å.
    exclusion : float
        Distance in Å, at most `cutoff`, within which pairs of charges fade out: their energy is
        q_i q_j/r times 1 − f(r), where f falls smoothly from 1 at contact to 0. At 0, none do.
    accuracy : float
        Error of the forces in periodic frames relative to their size.
    """

    def __init__(self, cutoff: float, exclusion: float = 0.0, accuracy: float = 1e-4):
        super().__init__()
        self.exclusion = exclusion
        self.convergence = converge(cutoff, accuracy)
        self.direct = Calculator(CoulombPotential(prefactor=COULOMB))
        self.screened = CoulombPotential(smearing=self.convergence.smearing, prefactor=COULOMB)

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
        energies = self._near(graph, charges, lengths)
        if not graph.periodic.all():
            energies = energies + self._free(graph, charges, positions)
        if graph.periodic.any():
            energies = energies + self._smooth(graph, charges, positions, cell)
        return energies

    def _near(self, graph: Graph, charges: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Sums over edges (B,): the real-space part of periodic frames, less what fades out."""
        sender, receiver = graph.edges
        frame = graph.frame.index_select(0, receiver)
        inside = graph.periodic.index_select(0, frame)
        potential = torch.where(inside, self.screened.sr_from_dist(lengths), 0.0)
        if self.exclusion:
            potential = potential - COULOMB * self._fade(lengths) / lengths
        # Every pair is there in both directions, hence the half.
        pairs = potential * charges.index_select(0, sender) * charges.index_select(0, receiver) / 2
        return pairs.new_zeros(len(graph.counts)).index_add(0, frame, pairs)

    def _fade(self, distances: torch.Tensor) -> torch.Tensor:
        """1 at contact, 0 with two derivatives at the exclusion (E,)."""
        x = (distances / self.exclusion).clamp(max=1.0)
        return 1 - x**5 * (21 - 35 * x + 15 * x**2)

    def _free(self, graph: Graph, charges: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Energies (B,) of all pairs of the free frames, 0 in periodic ones."""
        pairs = _free_pairs(graph)
        distances = torch.linalg.vector_norm(positions[pairs[:, 1]] - positions[pairs[:, 0]], dim=1)
        # Without smearing the calculator is a sum over pairs, halved; it ignores the cell.
        unit = torch.eye(3, dtype=positions.dtype, device=positions.device)
        potential = self.direct(charges[:, None], unit, positions, pairs, distances)[:, 0]
        energies = charges.new_zeros(len(graph.counts))
        return energies.index_add(0, graph.frame, charges * potential)

    def _smooth(
        self, graph: Graph, charges: torch.Tensor, positions: torch.Tensor, cell: torch.Tensor
    ) -> torch.Tensor:
        """Energies (B,) of the smeared charges of periodic frames, less each one's own."""
        atoms = graph.counts.tolist()
        periodic = graph.periodic.tolist()
        volumes = torch.linalg.det(cell).abs()
        # The waves of a sphere's half, (2π)³/V apart.
        density = self.convergence.largest_wave**3 / (12 * math.pi**2)
        work = (density * volumes.detach() * graph.counts).tolist()
        large = [i for i, cost in enumerate(work) if periodic[i] and cost > MESH_ABOVE]
        small = [i for i, cost in enumerate(work) if periodic[i] and cost <= MESH_ABOVE]
        q, r = charges.split(atoms), positions.split(atoms)
        waves = self.convergence.largest_wave
        values = ewald_energies(
            self.screened,
            [q[i] for i in small],
            [r[i] for i in small],
            [cell[i] for i in small],
            waves,
        )
        spacing = self.convergence.spacing
        values += [mesh_energy(self.screened, q[i], r[i], cell[i], spacing) for i in large]
        where = torch.tensor(small + large, device=cell.device)
        energies = torch.zeros_like(volumes).index_add(0, where, torch.stack(values))
        zeros = torch.zeros_like(energies)
        own = zeros.index_add(0, graph.frame, charges.square()) * self.screened.self_contribution()
        total = zeros.index_add(0, graph.frame, charges)
        # A uniform background makes the cell neutral.
        own = own / 2 + self.screened.background_correction() * total.square() / volumes.clamp(1e-6)
        return energies - own.where(graph.periodic, 0.0)


def _free_pairs(graph: Graph) -> torch.Tensor:
    """All pairs i < j within each free frame, (P, 2)."""
    pairs = []
    for start, stop, periodic in zip(
        graph.offsets[:-1], graph.offsets[1:], graph.periodic.tolist(), strict=True
    ):
        if not periodic:
            pairs.append(torch.combinations(torch.arange(start, stop, device=graph.frame.device)))
    return torch.cat(pairs)
