"""Only what is asked for is computed; results belong together; extrapolation is told."""

import copy
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.calculator import PropertyNotImplementedError
from ase.vibrations import Infrared
from tiny_committees import make_committee

from activecharge import ChargeCalculator, Committee
from activecharge.calculator import ExtrapolationWarning
from activecharge.committee.calibration.calibration import Calibration, Fit
from activecharge.errors import UserError

FIT = Fit(3.0, 0.01, (None,) * 19, 9, 9, 9, 9)
TOGETHER = {"energy", "forces", "stress", "charges", "latent_charges"}


@pytest.fixture(scope="module")
def committee() -> Committee:
    return make_committee("independent")


@pytest.fixture
def asked(committee, monkeypatch) -> list[set[str]]:
    """What each pass through the committee was asked for."""
    found: list[set[str]] = []
    predict = committee.predict

    def note(frames, outputs, **settings):
        found.append(set(outputs))
        return predict(frames, outputs, **settings)

    monkeypatch.setattr(committee, "predict", note)
    return found


def water(shift: float = 0.0, cell: float | None = None) -> Atoms:
    atoms = molecule("H2O")
    atoms.positions[1] += [0, 0, shift]
    if cell:
        atoms.set_cell([cell] * 3)
        atoms.pbc = True
    return atoms


def untaught(committee: Committee, *names: str) -> Committee:
    """The same models, but for what they were taught."""
    members = [copy.deepcopy(member) for member in committee.members]
    for member in members:
        taught = tuple(n for n in member.architecture.taught if n not in names)
        member.architecture = replace(member.architecture, taught=taught)
    return Committee(members)


def test_what_is_asked_for_is_computed_once(committee, asked):
    atoms = water()
    atoms.calc = ChargeCalculator(committee)
    for _ in range(2):
        atoms.get_forces(), atoms.get_potential_energy(), atoms.get_charges()
        atoms.calc.get_property("free_energy", atoms)
    assert asked == [TOGETHER]
    for _ in range(2):
        atoms.get_dipole_moment()
        atoms.calc.get_property("born_effective_charges", atoms)
    assert asked == [TOGETHER, {"dipole"}, {"bec"}]
    atoms.positions[0] += 0.01
    atoms.get_potential_energy()
    assert len(asked) == 4 and "dipole" not in atoms.calc.results


def test_results_that_came_one_after_another_are_those_of_one_pass(committee):
    atoms, at_once = water(), water()
    atoms.calc, at_once.calc = ChargeCalculator(committee), ChargeCalculator(committee)
    at_once.calc.calculate(at_once)
    atoms.calc.get_property("born_effective_charges", atoms)
    atoms.get_dipole_moment(), atoms.get_forces()
    assert atoms.calc.results.keys() == at_once.calc.results.keys()
    for name, value in at_once.calc.results.items():
        np.testing.assert_allclose(atoms.calc.results[name], value, rtol=1e-12, atol=1e-12)


def test_outputs_can_be_fixed(committee, asked):
    atoms = water()
    atoms.calc = ChargeCalculator(committee, outputs=("forces", "dipole"))
    atoms.get_dipole_moment(), atoms.get_forces()
    assert asked == [{"forces", "dipole"}]
    with pytest.raises(PropertyNotImplementedError, match="has forces, dipole alone"):
        atoms.get_potential_energy()
    with pytest.raises(UserError, match="outputs: there is no virial; choose from energy, "):
        ChargeCalculator(committee, outputs=("virial",))
    with pytest.raises(UserError, match="no dipole: no label has taught it"):
        ChargeCalculator(untaught(committee, "dipole"), outputs=("dipole",))


def test_one_member_can_be_asked_alone(committee):
    atoms = water()
    found = []
    for index in range(2):
        atoms.calc = ChargeCalculator(committee, member=index)
        atoms.calc.calculate(atoms)
        assert not [name for name in atoms.calc.results if name.endswith("_std")]
        found.append(atoms.calc.results)
    atoms.calc = ChargeCalculator(committee)
    atoms.calc.calculate(atoms)
    for name, mean in found[0].items():
        both = (mean + found[1][name]) / 2
        np.testing.assert_allclose(both, atoms.calc.results[name], rtol=1e-10, atol=1e-12)
    with pytest.raises(UserError, match=r"no member 2 \(counting from 0\): the committee has 2"):
        ChargeCalculator(committee, member=2)


def test_nothing_is_left_of_a_frame_of_other_periodicity(committee):
    """One calculator for several frames, asked in turn, directly and through ASE."""
    calculator = ChargeCalculator(committee)
    frames = [water(), water(cell=7.0), water(0.02), water(cell=7.0)]
    for direct in (True, False):
        for atoms in frames:
            atoms.calc = calculator
            if direct:
                calculator.calculate(atoms, ["dipole"], [])  # ASE's claim of no change is not so
                calculator.calculate(atoms, ["forces"], [])
            else:
                atoms.get_forces()
            alone = atoms.copy()
            alone.calc = ChargeCalculator(committee)
            np.testing.assert_array_equal(calculator.results["forces"], alone.get_forces())
            assert ("stress" in calculator.results) == atoms.pbc.all()
            assert ("dipole" in calculator.results) == (direct and not atoms.pbc.all())


def test_copies_and_threads_give_the_same(committee):
    frames = [water(0.01 * index) for index in range(6)]
    one = ChargeCalculator(committee)
    expected = [one.get_property("forces", atoms) for atoms in frames]
    deep = copy.deepcopy(one)
    deep.get_property("forces", frames[0])
    np.testing.assert_array_equal(one.results["forces"], expected[-1])
    np.testing.assert_array_equal(deep.results["forces"], expected[0])

    def forces(atoms: Atoms) -> np.ndarray:
        """A calculator each, on one committee."""
        return ChargeCalculator(committee).get_property("forces", atoms)

    with ThreadPoolExecutor(3) as pool:
        for found, value in zip(pool.map(forces, frames), expected, strict=True):
            np.testing.assert_array_equal(found, value)


def test_infrared_of_an_untaught_dipole_is_refused_in_a_sentence(committee, tmp_path):
    atoms = water()
    atoms.calc = ChargeCalculator(untaught(committee, "dipole"))
    with pytest.raises(
        PropertyNotImplementedError,
        match=r"no dipole: no label has taught it .* take Born effective charges Z = ∂P/∂R "
        r"\(born_effective_charges\), which infrared intensities ask for",
    ):
        Infrared(atoms, name=str(tmp_path / "ir")).run()


def test_latent_charges_have_a_name_of_their_own():
    atoms = water()
    atoms.calc = ChargeCalculator(make_committee("local", charges="latent"))
    with pytest.raises(PropertyNotImplementedError, match="are latent, and go by the name"):
        atoms.get_charges()
    charges = atoms.calc.get_property("latent_charges", atoms)
    assert charges.shape == (3,) and abs(charges.sum()) < 1e-12  # rounding of numbers below 1
    assert "charges" not in atoms.calc.results
    assert atoms.calc.results["latent_charges_std"].shape == (3,)


# -- warnings ----------------------------------------------------------------------------


def calibrated(committee: Committee, usual: float | None) -> Committee:
    fit = replace(FIT, usual=usual)
    fits = {name: {"H": fit, "O": fit} for name in ("forces", "charges")}
    return Committee(committee.members, Calibration(fits))


def spoken(committee: Committee, **settings) -> list[warnings.WarningMessage]:
    """Warnings of a calculator that is asked for two frames."""
    calculator = ChargeCalculator(committee, **settings)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for shift in (0.0, 0.01):
            calculator.get_property("forces", water(shift))
    return said


def test_far_from_its_control_labels_a_committee_warns_once(committee):
    floor = FIT.floor  # no expected error is smaller
    [said] = spoken(calibrated(committee, usual=floor / 10))
    assert said.category is ExtrapolationWarning
    text = str(said.message)
    assert text.startswith("the committee extrapolates: atom ") and "95 % of the atoms" in text


@pytest.mark.parametrize(
    "usual, settings",
    [
        (1e3, {}),
        (None, {}),  # a calibration of a former version
        (FIT.floor / 10, {"warn_beyond": None}),
        (FIT.floor / 10, {"warn_beyond": 1e9}),
    ],
)
def test_else_it_is_silent(committee, usual, settings):
    assert not spoken(calibrated(committee, usual), **settings)
    assert not spoken(committee, **settings)
