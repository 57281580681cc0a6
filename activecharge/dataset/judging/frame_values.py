"""Whether the values of one frame can be those of water: charges, tensors, stress, energy."""

from collections.abc import Mapping

import numpy as np
from ase import Atoms

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


def fault_of_frame(atoms: Atoms, values: Mapping[str, np.ndarray]) -> str:
    """What cannot be water's, with the unit, sign or quantity that would explain it; else empty.

    Parameters
    ----------
    atoms : ase.Atoms
    values : mapping of str to numpy.ndarray
        By property name, units as in `activecharge.properties`; per-atom values may be NaN.
    """
    # Oxygen of an oxide is another matter.
    water = set(atoms.numbers.tolist()) == {1, 8}
    return (
        (_charges(atoms, values["charges"]) if water and "charges" in values else "")
        or (_born(atoms, values["bec"]) if water and "bec" in values else "")
        or (_stress(atoms, values["stress"]) if "stress" in values else "")
        or (_energy(atoms, float(values["energy"])) if "energy" in values else "")
    )


def water_molecules(atoms: Atoms) -> int:
    """How many molecules a frame of nothing but H2O has; 0 for other compositions."""
    hydrogens, oxygens = (int((atoms.numbers == number).sum()) for number in (1, 8))
    return oxygens if hydrogens == 2 * oxygens and 3 * oxygens == len(atoms) else 0


def _charges(atoms: Atoms, charges: np.ndarray) -> str:
    if not np.isfinite(charges).all():
        return ""
    means = _means(atoms, charges)
    for which, electrons in _ELECTRONS.items():
        count = sum(electrons[number] for number in atoms.numbers)
        # Populations sum to the electrons but for printed digits and grids.
        if abs(abs(charges.sum()) - count) < 0.05 + 0.01 * count:
            return (
                f"charges sum to {charges.sum():.4g} e, the number of {which} electrons, with O "
                f"at {means['O']:.3g}: they are electron populations; subtract them from the "
                "nuclear (or core) charges, or name another key."
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
    if not bec.any():
        return "all Born effective charges are zero, as where none were computed; remove them."
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
