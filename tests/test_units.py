"""Constants and units against those of ASE, which has CODATA 2014, and against the SI."""

import ase.units
import pytest

from activecharge import units
from activecharge.dataset.importing.unit_names import _FACTORS, factor

CODATA = 1e-7
"""What changed from CODATA 2014 to 2018, relative; see `activecharge.units`."""

IN_ASE = {
    "Å": 1.0,
    "bohr": ase.units.Bohr,
    "nm": ase.units.nm,
    "eV": 1.0,
    "hartree": ase.units.Hartree,
    "rydberg": ase.units.Rydberg,
    "kcal/mol": ase.units.kcal / ase.units.mol,
    "kJ/mol": ase.units.kJ / ase.units.mol,
    "eV/Å": 1.0,
    "eV/bohr": 1 / ase.units.Bohr,
    "hartree/Å": ase.units.Hartree,
    "hartree/bohr": ase.units.Hartree / ase.units.Bohr,
    "rydberg/bohr": ase.units.Rydberg / ase.units.Bohr,
    "kcal/mol/Å": ase.units.kcal / ase.units.mol,
    "kJ/mol/Å": ase.units.kJ / ase.units.mol,
    "kJ/mol/nm": ase.units.kJ / ase.units.mol / ase.units.nm,
    "eV/Å³": 1.0,
    "hartree/bohr³": ase.units.Hartree / ase.units.Bohr**3,
    "GPa": ase.units.GPa,
    "kbar": 1000 * ase.units.bar,
    "e": 1.0,
    "debye/Å": ase.units.Debye,
    "e·Å": 1.0,
    "e·bohr": ase.units.Bohr,
    "debye": ase.units.Debye,
}


@pytest.mark.parametrize(
    ("name", "expected", "relative"),
    [
        ("BOHR", ase.units.Bohr, CODATA),
        ("HARTREE", ase.units.Hartree, CODATA),
        ("COULOMB", ase.units.Hartree * ase.units.Bohr, CODATA),
        ("COULOMB", 14.399645, 1e-7),  # as textbooks print it
        # The Boltzmann constant became exact in 2019 and changed by 6e-7.
        ("BOLTZMANN", ase.units.kB, 1e-6),
        # ASE's own unit of time is Å √(u/eV).
        ("ACCELERATION", ase.units.fs**2, CODATA),
        ("DALTON_PER_A3", ase.units._amu * 1e27, CODATA),
    ],
)
def test_constants(name, expected, relative):
    assert getattr(units, name) == pytest.approx(expected, rel=relative)


@pytest.mark.parametrize("unit", IN_ASE)
def test_units_of_files(unit):
    assert factor(unit) == pytest.approx(IN_ASE[unit], rel=CODATA)
    assert factor(f"-{unit}") == -factor(unit)


def test_no_unit_is_left_out():
    assert set(_FACTORS) == set(IN_ASE)
