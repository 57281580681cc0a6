"""Which atoms form a molecule, across periodic boundaries, and molecules moved as a whole."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.geometry import get_distances

from activecharge.units import DALTON_PER_A3

_H, _O = 1, 8
_LONGEST_BOND = 1.25
"""Å; hydrogens farther from oxygen have left it."""


@dataclass(frozen=True)
class Molecules:
    """The molecules of a frame: every hydrogen with the nearest atom that is none.

    Attributes
    ----------
    centers : (M,) int
        The atom of each molecule that is not hydrogen.
    owner : (N,) int
        Molecule of each atom.
    offsets : (N, 3) Å
        From its molecule's centre to each atom, at the nearest image.
    """

    centers: np.ndarray
    owner: np.ndarray
    offsets: np.ndarray

    def are_water(self, atoms: Atoms) -> bool:
        """Whether all molecules are whole ones of water."""
        oxygen = (atoms.numbers[self.centers] == _O).all()
        pairs = (np.bincount(self.owner, minlength=len(self.centers)) == 3).all()
        near = np.linalg.norm(self.offsets, axis=1).max(initial=0.0) <= _LONGEST_BOND
        return bool(oxygen and pairs and near)


def find_molecules(atoms: Atoms) -> Molecules:
    """Assign every hydrogen to the nearest other atom.

    Parameters
    ----------
    atoms : ase.Atoms
        Free or periodic. In a frame of nothing but hydrogen each atom is its own molecule.
    """
    hydrogen = atoms.numbers == _H
    if hydrogen.all():
        hydrogen = np.zeros(len(atoms), dtype=bool)
    centers = np.flatnonzero(~hydrogen)
    owner = np.empty(len(atoms), dtype=int)
    offsets = np.zeros((len(atoms), 3))
    owner[centers] = np.arange(len(centers))
    if hydrogen.any():
        vectors, lengths = get_distances(
            atoms.positions[centers], atoms.positions[hydrogen], cell=atoms.cell, pbc=atoms.pbc
        )
        nearest = lengths.argmin(axis=0)
        owner[hydrogen] = nearest
        offsets[hydrogen] = vectors[nearest, np.arange(len(nearest))]
    return Molecules(centers, owner, offsets)


def scaled(atoms: Atoms, factor: float) -> Atoms:
    """Scale the places of molecules, and the cell, but not the molecules.

    Parameters
    ----------
    atoms : ase.Atoms
    factor : float
        On all lengths.

    Returns
    -------
    ase.Atoms
        A new frame; molecules are whole.
    """
    molecules = find_molecules(atoms)
    places = factor * atoms.positions[molecules.centers]
    frame = atoms.copy()
    frame.positions = places[molecules.owner] + molecules.offsets
    frame.set_cell(factor * atoms.cell.array)
    return frame


def mass_density(atoms: Atoms) -> float:
    """Mass density of a periodic frame in g/cm³."""
    return float(atoms.get_masses().sum() * DALTON_PER_A3 / atoms.get_volume())


def at_density(atoms: Atoms, density: float) -> Atoms:
    """Bring a periodic frame to a mass density in g/cm³, its molecules staying rigid."""
    return scaled(atoms, float(np.cbrt(mass_density(atoms) / density)))
