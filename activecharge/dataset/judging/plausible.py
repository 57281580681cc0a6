"""Whether values can be those of water in the units they are said to have.

Ranges are wide: they hold for any method, density and distortion that is computed in earnest, and
are broken by other units, other signs and other quantities. What is merely unusual is a remark.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from ase import Atoms

from activecharge.dataset.importing import unit_names
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

STRESS = 1.0
"""eV/Å³ (160 GPa) at 1 g/cm³ and below; beyond it grows with the density's third power, since
compressed water reaches 0.06 at 1.5 g/cm³, 1.6 at 3 and 4.4 at 4."""

ASYMMETRY = (1e-4, 0.01)
"""Largest accepted difference of a stress from its transpose: eV/Å³, and share of its largest
component. A stress is symmetric; printed digits and grids break that by less."""

BORN = {"O": -2.4, "H": 1.2}
"""e. Means of the isotropic part over a frame come near the formal charges, -2 and 1, in ice X, and
are -0.5 and 0.25 in the gas, where values in debye/Å are beyond these limits, too."""

LOWEST_ENERGY = -2200.0
"""eV a water molecule. All electrons together bind by 2081 eV (76.44 hartree)."""

_ELECTRONS = {"all": {1: 1, 8: 8}, "valence": {1: 1, 8: 6}}
_CERTAIN = 0.8
"""Correlation from which on a slope is believed."""

_BONDS, _BOND_SPREAD = 8, 0.018
"""Bonds, and spread of their lengths in Å, from which on forces are judged: at 300 K the spread is
0.023, and what neighbours do to bonds at rest, up to 0.012, does not count."""

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
    faults = {i: text for i, (atoms, own) in enumerate(pairs) if (text := _frame_fault(atoms, own))}
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


def water_molecules(atoms: Atoms) -> int:
    """How many molecules a frame of nothing but H2O has; 0 for other compositions."""
    hydrogens, oxygens = (int((atoms.numbers == number).sum()) for number in (1, 8))
    return oxygens if hydrogens == 2 * oxygens and 3 * oxygens == len(atoms) else 0


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


def _frame_fault(atoms: Atoms, values: Mapping[str, np.ndarray]) -> str:
    return (
        (_charges(atoms, values["charges"]) if "charges" in values else "")
        or (_born(atoms, values["bec"]) if "bec" in values else "")
        or (_stress(atoms, values["stress"]) if "stress" in values else "")
        or (_energy(atoms, float(values["energy"])) if "energy" in values else "")
    )


def _charges(atoms: Atoms, charges: np.ndarray) -> str:
    if not np.isfinite(charges).all():
        return ""
    means = _means(atoms, charges)
    if len(means) < 2:
        return ""
    if set(atoms.numbers) <= {1, 8}:
        for which, electrons in _ELECTRONS.items():
            count = sum(electrons[number] for number in atoms.numbers)
            # Populations sum to the electrons but for printed digits; half an electron is far off.
            if abs(abs(charges.sum()) - count) < 0.05 + 0.01 * count:
                return (
                    f"charges sum to {charges.sum():.4g} e, the number of {which} electrons, with "
                    f"O at {means['O']:.3g}: they are electron populations; subtract them from "
                    "the nuclear (or core) charges, or name another key."
                )
    if not charges.any():
        return "all charges are zero, as where none were computed; remove them."
    if means["O"] >= means["H"]:
        return (
            f"the mean charge of O is {means['O']:.2f} e and of H {means['H']:.2f} e, so their "
            "sign is inverted; give units.charges: -e, or name another key."
        )
    return ""


def _born(atoms: Atoms, bec: np.ndarray) -> str:
    means = _means(atoms, np.trace(bec, axis1=1, axis2=2) / 3)
    if len(means) == 2 and means["O"] >= means["H"]:
        return (
            f"the mean Born effective charge of O is {means['O']:.2f} e and of H "
            f"{means['H']:.2f} e, so their sign is inverted; give units.bec: -e."
        )
    for symbol, limit in BORN.items():
        if symbol in means and abs(means[symbol]) > abs(limit):
            return (
                f"the mean Born effective charge of {symbol} is {means[symbol]:.3g} e, far beyond "
                "its formal charge; give units.bec, debye/Å say, or name another key."
            )
    return ""


def _stress(atoms: Atoms, stress: np.ndarray) -> str:
    largest = float(np.abs(stress).max())
    skew = float(np.abs(stress - stress.T).max())
    if skew > ASYMMETRY[0] + ASYMMETRY[1] * largest:
        return (
            f"the stress differs from its transpose by {skew:.3g} eV/Å³, but stresses are "
            "symmetric; its numbers may be in another order, or of another quantity."
        )
    if not atoms.pbc.all():
        return ""
    density = atoms.get_masses().sum() * 1.66053907 / atoms.get_volume()
    limit = STRESS * max(1.0, density) ** 3
    if largest > limit:
        return (
            f"the stress has a component of {largest:.3g} eV/Å³, beyond {limit:.3g} at "
            f"{density:.2f} g/cm³; give units.stress (GPa, kbar; with a minus where pressure "
            "counts positive, as VASP prints it), or name it as keys.virial if it is a virial."
        )
    return ""


def _energy(atoms: Atoms, energy: float) -> str:
    count = water_molecules(atoms)
    if not count or energy / count > LOWEST_ENERGY:
        return ""
    return (
        f"the energy is {energy / count:.6g} eV a molecule, below that of all electrons of water "
        "(-2081 eV); give units.energy, kcal/mol or kJ/mol say."
    )


def _means(atoms: Atoms, scalars: np.ndarray) -> dict[str, float]:
    """Means over the finite entries of oxygen and hydrogen."""
    return {
        symbol: float(own[np.isfinite(own)].mean())
        for symbol in ("O", "H")
        if np.isfinite(own := scalars[atoms.symbols == symbol]).any()
    }
