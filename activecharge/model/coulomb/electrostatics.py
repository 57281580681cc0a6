"""Coulomb energy of point charges: direct sum for free frames, Ewald or P3M for periodic ones.

The pair potentials and their smooth parts are torch-pme's (Loche et al., J. Chem. Phys. 162,
142501 (2025), https://doi.org/10.1063/5.0251713).
"""

import torch
from torch import nn
from torchpme import CoulombPotential

from activecharge.model.coulomb.convergence import converge
from activecharge.model.coulomb.coulomb_plan import CoulombPlan, FreePairs, coulomb_plan
from activecharge.model.coulomb.reciprocal import ewald_energies, mesh_energy, reciprocal
from activecharge.model.geometry import Geometry
from activecharge.model.graph import Graph
from activecharge.units import COULOMB


class Electrostatics(nn.Module):
    """Energy of point charges, whose derivatives are forces of the accuracy asked for.

    The real-space part of the periodic sums reuses the model's edges, so its cutoff is theirs; all
    else follows from it and from the accuracy (`Convergence`). Frames that are mostly empty have
    pairs of their own, of a `reach` times that cutoff (`Split`). They are summed as a frame that
    is smaller by this factor, since E(q, R) = E(q, R/s)/s: one width of Gaussians serves all.

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
        self.screened = CoulombPotential(smearing=self.convergence.smearing, prefactor=COULOMB)

    def forward(self, graph: Graph, charges: torch.Tensor, geometry: Geometry) -> torch.Tensor:
        """Coulomb energy of each frame.

        Parameters
        ----------
        graph : Graph
        charges : (N,) e
        geometry : Geometry
            The graph's.

        Returns
        -------
        torch.Tensor
            (B,) eV.
        """
        plan = coulomb_plan(graph, self.convergence)
        energies = self._near(graph, plan, charges, geometry.lengths)
        if graph.pairs.shape[1]:
            energies = energies + self._wide(graph, plan, charges, geometry)
        if plan.free is not None:
            energies = energies + _free(graph, plan.free, charges, geometry)
        if plan.blocks or plan.meshes:
            energies = energies + self._smooth(graph, plan, charges, geometry)
        return energies

    def _near(
        self, graph: Graph, plan: CoulombPlan, charges: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Sums over edges (B,): the real-space part of dense frames, less what fades out."""
        sender, receiver = graph.edges
        potential = torch.zeros_like(lengths)
        if plan.blocks or plan.meshes:
            potential = torch.where(plan.inside, self.screened.sr_from_dist(lengths), potential)
        if self.exclusion:
            potential = potential - COULOMB * self._fade(lengths) / lengths
        # Every pair is there in both directions, hence the half.
        return _sum_pairs(graph, charges, sender, receiver, plan.owner, potential / 2)

    def _wide(
        self, graph: Graph, plan: CoulombPlan, charges: torch.Tensor, geometry: Geometry
    ) -> torch.Tensor:
        """The real-space part (B,) of frames that have pairs of their own."""
        first, second = graph.pairs
        vectors = geometry.between(first, second, graph.pair_vectors)
        scale = graph.reach.index_select(0, plan.wide_owner)
        scaled = torch.linalg.vector_norm(vectors, dim=1) / scale
        potential = self.screened.sr_from_dist(scaled) / scale
        return _sum_pairs(graph, charges, first, second, plan.wide_owner, potential)

    def _fade(self, distances: torch.Tensor) -> torch.Tensor:
        """1 at contact, 0 with two derivatives at the exclusion (E,)."""
        x = (distances / self.exclusion).clamp(max=1.0)
        return 1 - x**5 * (21 - 35 * x + 15 * x**2)

    def _smooth(
        self, graph: Graph, plan: CoulombPlan, charges: torch.Tensor, geometry: Geometry
    ) -> torch.Tensor:
        """Energies (B,) of the smeared charges of periodic frames, less each one's own."""
        scale = graph.reach
        cell = geometry.cell / scale[:, None, None]
        positions = geometry.positions / scale.index_select(0, graph.frame)[:, None]
        energies = zeros = cell.new_zeros(len(cell))
        for block in plan.blocks:
            cells = cell.index_select(0, block.frames)
            where = block.atoms.flatten()
            found = ewald_energies(
                self.screened,
                charges.index_select(0, where).view_as(block.present) * block.present,
                positions.index_select(0, where).view(*block.atoms.shape, 3),
                block.steps @ reciprocal(cells),
                cells,
            )
            energies = energies.index_add(0, block.frames, found)
        for mesh in plan.meshes:
            here = slice(mesh.start, mesh.stop)
            found = mesh_energy(
                self.screened,
                charges[here],
                positions[here],
                cell[mesh.frame],
                mesh.points,
                mesh.sizes,
            )
            energies = energies + nn.functional.pad(
                found[None], (mesh.frame, len(cell) - mesh.frame - 1)
            )
        own = zeros.index_add(0, graph.frame, charges.square()) * self.screened.self_contribution()
        total = zeros.index_add(0, graph.frame, charges)
        # A uniform background makes the cell neutral.
        volumes = torch.linalg.det(cell).abs().clamp(1e-6)
        own = own / 2 + self.screened.background_correction() * total.square() / volumes
        return (energies - own.where(graph.periodic, 0.0)) / scale


def _free(
    graph: Graph, pairs: FreePairs, charges: torch.Tensor, geometry: Geometry
) -> torch.Tensor:
    """Energies (B,) of all pairs of the free frames, 0 in periodic ones."""
    # Strain is none of theirs.
    vectors = geometry.displaced(pairs.first, pairs.second, pairs.vectors)
    potential = COULOMB / torch.linalg.vector_norm(vectors, dim=1)
    return _sum_pairs(graph, charges, pairs.first, pairs.second, pairs.frame, potential)


def _sum_pairs(
    graph: Graph,
    charges: torch.Tensor,
    first: torch.Tensor,
    second: torch.Tensor,
    owner: torch.Tensor,
    potential: torch.Tensor,
) -> torch.Tensor:
    """Energies (B,) of pairs (P,) in frames `owner` by their potential (P,) at a unit charge."""
    energies = potential * charges.index_select(0, first) * charges.index_select(0, second)
    return energies.new_zeros(len(graph.counts)).index_add(0, owner, energies)
