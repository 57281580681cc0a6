"""Which configurations the program handles at all."""

from collections.abc import Collection

import numpy as np
from ase import Atoms
from ase.data import atomic_masses
from scipy.spatial import cKDTree

from activecharge.dataset.judging.conditions import net_charge
from activecharge.errors import UserError
from activecharge.rounding import as_stored

COINCIDENT = 0.1
"""Å. Closer atoms are one atom written twice: at 0.1 Å two protons repel by 144 eV, which no
dynamics reaches, and the model has no direction between atoms in one place."""

DENSEST = 0.5
"""Å³ an atom, least. Water at 1000 GPa has above 2; below lies a cell in other units."""

NEUTRAL = 0.01
"""e. A stated charge below it is the rounding of a sum."""

_MASS_TOLERANCE = 0.1
"""u. Programs round natural masses differently, by at most 0.02 u; isotopes differ by 1."""


def check_configuration(atoms: Atoms, where: str, elements: Collection[str] | None) -> None:
    """Refuse a frame that is not finite, neutral, and free or fully periodic.

    Parameters
    ----------
    atoms : ase.Atoms
    where : str
        File and frame, for messages.
    elements : collection of str or None
        Chemical symbols that may occur; any when None.

    Raises
    ------
    UserError
        Also for sites that are no atoms, atoms in one place, and cells too small for the atoms.
    """
    if not np.isfinite(atoms.positions).all():
        raise UserError(f"{where}: some positions are not finite numbers; remove the frame.")
    _check_neutral(atoms, where)
    if (atoms.numbers < 1).any():
        raise UserError(
            f"{where}: atom {int(np.argmin(atoms.numbers))} is X, which is no element but a site "
            "without electrons, as in water models of four points; remove such sites."
        )
    if atoms.pbc.any() and not atoms.pbc.all():
        raise UserError(
            f'{where}: pbc is "{" ".join("FT"[int(p)] for p in atoms.pbc)}", but frames must be '
            "free or periodic in all three directions; change pbc or remove the frame."
        )
    if atoms.pbc.all():
        _check_cell(atoms, where)
    unknown = sorted(set(atoms.symbols) - set(elements)) if elements is not None else []
    if unknown:
        raise UserError(
            f"{where}: holds {', '.join(unknown)}, but only {', '.join(sorted(elements or ()))} "
            "may occur; remove the frame or add the element to the settings."
        )
    _check_apart(atoms, where)


def isotope_masses(atoms: Atoms) -> np.ndarray | None:
    """Masses to keep with a frame: those of isotopes; None where all are the natural ones.

    Parameters
    ----------
    atoms : ase.Atoms

    Returns
    -------
    numpy.ndarray or None
        Shape (N,), u, rounded as files store them.
    """
    if not atoms.has("masses"):
        return None
    masses = atoms.get_masses()
    if np.abs(masses - atomic_masses[atoms.numbers]).max(initial=0.0) < _MASS_TOLERANCE:
        return None
    return as_stored(masses)


def _check_neutral(atoms: Atoms, where: str) -> None:
    stated = net_charge(atoms)
    if stated is not None and abs(stated[1]) > NEUTRAL:
        raise UserError(
            f"{where}: {stated[0]} is {stated[1]:g}, but only neutral systems are supported "
            "for now; remove the frame."
        )


def _check_cell(atoms: Atoms, where: str) -> None:
    cell = atoms.cell.array
    # A volume of 1e-6 Å³ is far below any real cell and far above rounding.
    volume = abs(np.linalg.det(cell)) if np.isfinite(cell).all() else 0.0
    if volume <= 1e-6:
        raise UserError(f"{where}: is periodic but has no usable cell; give Lattice or pbc=F F F.")
    if volume < DENSEST * len(atoms):
        raise UserError(
            f"{where}: the cell has {volume / len(atoms):.2g} Å³ an atom, less than {DENSEST:g}, "
            "which no matter has; it is flat or in another unit (nm, bohr?), so correct it."
        )


def _check_apart(atoms: Atoms, where: str) -> None:
    """Refuse atoms in one place; in a cell, periodic images count."""
    positions, spread = atoms.positions, 1.0
    periodic = bool(atoms.pbc.all())
    if periodic:
        cell = atoms.cell.array
        # In fractional coordinates a distance is longer by at most this factor.
        spread = 1 / np.linalg.svd(cell, compute_uv=False)[-1]
        if spread * COINCIDENT >= 0.5:
            raise UserError(
                f"{where}: the cell is flat, so that atoms meet their own images; correct it."
            )
        positions = positions @ np.linalg.inv(cell)
        # Twice, since the remainder of -1e-17 is 1.
        positions = positions % 1.0 % 1.0
    tree = cKDTree(positions, boxsize=1.0 if periodic else None)
    for i, j in sorted(tree.query_pairs(spread * COINCIDENT)):
        step = positions[i] - positions[j]
        if periodic:
            step = (step - np.rint(step)) @ cell
        if (distance := float(np.linalg.norm(step))) < COINCIDENT:
            raise UserError(
                f"{where}: atoms {i} ({atoms.symbols[i]}) and {j} ({atoms.symbols[j]}) are "
                f"{distance:.2g} Å apart, which is one place; remove one of them or the frame, or "
                "correct the unit (nm, fractions of the cell?)."
            )
