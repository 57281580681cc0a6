"""Coulomb energy of point charges: direct sum for free frames, Ewald or PME for periodic ones.

All sums are torch-pme's (Loche et al., J. Chem. Phys. 162, 142501 (2025),
https://doi.org/10.1063/5.0251713). Its potential of atom i already carries the ½ against double
counting, so the energy of a frame is Σ_i q_i V_i.
"""

import math

import torch
from torchpme import Calculator, CoulombPotential, EwaldCalculator, PMECalculator

from activecharge.model.graph import Graph
from activecharge.units import COULOMB

MESH_ABOVE = 200
"""Atoms in a periodic frame above which the mesh method is used; Ewald is faster below."""

CUTOFF_IN_SMEARINGS = 5.0
"""Real-space cutoff over the width σ of the screening Gaussians: neglects erfc(5/√2) = 6e-7."""

LARGEST_WAVE = 5.56
"""Largest wave number of the Ewald sum times σ: neglects exp(−5.56²/2) = 2e-7."""


class Electrostatics(torch.nn.Module):
    """Energy of point charges, converged to float32's noise (Ewald) or, in forces, to 1e-4 (PME).

    The real-space part of the periodic sums reuses the model's edges, so the width of the
    screening Gaussians follows from its cutoff.

    Parameters
    ----------
    cutoff : float
        Radius of the graph's edges in Å.
    exclusion : float
        Distance in Å, at most `cutoff`, within which pairs of charges fade out: their energy is
        q_i q_j/r times 1 − f(r), where f falls smoothly from 1 at contact to 0. At 0, none do.
    """

    def __init__(self, cutoff: float, exclusion: float = 0.0):
        super().__init__()
        self.smearing = cutoff / CUTOFF_IN_SMEARINGS
        largest_wave = LARGEST_WAVE / self.smearing
        self.direct = Calculator(CoulombPotential(prefactor=COULOMB))
        self.ewald = EwaldCalculator(
            CoulombPotential(smearing=self.smearing, prefactor=COULOMB),
            lr_wavelength=2 * math.pi / largest_wave,
            full_neighbor_list=True,
        )
        self.largest_wave = largest_wave
        self.exclusion = exclusion

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
        atoms = graph.counts.tolist()
        edges = torch.bincount(graph.frame[graph.edges[1]], minlength=len(atoms)).tolist()
        potentials = list(self._free(graph, charges, positions).split(atoms))
        per_frame = zip(
            graph.periodic.tolist(),
            graph.offsets[:-1],
            charges.split(atoms),
            cell,
            positions.split(atoms),
            graph.edges.T.split(edges),
            lengths.split(edges),
            strict=True,
        )
        for index, (periodic, start, q, box, places, pairs, distances) in enumerate(per_frame):
            if periodic:
                potentials[index] = self._periodic(q, box, places, pairs - start, distances)
        energies = torch.zeros_like(cell[:, 0, 0])
        energies = energies.index_add(0, graph.frame, charges * torch.cat(potentials))
        if self.exclusion == 0:
            return energies
        sender, receiver = graph.edges
        # Every pair is there in both directions, hence the half.
        excluded = COULOMB / 2 * self._fade(lengths) * charges[sender] * charges[receiver] / lengths
        return energies.index_add(0, graph.frame[receiver], -excluded)

    def _fade(self, distances: torch.Tensor) -> torch.Tensor:
        """1 at contact, 0 with two derivatives at the exclusion (E,)."""
        x = (distances / self.exclusion).clamp(max=1.0)
        return 1 - x**5 * (21 - 35 * x + 15 * x**2)

    def _free(self, graph: Graph, charges: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Potential (N,) in V of all other charges of the same free frame; 0 in periodic ones."""
        pairs = _free_pairs(graph)
        distances = torch.linalg.vector_norm(positions[pairs[:, 1]] - positions[pairs[:, 0]], dim=1)
        # Without smearing the calculator is a sum over pairs; it ignores the cell.
        unit = torch.eye(3, dtype=positions.dtype, device=positions.device)
        return self.direct(charges[:, None], unit, positions, pairs, distances)[:, 0]

    def _periodic(
        self,
        charges: torch.Tensor,
        cell: torch.Tensor,
        positions: torch.Tensor,
        pairs: torch.Tensor,
        distances: torch.Tensor,
    ) -> torch.Tensor:
        """Potential (n,) in V in one periodic frame."""
        arguments = (charges[:, None], cell, positions, pairs, distances)
        if len(charges) > MESH_ABOVE:
            return self._mesh().to(positions)(*arguments)[:, 0]
        return self.ewald(*arguments, kvectors=wave_vectors(cell, self.largest_wave))[:, 0]

    def _mesh(self) -> PMECalculator:
        """PME, made anew for each use since it keeps tensors of its last one.

        Rounding up to powers of two puts the actual mesh between 0.19 and 0.375 σ, where seven
        nodes err as P3M's five do. (P3M in torch-pme 0.5 is right for orthogonal cells only.)
        """
        return PMECalculator(
            CoulombPotential(smearing=self.smearing, prefactor=COULOMB),
            mesh_spacing=0.75 * self.smearing,
            interpolation_nodes=7,
            full_neighbor_list=True,
        )


def wave_vectors(cell: torch.Tensor, largest: float) -> torch.Tensor:
    """All reciprocal lattice vectors within a sphere, differentiable by the cell.

    A sphere keeps the sum's truncation invariant under rotation, reflection and choice of cell.
    (Left to itself, torch-pme 0.5's Ewald sum takes a parallelepiped of half the asked-for
    extent.)

    Parameters
    ----------
    cell : (3, 3) Å
        Rows are lattice vectors.
    largest : float
        Radius of the sphere in 1/Å.

    Returns
    -------
    torch.Tensor
        (K, 3) in 1/Å.
    """
    reciprocal = 2 * math.pi * torch.linalg.inv(cell).T
    # |n_i| = |k·a_i|/2π is at most |k||a_i|/2π.
    bounds = (largest / (2 * math.pi) * torch.linalg.vector_norm(cell.detach(), dim=1)).tolist()
    steps = [
        torch.arange(-int(bound), int(bound) + 1, dtype=cell.dtype, device=cell.device)
        for bound in bounds
    ]
    vectors = torch.cartesian_prod(*steps) @ reciprocal
    return vectors[vectors.detach().square().sum(1) <= largest**2]


def _free_pairs(graph: Graph) -> torch.Tensor:
    """All pairs i < j within each free frame, (P, 2)."""
    pairs = [torch.empty(0, 2, dtype=torch.int64, device=graph.frame.device)]
    for start, stop, periodic in zip(
        graph.offsets[:-1], graph.offsets[1:], graph.periodic.tolist(), strict=True
    ):
        if not periodic:
            pairs.append(torch.combinations(torch.arange(start, stop, device=graph.frame.device)))
    return torch.cat(pairs)
