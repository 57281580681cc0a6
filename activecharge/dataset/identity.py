"""The one way to write a configuration, and a hash of what it is."""

import hashlib
from collections.abc import Collection
from typing import Any

import numpy as np
from ase import Atoms

from activecharge.dataset.invariants import free_invariants, periodic_invariants
from activecharge.dataset.judging.configuration import check_configuration, isotope_masses
from activecharge.errors import UserError
from activecharge.rounding import as_stored

_QUANTUM = 1e-3
"""Å; the step to which the hash rounds invariants and cell vectors."""

_OFFSET = 0.3819660112501051
"""Shift of the rounding grid in steps; irrational, so that neither zeros, which symmetry makes
common, nor cells with a few decimals lie where rounding changes."""

_FLATTEST = 1e-3
"""Least cell volume, as a fraction of the product of the edge lengths."""


def canonical(atoms: Atoms, where: str = "frame", elements: Collection[str] | None = None) -> Atoms:
    """Reduce a frame to what the program keeps: species, positions, cell and periodicity.

    Numbers are rounded to the 8 decimals of extxyz, so a file gives back the very same
    frame. Molecules are left whole, atoms in their order, free frames lose their cell, and
    masses are kept where there are isotopes.

    Parameters
    ----------
    atoms : ase.Atoms
        Neutral; free or periodic in all three directions.
    where : str
        Names the frame in messages, e.g. "pool.xyz, frame 3".
    elements : collection of str, optional
        Chemical symbols that may occur; any when absent.

    Returns
    -------
    ase.Atoms
        A new object without info, further arrays, constraints or calculator.

    Raises
    ------
    UserError
        If the frame is empty, charged, not finite, of other elements, periodic in some
        directions only, periodic with a flat or left-handed cell, or has atoms in one place.
    """
    if len(atoms) == 0:
        raise UserError(f"{where}: holds no atoms; remove it.")
    check_configuration(atoms, where, elements)
    periodic = bool(atoms.pbc.all())
    cell = as_stored(atoms.cell.array) if periodic else np.zeros((3, 3))
    if periodic and np.linalg.det(cell) <= _FLATTEST * np.linalg.norm(cell, axis=1).prod():
        raise UserError(
            f"{where}: the cell is flat or left-handed (its volume is {np.linalg.det(cell):.3g} "
            "Å³); give three right-handed cell vectors, or pbc=F F F for a free cluster."
        )
    return Atoms(
        numbers=atoms.numbers.copy(),
        positions=as_stored(atoms.positions),
        cell=cell,
        pbc=periodic,
        masses=isotope_masses(atoms),
    )


def content_hash(atoms: Atoms) -> str:
    """Hash what a configuration is, not how it is written.

    Equal for any order of the atoms and any translation; for free clusters also for any
    proper rotation, for periodic frames also for lattice translations of single atoms.
    Mirror images, other charges, cells and periodicities differ.

    The hash is that of eight continuous invariants rounded to 1e-3 Å. A copy whose atoms
    differ by noise of 1e-8 Å (one turned, then rounded for a file) falls on the other side
    of a rounding step with a chance of about 1e-4, and is then left to the near-duplicate
    test. Moving one atom by 0.01 Å changes the hash, unless the motion alters distances to
    second order only, as that of an atom out of the plane of a lone molecule.

    Parameters
    ----------
    atoms : ase.Atoms
        Free, or periodic in all three directions; `info["charge"]` is the net charge in e.

    Returns
    -------
    str
        24 hexadecimal digits.
    """
    periodic = bool(atoms.pbc.all())
    if periodic:
        cell = atoms.cell.array
        invariants = periodic_invariants(atoms.numbers, atoms.positions, cell)
    else:
        cell = np.zeros((3, 3))
        invariants = free_invariants(atoms.numbers, atoms.positions)
    steps = np.floor(np.concatenate([cell.ravel(), invariants]) / _QUANTUM + _OFFSET)
    text = " ".join(
        [
            "activecharge-1",
            atoms.symbols.get_chemical_formula(mode="hill"),
            "periodic" if periodic else "free",
            f"{_charge(atoms.info):g}",
            *(str(int(step)) for step in steps),
        ]
    )
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _charge(info: dict[str, Any]) -> float:
    # Adding zero turns -0.0 into 0.0.
    return float(info.get("charge", info.get("total_charge", 0.0))) + 0.0
