"""Coulomb energy of point charges: direct sum for free frames, Ewald or P3M for periodic ones.

The pair potentials and their smooth parts are torch-pme's (Loche et al., J. Chem. Phys. 162,
142501 (2025), https://doi.org/10.1063/5.0251713).
"""

import torch
from torchpme import CoulombPotential

from activecharge.model.coulomb.convergence import converge
from activecharge.model.coulomb.reciprocal import ewald_energies, mesh_energy
from activecharge.model.geometry import Geometry
from activecharge.model.graph import Graph
from activecharge.units import COULOMB

LARGEST_BLOCK = 250_000
"""Pairs of free frames whose positions are looked up at once."""


class Electrostatics(torch.nn.Module):
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
        energies = self._near(graph, charges, geometry.lengths)
        if graph.pairs.shape[1]:
            energies = energies + self._wide(graph, charges, geometry)
        if not graph.periodic.all():
            energies = energies + _free(graph, charges, geometry)
        if graph.periodic.any():
            energies = energies + self._smooth(graph, charges, geometry)
        return energies

    def _near(self, graph: Graph, charges: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Sums over edges (B,): the real-space part of dense frames, less what fades out."""
        sender, receiver = graph.edges
        frame = graph.frame.index_select(0, receiver)
        inside = (graph.periodic & (graph.reach == 1)).index_select(0, frame)
        potential = torch.where(inside, self.screened.sr_from_dist(lengths), 0.0)
        if self.exclusion:
            potential = potential - COULOMB * self._fade(lengths) / lengths
        # Every pair is there in both directions, hence the half.
        return _sum_pairs(graph, charges, sender, receiver, potential / 2)

    def _wide(self, graph: Graph, charges: torch.Tensor, geometry: Geometry) -> torch.Tensor:
        """The real-space part (B,) of frames that have pairs of their own."""
        first, second = graph.pairs
        vectors = geometry.between(first, second, graph.pair_vectors)
        scale = graph.reach.index_select(0, graph.frame.index_select(0, first))
        scaled = torch.linalg.vector_norm(vectors, dim=1) / scale
        return _sum_pairs(graph, charges, first, second, self.screened.sr_from_dist(scaled) / scale)

    def _fade(self, distances: torch.Tensor) -> torch.Tensor:
        """1 at contact, 0 with two derivatives at the exclusion (E,)."""
        x = (distances / self.exclusion).clamp(max=1.0)
        return 1 - x**5 * (21 - 35 * x + 15 * x**2)

    def _smooth(self, graph: Graph, charges: torch.Tensor, geometry: Geometry) -> torch.Tensor:
        """Energies (B,) of the smeared charges of periodic frames, less each one's own."""
        atoms, scale = graph.counts.tolist(), graph.reach
        periodic, meshed = graph.periodic.tolist(), graph.meshed.tolist()
        large = [i for i, mesh in enumerate(meshed) if mesh]
        small = [i for i, inside in enumerate(periodic) if inside and not meshed[i]]
        cell = geometry.cell / scale[:, None, None]
        q = charges.split(atoms)
        r = (geometry.positions / scale.index_select(0, graph.frame)[:, None]).split(atoms)
        values = ewald_energies(
            self.screened,
            [q[i] for i in small],
            [r[i] for i in small],
            [cell[i] for i in small],
            self.convergence.largest_wave,
        )
        spacing = self.convergence.spacing
        values += [mesh_energy(self.screened, q[i], r[i], cell[i], spacing) for i in large]
        where = torch.tensor(small + large, device=cell.device)
        zeros = cell.new_zeros(len(cell))
        energies = zeros.index_add(0, where, torch.stack(values))
        own = zeros.index_add(0, graph.frame, charges.square()) * self.screened.self_contribution()
        total = zeros.index_add(0, graph.frame, charges)
        # A uniform background makes the cell neutral.
        volumes = torch.linalg.det(cell).abs().clamp(1e-6)
        own = own / 2 + self.screened.background_correction() * total.square() / volumes
        return (energies - own.where(graph.periodic, 0.0)) / scale


def _free(graph: Graph, charges: torch.Tensor, geometry: Geometry) -> torch.Tensor:
    """Energies (B,) of all pairs of the free frames, 0 in periodic ones."""
    first, second = _free_pairs(graph)
    # Differences in double precision, rounded afterwards.
    vectors = torch.cat(
        [
            (graph.positions.index_select(0, j) - graph.positions.index_select(0, i)).to(charges)
            for i, j in zip(first.split(LARGEST_BLOCK), second.split(LARGEST_BLOCK), strict=True)
        ]
    )
    # Strain is none of theirs.
    leaf = geometry.leaf
    vectors = vectors + leaf.index_select(0, second) - leaf.index_select(0, first)
    potential = COULOMB / torch.linalg.vector_norm(vectors, dim=1)
    return _sum_pairs(graph, charges, first, second, potential)


def _sum_pairs(
    graph: Graph,
    charges: torch.Tensor,
    first: torch.Tensor,
    second: torch.Tensor,
    potential: torch.Tensor,
) -> torch.Tensor:
    """Energies (B,) of pairs (P,) by their potential (P,) at a unit charge."""
    energies = potential * charges.index_select(0, first) * charges.index_select(0, second)
    zeros = energies.new_zeros(len(graph.counts))
    return zeros.index_add(0, graph.frame.index_select(0, second), energies)


def _free_pairs(graph: Graph) -> torch.Tensor:
    """All pairs i < j within each free frame, (2, P)."""
    pairs = []
    for start, count, periodic in zip(
        graph.offsets[:-1], graph.counts.tolist(), graph.periodic.tolist(), strict=True
    ):
        if not periodic:
            pairs.append(torch.triu_indices(count, count, 1, device=graph.frame.device) + start)
    return torch.cat(pairs, dim=1)
