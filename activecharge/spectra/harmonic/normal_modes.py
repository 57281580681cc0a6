"""Harmonic modes and intensities from a Hessian and Born effective charges."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from activecharge.spectra.optics import MODE_KM_PER_MOL, wavenumber_of
from activecharge.units import ACCELERATION

_RANK = 1e-6
"""Of a rigid motion's size: below, it is none, as the turn of a line about itself."""


@dataclass(frozen=True)
class Modes:
    """K harmonic modes of N atoms, the lowest first.

    Attributes
    ----------
    wavenumber : (K,) numpy.ndarray
        cm⁻¹; of imaginary modes, the negative of its size.
    intensity : (K,) numpy.ndarray
        km/mol.
    vectors : (K, N, 3) numpy.ndarray
        Mass-weighted displacements, orthonormal.
    """

    wavenumber: np.ndarray
    intensity: np.ndarray
    vectors: np.ndarray


def displaced(atoms: Atoms, step: float) -> list[Atoms]:
    """The 6N frames of central differences: each coordinate moved up, then down, by `step` Å."""
    frames = []
    for atom in range(len(atoms)):
        for axis in range(3):
            for sign in (1, -1):
                frame = Atoms(atoms.numbers, atoms.positions.copy())
                frame.positions[atom, axis] += sign * step
                frames.append(frame)
    return frames


def hessian(
    atoms: Atoms, forces: Callable[[list[Atoms]], list[np.ndarray]], step: float
) -> np.ndarray:
    """Second derivatives of the energy by central differences of forces, made symmetric.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms.
    forces : callable
        Takes frames, gives forces (N, 3) in eV/Å of each.
    step : float
        Å.

    Returns
    -------
    numpy.ndarray
        (3N, 3N) in eV/Å².
    """
    found = np.array(forces(displaced(atoms, step))).reshape(3 * len(atoms), 2, 3 * len(atoms))
    slopes = (found[:, 1] - found[:, 0]) / (2 * step)
    return (slopes + slopes.T) / 2


def inner_basis(positions: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Orthonormal directions (3N, K) of mass-weighted space that neither move nor turn the whole.

    K is 3N − 6, or 3N − 5 where the atoms lie on a line.
    """
    roots = np.sqrt(masses)[:, None]
    arms = positions - np.average(positions, axis=0, weights=masses)
    turns = [roots * np.cross(axis, arms) for axis in np.eye(3)]
    moves = [roots * np.broadcast_to(axis, arms.shape) for axis in np.eye(3)]
    rigid = np.array([motion.ravel() for motion in (*moves, *turns)])
    _, sizes, directions = np.linalg.svd(rigid)
    return directions[(sizes > _RANK * sizes[0]).sum() :].T


def harmonic_modes(
    curvature: np.ndarray, bec: np.ndarray, positions: np.ndarray, masses: np.ndarray
) -> Modes:
    """Modes in the space without translations and rotations.

    The intensity is N_A/(12 ε₀ c²) |∂μ/∂Q|², where ∂μ_a/∂Q = Σ_ib Z_iab e_ib/√m_i follows from Z by
    the chain rule, without displaced dipoles.

    Parameters
    ----------
    curvature : (3N, 3N) numpy.ndarray
        eV/Å².
    bec : (N, 3, 3) numpy.ndarray
        Born effective charges, polarization index first, e.
    positions : (N, 3) numpy.ndarray
        Å.
    masses : (N,) numpy.ndarray
        u.
    """
    basis = inner_basis(positions, masses)
    roots = np.repeat(np.sqrt(masses), 3)
    inner = basis.T @ (curvature / np.outer(roots, roots)) @ basis
    squares, mixed = np.linalg.eigh((inner + inner.T) / 2)
    vectors = (basis @ mixed).T.reshape(-1, len(masses), 3)
    slopes = np.einsum("iab,kib->ka", bec, vectors / np.sqrt(masses)[:, None])
    omega = np.sign(squares) * np.sqrt(np.abs(squares) * ACCELERATION)
    return Modes(wavenumber_of(omega), MODE_KM_PER_MOL * (slopes**2).sum(axis=1), vectors)


def sets_of(wavenumber: np.ndarray, gap: float) -> np.ndarray:
    """Number each mode's degenerate set: modes of rising wavenumber no further apart than `gap`."""
    return np.concatenate([[0], np.cumsum(np.diff(wavenumber) > gap)]).astype(int)


def shared_intensity(intensity: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """Intensities, each the mean over its degenerate set: only their sum has a meaning there."""
    sums, counts = np.bincount(sets, intensity), np.bincount(sets)
    return (sums / counts)[sets]


def match(modes: Modes, others: Modes, sets: np.ndarray) -> np.ndarray:
    """Which of another Hessian's modes each mode is.

    Those pairs are made whose overlaps (e·e′)², summed over degenerate sets, are largest together.
    Within a set, which has no directions of its own, modes go by their wavenumbers.

    Parameters
    ----------
    modes, others : Modes
        K modes each, of the same atoms in the same place.
    sets : (K,) numpy.ndarray
        Of `modes`, by `sets_of`.

    Returns
    -------
    numpy.ndarray
        (K,) indices of `others`.
    """
    from scipy.optimize import linear_sum_assignment

    count = len(sets)
    overlap = (modes.vectors.reshape(count, -1) @ others.vectors.reshape(count, -1).T) ** 2
    summed = np.zeros((sets[-1] + 1, count))
    np.add.at(summed, sets, overlap)
    _, order = linear_sum_assignment(summed[sets], maximize=True)
    for group in range(sets[-1] + 1):
        here = sets == group
        order[here] = np.sort(order[here])
    return order
