"""The smooth part of periodic Coulomb sums: by waves for small cells, on a mesh for large ones.

Both give E = 1/(2V) Σ_k G(k) |S(k)|², G(k) = 4π exp(−σ²k²/2)/k², the energy of all pairs of charges
smeared to Gaussians, with themselves included. G and the spreading of charges on a mesh are
torch-pme's (Loche et al., J. Chem. Phys. 162, 142501 (2025), https://doi.org/10.1063/5.0251713).
"""

import math
from collections.abc import Sequence

import torch
from torch.nn.utils.rnn import pad_sequence
from torchpme import CoulombPotential
from torchpme.lib import MeshInterpolator, generate_kvectors_for_mesh

from activecharge.model.coulomb.convergence import MESH_ORDER

LARGEST_BLOCK = 4_000_000
"""Waves times atoms, padded, of the frames that are summed at once."""


def ewald_energies(
    potential: CoulombPotential,
    charges: Sequence[torch.Tensor],
    positions: Sequence[torch.Tensor],
    cells: Sequence[torch.Tensor],
    largest_wave: float,
) -> list[torch.Tensor]:
    """Energies of frames by explicit sums over waves, batched by padding.

    Parameters
    ----------
    potential : torchpme.CoulombPotential
        With the smearing σ.
    charges, positions, cells : sequences of B tensors, (n,) e, (n, 3) Å and (3, 3) Å
    largest_wave : float
        1/Å.

    Returns
    -------
    list of torch.Tensor
        B energies (), eV.
    """
    waves = [wave_vectors(cell, largest_wave) for cell in cells]
    energies: list[torch.Tensor] = []
    start = 0
    while start < len(cells):
        stop, longest, most = start, 0, 0
        while stop < len(cells):
            longest, most = max(longest, len(waves[stop])), max(most, len(charges[stop]))
            if stop > start and (stop + 1 - start) * longest * most > LARGEST_BLOCK:
                break
            stop += 1
        block = slice(start, stop)
        energies += _ewald_block(
            potential,
            pad_sequence(list(charges[block]), batch_first=True),
            pad_sequence(list(positions[block]), batch_first=True),
            pad_sequence(waves[block], batch_first=True),
            torch.stack(list(cells[block])),
        )
        start = stop
    return energies


def _ewald_block(
    potential: CoulombPotential,
    charges: torch.Tensor,
    positions: torch.Tensor,
    waves: torch.Tensor,
    cells: torch.Tensor,
) -> list[torch.Tensor]:
    """Energies of padded frames: charges (B, n), positions (B, n, 3), half the waves (B, K, 3).

    Padded charges are zero, and G of a padded wave is, too.
    """
    phases = waves @ positions.mT
    cosines = (torch.cos(phases) @ charges[:, :, None])[:, :, 0]
    sines = (torch.sin(phases) @ charges[:, :, None])[:, :, 0]
    power = cosines.square() + sines.square()
    kernel = potential.lr_from_k_sq(waves.square().sum(-1))
    # A wave and its opposite give the same.
    return list((kernel * power).sum(1) / torch.linalg.det(cells).abs())


def wave_vectors(cell: torch.Tensor, largest: float) -> torch.Tensor:
    """One of each pair ±k of reciprocal lattice vectors in a sphere, differentiable by the cell.

    A sphere keeps the sum's truncation invariant under rotation, reflection and choice of cell.

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
    lattice = torch.cartesian_prod(*steps)
    # In this order of the steps, the opposite of each vector lies as far from the other end.
    lattice = lattice[len(lattice) // 2 + 1 :]
    inside = (lattice @ reciprocal.detach()).square().sum(1) <= largest**2
    return lattice[inside] @ reciprocal


def mesh_energy(
    potential: CoulombPotential,
    charges: torch.Tensor,
    positions: torch.Tensor,
    cell: torch.Tensor,
    spacing: float,
) -> torch.Tensor:
    """Energy of one frame by particle–particle particle–mesh (P3M).

    Charges are spread on a mesh by splines of order 5, whose Fourier transform, Π sinc(m_i/n_i)⁵ in
    steps m of the reciprocal lattice, is divided out: Hockney and Eastwood; Deserno and Holm,
    J. Chem. Phys. 109, 7678 (1998), https://doi.org/10.1063/1.477414. Written in steps, not in
    Cartesian waves, it holds in skewed cells.

    Parameters
    ----------
    potential : torchpme.CoulombPotential
        With the smearing σ.
    charges : (n,) e
    positions : (n, 3) Å
    cell : (3, 3) Å
    spacing : float
        Largest distance of mesh points along a lattice vector in Å.

    Returns
    -------
    torch.Tensor
        (), eV.
    """
    sizes = [mesh_size(length / spacing) for length in torch.linalg.norm(cell, dim=1).tolist()]
    points = torch.tensor(sizes, device=cell.device)
    mesh = MeshInterpolator(cell, points, interpolation_nodes=MESH_ORDER, method="P3M")
    mesh.compute_weights(positions)
    spectrum = torch.view_as_real(torch.fft.rfftn(mesh.points_to_mesh(charges[:, None])[0]))
    waves = generate_kvectors_for_mesh(cell=cell, ns=points)
    kernel = potential.lr_from_k_sq(waves.square().sum(-1)) * _sharpening(sizes, cell)
    return (kernel * spectrum.square().sum(-1)).sum() / (2 * torch.linalg.det(cell).abs())


def mesh_size(least: float) -> int:
    """Smallest even number of points, at least `least` and 2·order, with no prime above 5."""
    size = 2 * max(math.ceil(least / 2), MESH_ORDER)
    while True:
        rest = size
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return size
        size += 2


def _sharpening(sizes: Sequence[int], like: torch.Tensor) -> torch.Tensor:
    """Weights (n_x, n_y, n_z/2 + 1): waves that stand for their opposites, over the splines'."""
    x, y, z = (
        transform(size, dtype=like.dtype, device=like.device)
        for size, transform in zip(
            sizes, (torch.fft.fftfreq, torch.fft.fftfreq, torch.fft.rfftfreq), strict=True
        )
    )
    x, y, z = (torch.sinc(steps) ** (-2 * MESH_ORDER) for steps in (x, y, z))
    z[1:-1] *= 2
    return x[:, None, None] * y[:, None] * z
