"""Whether values can be those of water in the units they are said to have.

Ranges are wide: they hold for any method, density and distortion that is computed in earnest, and
are broken by other units, other signs and other quantities. What is merely unusual is a remark.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from activecharge.dataset.importing import unit_names
from activecharge.dataset.judging.frame_values import fault_of_frame, water_molecules
from activecharge.dataset.judging.water_bonds import (
    Pairs,
    Slope,
    bond_charge,
    bond_length,
    stiffness,
)
from activecharge.errors import UserError

BOND_LENGTH = (0.7, 1.5)
"""Å. Median distance of hydrogen from oxygen; 0.9 to 1.2 from the gas to ice X."""

STIFFNESS = (15.0, 150.0)
"""eV/Å². About 50 at rest, 30 for bonds stretched by 0.2 Å, 80 for bonds as much too short."""

BOND_CHARGE = (0.2, 0.65)
"""e. 0.33 from the gas's dipole, 0.42 of force fields, up to 0.55 in the liquid."""

BOND_CHARGE_OF_FEW = (0.08, 1.3)
"""The same for fewer than five frames, in which the dipoles of molecules may cancel by chance."""

_CERTAIN = 0.8
"""Correlation from which on a slope is believed."""

_BONDS, _BOND_SPREAD = 8, 0.018
"""Bonds, and spread of their lengths in Å, from which on forces are judged: at 300 K the spread is
0.023, and what neighbours do to bonds at rest, up to 0.009, does not count."""

_NET_BONDS = 0.4
"""Å. Spread of each component of the summed O-H vectors from which on dipoles are judged: for one
molecule it is 0.67, and less where molecules cancel, so that what polarizes them weighs more."""

_HARTREES = (
    (-76.9, -75.9, "hartree, all electrons"),
    (-17.35, -17.05, "hartree, pseudopotentials"),
    (-34.8, -34.1, "rydberg, pseudopotentials"),
)
"""Energies of a water molecule in units that people forget to name."""


def check_values(pairs: Pairs, path: object) -> None:
    """Refuse a file whose values cannot be water's in their units.

    Born effective charges may have either index order.

    Parameters
    ----------
    pairs : sequence of (ase.Atoms, mapping)
        Frames with values by property name, units as in `activecharge.properties`; per-atom
        values may be NaN.
    path : object
        Names the file in messages.

    Raises
    ------
    UserError
        With what was found, and the unit or sign that would explain it.
    """
    if fault := _bonds(pairs) or _forces(stiffness(pairs)) or _dipoles(bond_charge(pairs)):
        raise UserError(f"{path}: {fault}")
    faults = {
        i: text for i, (atoms, own) in enumerate(pairs) if (text := fault_of_frame(atoms, own))
    }
    if faults:
        raise UserError(in_frames(faults, path))


def in_frames(faults: Mapping[int, str], path: object) -> str:
    """One sentence on the first frame at fault, which also names the others."""
    first, *others = faults
    also = ""
    if others:
        shown = ", ".join(map(str, others[:10])) + (", ..." if len(others) > 10 else "")
        also = f" (and {len(others)} more: {shown})"
    return f"{path}, frame {first} (counting from 0){also}: {faults[first]}"


def remarks(pairs: Pairs) -> list[str]:
    """What is unusual about values, though it may be right."""
    found = []
    molecules = [
        float(own["energy"]) / n
        for atoms, own in pairs
        if "energy" in own and (n := water_molecules(atoms))
    ]
    mean = np.mean(molecules) if molecules else np.nan
    for low, high, unit in _HARTREES:
        if low < mean < high:
            found.append(
                f"energies are {mean:.2f} eV a molecule, which is what water has in {unit}: "
                f"if so, give units.energy: {unit.split(',')[0]}"
            )
    return found


def _bonds(pairs: Pairs) -> str:
    length = bond_length(pairs)
    low, high = BOND_LENGTH
    if np.isnan(length) or low <= length <= high:
        return ""
    fits = [u for u in unit_names.LENGTHS if low <= length * unit_names.factor(u) <= high]
    unit = f", {fits[0]} say" if fits else ""
    return (
        f"hydrogen is {length:.3g} Å from the nearest oxygen (median), where water has 0.97 Å; "
        f"positions may be in another unit{unit}, or fractions of the cell; give units.positions."
    )


def _forces(slope: Slope) -> str:
    if slope.points < _BONDS or slope.spread < _BOND_SPREAD:
        return ""
    if abs(slope.correlation) < _CERTAIN:
        return ""
    if STIFFNESS[0] <= slope.value <= STIFFNESS[1]:
        return ""
    return (
        f"O-H bonds pull back with {slope.value:.3g} eV/Å², where water has about 50: the forces "
        f"{_explained(slope.value, STIFFNESS, unit_names.FORCES, 'forces', 'gradients')}"
    )


def _dipoles(slope: Slope) -> str:
    if slope.spread < _NET_BONDS or abs(slope.correlation) < _CERTAIN:
        return ""
    low, high = BOND_CHARGE if slope.points >= 15 else BOND_CHARGE_OF_FEW
    if low <= slope.value <= high:
        return ""
    return (
        f"dipoles are {slope.value:.3g} e times the O-H vectors, where water has 0.33 to 0.5: they "
        f"{_explained(slope.value, BOND_CHARGE, unit_names.DIPOLES, 'dipole', 'towards oxygen')}"
    )


def _explained(
    value: float, allowed: tuple[float, float], units: Sequence[str], name: str, turned: str
) -> str:
    """The unit, with a sign, in which a value would be in its range."""
    fits = [
        sign + unit
        for unit in units
        for sign in ("", "-")
        if allowed[0] <= value * unit_names.factor(sign + unit) <= allowed[1]
    ]
    sign = f"have the other sign ({turned})" if value < 0 else "are in another unit"
    middle = float(np.sqrt(allowed[0] * allowed[1]))
    fits.sort(key=lambda unit: abs(np.log(value * unit_names.factor(unit) / middle)))
    advice = f"give units.{name}: {' or '.join(fits[:2])}" if fits else f"correct units.{name}"
    return f"{sign}; {advice}, or name another key."
