"""The calculator in an electric field, and with a neighbour list that lasts."""

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.md.verlet import VelocityVerlet
from test_calculator_outputs import untaught
from tiny_committees import CELL, dimer, make_committee

from activecharge import ChargeCalculator, Committee
from activecharge.errors import UserError

FIELD = np.array([0.3, -0.2, 0.5])
COUPLINGS = ("independent", "global", "local", "dipolar")


@pytest.fixture(scope="module", params=COUPLINGS)
def committee(request) -> Committee:
    return make_committee(request.param)


def frame(periodic: bool) -> Atoms:
    return dimer(CELL if periodic else None)


@pytest.mark.parametrize("periodic", [False, True])
def test_forces_gain_what_z_says(committee, periodic):
    """Of the mean, and of one member."""
    for member in (None, 1):
        atoms = frame(periodic)
        atoms.calc = ChargeCalculator(committee, member=member)
        forces = atoms.get_forces()
        z = atoms.calc.get_property("born_effective_charges", atoms).copy()
        atoms.calc.field = FIELD
        gained = atoms.get_forces() - forces
        # Two sums of the same products of order 0.1 eV/Å, taken from forces of order 10.
        np.testing.assert_allclose(gained, np.einsum("iab,a->ib", z, FIELD), atol=1e-12)
        assert np.abs(gained).max() > 1e-3
        np.testing.assert_array_equal(z, atoms.calc.get_property("born_effective_charges", atoms))
        atoms.calc.field = None
        np.testing.assert_allclose(atoms.get_forces(), forces, atol=1e-12)


@pytest.mark.parametrize("coupling", COUPLINGS[1:])
@pytest.mark.parametrize("periodic", [False, True])
def test_the_energy_in_a_field_is_the_potential_of_its_forces(coupling, periodic):
    atoms = frame(periodic)
    atoms.calc = ChargeCalculator(make_committee(coupling), field=FIELD)
    # As without a field: third derivatives times eps²/6.
    numeric = calculate_numerical_forces(atoms, eps=1e-3, iatoms=[0, 4])
    np.testing.assert_allclose(atoms.get_forces()[[0, 4]], numeric, atol=1e-5)
    energy = atoms.get_potential_energy()
    if periodic:
        stress = calculate_numerical_stress(atoms, eps=1e-3, voigt=True)
        np.testing.assert_allclose(atoms.get_stress(), stress, atol=1e-7)
        return
    work = atoms.get_dipole_moment() @ FIELD
    assert abs(work) > 1e-3
    atoms.calc.field = None
    # Energies near 1000 eV round at 1e-13.
    assert energy == pytest.approx(atoms.get_potential_energy() - work, abs=1e-11)


def test_without_a_slope_there_is_no_energy_in_a_field():
    atoms = frame(periodic=True)
    atoms.calc = ChargeCalculator(make_committee("independent"), field=FIELD)
    assert atoms.get_forces().shape == (6, 3)
    for ask, name in ((atoms.get_potential_energy, "energy"), (atoms.get_stress, "stress")):
        with pytest.raises(PropertyNotImplementedError, match=f"no {name} in a field: with the"):
            ask()
    atoms.calc.calculate(atoms)  # all there is
    assert "energy" not in atoms.calc.results and "charges" in atoms.calc.results


def test_the_spread_of_forces_is_that_of_the_members_in_the_field(committee):
    atoms = frame(periodic=False)
    members = []
    for member in range(2):
        atoms.calc = ChargeCalculator(committee, member=member, field=3 * FIELD)
        members.append(atoms.get_forces().copy())
    atoms.calc = ChargeCalculator(committee, field=3 * FIELD)
    np.testing.assert_allclose(atoms.get_forces(), np.mean(members, axis=0), atol=1e-12)
    expected = np.sqrt(np.var(members, axis=0, ddof=1).mean(axis=1))
    np.testing.assert_allclose(atoms.calc.results["forces_std"], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("field", [1.0, (0, 1), (0, 0, np.nan), "z", [[0, 0, 1]]])
def test_a_field_is_three_numbers(committee, field):
    with pytest.raises(UserError, match="must be three finite numbers in V/Å"):
        ChargeCalculator(committee, field=field)


def test_a_field_needs_z(committee):
    with pytest.raises(UserError, match=r"field: .* Born effective charges.* train it on"):
        ChargeCalculator(untaught(committee, "bec", "dipole"), field=FIELD)


@pytest.mark.parametrize("periodic", [False, True])
def test_a_skin_changes_nothing_but_the_number_of_searches(periodic):
    committee, paths = make_committee("dipolar"), []
    for skin in (0.0, 0.5):
        atoms = frame(periodic)
        atoms.calc = ChargeCalculator(committee, field=FIELD, skin=skin)
        dynamics = VelocityVerlet(atoms, 0.5 * units.fs)
        dynamics.run(12)
        paths.append((atoms.positions.copy(), atoms.get_potential_energy()))
        assert (atoms.calc._kept.searches == 13) == (skin == 0)
    # Rounding of 1e-14 Å grows over a dozen steps by no more than some hundred times.
    np.testing.assert_allclose(paths[0][0], paths[1][0], atol=1e-10)
    assert paths[0][1] == pytest.approx(paths[1][1], abs=1e-9)
    with pytest.raises(UserError, match="skin -1"):
        ChargeCalculator(committee, skin=-1)
