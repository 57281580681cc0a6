"""Single water molecules: shape, thermal distortion and random orientation."""

import numpy as np
from ase import Atoms
from scipy.spatial.transform import Rotation

SYMBOLS = ("O", "H", "H")
"""Order of the atoms in every molecule built here."""

MASS = 18.015
"""Mass of a molecule in u."""

_BOND = 0.9572
"""Equilibrium O-H bond in Å (Benedict, Gailar, Plyler, 1956, DOI 10.1063/1.1742731)."""

_ANGLE = 104.52
"""Equilibrium H-O-H angle in degrees (same source)."""

_CUT = 3.0
"""Distortions are cut at this many standard deviations, so that no molecule falls apart."""


def molecule(bond_spread: float, angle_spread: float, rng: np.random.Generator) -> np.ndarray:
    """Draw one distorted water molecule.

    Parameters
    ----------
    bond_spread : float
        Standard deviation of each bond, Å.
    angle_spread : float
        Standard deviation of the angle, degrees.
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray
        Positions of O, H, H relative to O, shape (3, 3), Å.
    """
    normal = np.clip(rng.standard_normal(3), -_CUT, _CUT)
    bonds = _BOND + bond_spread * normal[:2]
    half = np.deg2rad(_ANGLE + angle_spread * normal[2]) / 2
    return np.array(
        [
            [0.0, 0.0, 0.0],
            [bonds[0] * np.sin(half), 0.0, bonds[0] * np.cos(half)],
            [-bonds[1] * np.sin(half), 0.0, bonds[1] * np.cos(half)],
        ]
    )


def orient(shape: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Turn a molecule in several directions, uniformly over the rotations.

    Parameters
    ----------
    shape : numpy.ndarray
        Positions of one molecule, shape (3, 3), Å.
    count : int
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray
        Shape (count, 3, 3), Å.
    """
    # A normalised Gaussian quaternion is uniform on the sphere, hence over the rotations.
    rotations = Rotation.from_quat(rng.standard_normal((count, 4))).as_matrix()
    return np.einsum("kxy,ay->kax", rotations, shape)


def assemble(molecules: np.ndarray, edge: float | None = None) -> Atoms:
    """Make a frame of molecules, free or in a cubic periodic box.

    Parameters
    ----------
    molecules : numpy.ndarray
        Positions, shape (n, 3, 3), Å.
    edge : float, optional
        Edge of the box, Å; free when absent.

    Returns
    -------
    ase.Atoms
    """
    if edge is not None:
        return assemble_cell(molecules, np.full(3, edge))
    return Atoms(SYMBOLS * len(molecules), positions=molecules.reshape(-1, 3))


def assemble_cell(molecules: np.ndarray, edges: np.ndarray) -> Atoms:
    """Make a periodic frame of molecules (n, 3, 3) in a rectangular cell of edges (3,), in Å."""
    return Atoms(SYMBOLS * len(molecules), positions=molecules.reshape(-1, 3), cell=edges, pbc=True)
