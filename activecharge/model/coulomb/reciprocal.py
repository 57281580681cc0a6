"""The smooth part of periodic Coulomb sums: by waves for small cells, on a mesh for large ones.

Both give E = 1/(2V) Σ_k G(k) |S(k)|², G(k) = 4π exp(−σ²k²/2)/k², the energy of all pairs of charges
smeared to Gaussians, with themselves included. G and the spreading of charges on a mesh are
torch-pme's (Loche et al., J. Chem. Phys. 162, 142501 (2025), https://doi.org/10.1063/5.0251713).
"""

import math
from collections.abc import Sequence

import torch
from torchpme import CoulombPotential
from torchpme.lib import MeshInterpolator, generate_kvectors_for_mesh

from activecharge.model.coulomb.convergence import MESH_ORDER


def ewald_energies(
    potential: CoulombPotential,
    charges: torch.Tensor,
    positions: torch.Tensor,
    waves: torch.Tensor,
    cells: torch.Tensor,
) -> torch.Tensor:
    """Energies of frames by explicit sums over waves, batched by padding.

    Parameters
    ----------
    potential : torchpme.CoulombPotential
        With the smearing σ.
    charges : (B, n) e
        Zero where padded.
    positions : (B, n, 3) Å
    waves : (B, K, 3) in 1/Å
        Half of them; zero where padded, where G is zero, too.
    cells : (B, 3, 3) Å

    Returns
    -------
    torch.Tensor
        (B,), eV.
    """
    phases = waves @ positions.mT
    cosines = (torch.cos(phases) @ charges[:, :, None])[:, :, 0]
    sines = (torch.sin(phases) @ charges[:, :, None])[:, :, 0]
    power = cosines.square() + sines.square()
    kernel = potential.lr_from_k_sq(waves.square().sum(-1))
    # A wave and its opposite give the same.
    return (kernel * power).sum(1) / torch.linalg.det(cells).abs()


def wave_steps(cell: torch.Tensor, largest: float) -> torch.Tensor:
    """One of each pair ±k of reciprocal lattice vectors in a sphere, in steps of the lattice.

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
        (K, 3), whole numbers in the cell's type.
    """
    # |n_i| = |k·a_i|/2π is at most |k||a_i|/2π.
    bounds = (largest / (2 * math.pi) * torch.linalg.vector_norm(cell, dim=1)).tolist()
    steps = [
        torch.arange(-int(bound), int(bound) + 1, dtype=cell.dtype, device=cell.device)
        for bound in bounds
    ]
    lattice = torch.cartesian_prod(*steps)
    # In this order of the steps, the opposite of each vector lies as far from the other end.
    lattice = lattice[len(lattice) // 2 + 1 :]
    inside = (lattice @ reciprocal(cell)).square().sum(1) <= largest**2
    return lattice[inside]


def reciprocal(cells: torch.Tensor) -> torch.Tensor:
    """Reciprocal lattice vectors (..., 3, 3) in 1/Å, rows, of cells (..., 3, 3) in Å."""
    return 2 * math.pi * torch.linalg.inv(cells).mT


def mesh_energy(
    potential: CoulombPotential,
    charges: torch.Tensor,
    positions: torch.Tensor,
    cell: torch.Tensor,
    points: torch.Tensor,
    sizes: Sequence[int],
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
    points : (3,) int64
        Of the mesh, along each lattice vector.
    sizes : sequence of int
        The same.

    Returns
    -------
    torch.Tensor
        (), eV.
    """
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
