"""Ewald's sum written out, pair by pair and wave by wave, to compare with.

Ewald, Ann. Phys. 369, 253 (1921), https://doi.org/10.1002/andp.19213690304.
"""

import math

import torch
from ase import Atoms

from activecharge.units import COULOMB

TAIL = 6.7
"""Radii of both sums in units that leave out exp(−6.7²/2) = 2e-10."""


def direct_ewald(atoms: Atoms, charges) -> tuple[float, torch.Tensor, torch.Tensor]:
    """Energy in eV, forces (N, 3) eV/Å and stress (3, 3) eV/Å³ of a neutral periodic frame."""
    strain = torch.zeros(3, 3, dtype=torch.float64, requires_grad=True)
    deformation = torch.eye(3, dtype=torch.float64) + (strain + strain.T) / 2
    given = torch.tensor(atoms.get_positions(), requires_grad=True)
    positions, cell = given @ deformation, torch.tensor(atoms.cell.array) @ deformation
    q = torch.as_tensor(charges, dtype=torch.float64)
    volume = torch.linalg.det(cell).abs()
    # A fifth of what the cell is wide: neither sum is then long.
    width = float(volume.detach()) ** (1 / 3) / 5
    near, waves = _lattice(cell, TAIL * width), _waves(cell, TAIL / width)
    energy = (
        _real_space(positions, q, near, width) + _waves_energy(positions, q, waves, width) / volume
    )
    energy = COULOMB * (energy - q.square().sum() / (math.sqrt(2 * math.pi) * width))
    forces, stress = torch.autograd.grad(energy, (given, strain))
    return energy.item(), -forces, stress / volume.detach()


def _lattice(cell: torch.Tensor, radius: float) -> torch.Tensor:
    """Lattice vectors (M, 3) that may bring wrapped atoms within the radius."""
    heights = 1 / torch.linalg.norm(torch.linalg.inv(cell.detach()), dim=0)
    most = [math.ceil(radius / float(height)) + 1 for height in heights]
    steps = torch.cartesian_prod(*(torch.arange(-m, m + 1, dtype=cell.dtype) for m in most))
    return steps @ cell


def _waves(cell: torch.Tensor, radius: float) -> torch.Tensor:
    """Reciprocal lattice vectors (M, 3) of at most a length, without zero."""
    reciprocal = 2 * math.pi * torch.linalg.inv(cell).T
    vectors = _lattice(reciprocal, radius)
    lengths = vectors.detach().norm(dim=1)
    return vectors[(lengths > 0) & (lengths < radius)]


def _real_space(positions, charges, shifts, width: float) -> torch.Tensor:
    """½ Σ_ij Σ_shifts q_i q_j erfc(d/σ√2)/d, row by row."""
    total = torch.zeros((), dtype=torch.float64)
    for i, place in enumerate(positions):
        vectors = (positions - place)[:, None] + shifts
        near = (vectors.detach().norm(dim=2) < TAIL * width) & (vectors.detach().norm(dim=2) > 0)
        distances = vectors[near].norm(dim=1)
        others = charges[:, None].expand(near.shape)[near]
        terms = others * torch.erfc(distances / (math.sqrt(2) * width)) / distances
        total = total + charges[i] * terms.sum() / 2
    return total


def _waves_energy(positions, charges, waves, width: float) -> torch.Tensor:
    """Σ_k 2π exp(−σ²k²/2)/k² |S(k)|²."""
    phases = waves @ positions.T
    power = (torch.cos(phases) @ charges).square() + (torch.sin(phases) @ charges).square()
    squares = waves.square().sum(1)
    return (2 * math.pi * torch.exp(-(width**2) * squares / 2) / squares * power).sum()
