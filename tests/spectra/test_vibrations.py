"""Vibrations by a committee: against ASE's Infrared, isotopes, and members' spreads."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.vibrations import Infrared
from vibration_cases import found, make_committee, water

from activecharge import ChargeCalculator
from activecharge.committee.calibration.calibration import Calibration, Fit
from activecharge.errors import UserError
from activecharge.spectra.error_bars import range_of_draw
from activecharge.spectra.harmonic.vibrations import in_double, modes_at, vibrations
from activecharge.spectra.spectra_options import VibrationsOptions

KM_PER_MOL = 42.255
"""Of (D/Å)²/u, as ASE has it."""


@pytest.fixture(scope="module")
def committee():
    return make_committee()


@pytest.fixture(scope="module")
def here(committee):
    return found(committee)


@pytest.mark.parametrize("coupling", ["dipolar", "global"])
def test_equal_to_infrared_of_ase(coupling, tmp_path):
    """Forces and Z give what ASE finds from forces and displaced dipoles."""
    committee = make_committee(coupling)
    ours = found(committee)
    atoms = ours.atoms.copy()
    atoms.calc = ChargeCalculator(committee, outputs=("energy", "forces", "dipole"))
    infrared = Infrared(atoms, name=str(tmp_path / "ir"), delta=0.005, nfree=2)
    infrared.run()
    waves = infrared.get_frequencies().real[-3:]
    strengths = infrared.intensities[-3:] * KM_PER_MOL
    np.testing.assert_allclose(ours.wavenumber, waves, atol=1)
    np.testing.assert_allclose(ours.intensity, strengths, rtol=0.01, atol=1e-3)
    assert ours.wavenumber[0] > 100 and ours.imaginary == 0
    assert ours.largest_force <= 1e-6


def test_members_spread_about_the_mean(committee, here):
    assert here.wavenumber_members.shape == here.intensity_members.shape == (2, 3)
    spread = here.wavenumber_members.std(axis=0, ddof=1)
    # Student's quantile of one degree of freedom, for the draw of a third member.
    np.testing.assert_allclose(here.wavenumber_width, 6.3138 * np.sqrt(1.5) * spread, rtol=1e-4)
    assert range_of_draw(2) == pytest.approx(6.3138 * np.sqrt(1.5), rel=1e-4)
    # Hessians average, so that squares of wavenumbers do in sum.
    np.testing.assert_allclose(
        (here.wavenumber**2).sum(), (here.wavenumber_members**2).sum(axis=1).mean(), rtol=1e-6
    )
    assert (here.overlap <= 1 + 1e-9).all() and (here.overlap > 0).all()


def test_calibration_widens_ranges(committee, here):
    """Errors of three times the spread: Gaussian ranges of them, in place of Student's."""
    fit = Fit(3.0, 0.0, (None,) * 19, 9, 9, 9, 9)
    known = Calibration({"forces": {"H": fit, "O": fit}, "bec": {"H": fit}})
    wider = modes_at(here.atoms, type(committee)(committee.members, known), here.options)
    factor = 3 * 1.64485 / range_of_draw(2)
    np.testing.assert_allclose(wider.wavenumber_width, factor * here.wavenumber_width, rtol=1e-4)
    # Of charges one element is not calibrated: the spread alone is told.
    np.testing.assert_allclose(wider.intensity_width, here.intensity_width, rtol=1e-6)
    assert (here.forces_factor, here.bec_factor, wider.bec_factor) == (1, 1, 1)


def test_equal_members_have_no_spread(here):
    model = make_committee().members[0]
    alone = found(type(make_committee())([model, model]))
    np.testing.assert_array_equal(alone.wavenumber_width, 0)
    np.testing.assert_allclose(alone.overlap, 1, rtol=1e-9)


def test_turned_start(committee, here):
    atoms = water()
    atoms.rotate(77, (1, 2, 3))
    atoms.positions += [5, -3, 2]
    other = found(committee, atoms)
    # Both have come to rest to 1e-6 eV/Å, about 1e-4 of the softest mode's wavenumber.
    np.testing.assert_allclose(other.wavenumber, here.wavenumber, atol=0.02)
    np.testing.assert_allclose(other.intensity, here.intensity, rtol=1e-3)
    np.testing.assert_allclose(other.wavenumber_width, here.wavenumber_width, rtol=1e-3)


def test_heavy_water(committee, here):
    """Same forces, other masses: the product of wavenumbers follows Teller and Redlich."""
    atoms = here.atoms.copy()
    light, symbols = atoms.get_masses(), np.array(atoms.get_chemical_symbols())
    atoms.set_masses(np.where(symbols == "H", 2.01410178, light))
    heavy = found(committee, atoms)
    assert (heavy.wavenumber < here.wavenumber).all()
    assert heavy.atoms.get_masses().max() == pytest.approx(light.max())

    def inertia(masses):
        frame = here.atoms.copy()
        frame.set_masses(masses)
        return np.prod(frame.get_moments_of_inertia())

    masses = heavy.atoms.get_masses()
    ratio = np.sqrt(
        np.prod(light / masses) ** 3
        * (masses.sum() / light.sum()) ** 3
        * inertia(masses)
        / inertia(light)
    )
    product = np.prod(heavy.wavenumber) / np.prod(here.wavenumber)
    assert product == pytest.approx(ratio, rel=1e-4)


def test_weights_of_single_precision_are_evaluated_in_double():
    single = make_committee(dtype="float32")
    double = in_double(single)
    assert {str(model.dtype) for model in double.members} == {"torch.float64"}
    assert {str(model.dtype) for model in single.members} == {"torch.float32"}
    frame = water()
    a, b = (c.predict([frame], {"forces"})[0].mean["forces"] for c in (single, double))
    assert 0 < np.abs(a - b).max() < 1e-4
    assert found(single).largest_force <= 1e-6  # which single precision would not reach


def test_a_dimer_has_twelve_modes(committee):
    atoms = molecule("H2O")
    second = molecule("H2O")
    second.positions += [0.5, 2.9, 0.3]
    atoms += second
    dimer = found(committee, atoms, fmax=1e-3)
    assert dimer.wavenumber.shape == (12,) and dimer.vectors.shape == (12, 6, 3)
    assert (np.diff(dimer.wavenumber) >= 0).all()


def test_one_member_has_no_spread(committee):
    alone = found(committee.member(0))
    assert np.isnan(alone.wavenumber_width).all() and alone.wavenumber_members.shape == (1, 3)


@pytest.mark.parametrize(
    "atoms, words",
    [
        (water(pbc=True, cell=[8.0] * 3), "periodic, and vibrations are those of free clusters"),
        (Atoms("O"), "one atom has no vibrations"),
        (Atoms("OHH", positions=[[0, 0, 0], [np.nan, 0, 0], [0, 1, 0]]), "frame"),
        (molecule("CH4"), "C"),
    ],
)
def test_frames_that_are_refused(committee, atoms, words):
    with pytest.raises(UserError, match=words):
        vibrations(committee, atoms)


def test_no_rest(committee):
    with pytest.raises(UserError, match=r"did not come to rest: after 2 steps .*--steps"):
        vibrations(committee, water(), VibrationsOptions(steps=2))


def test_without_born_charges():
    dumb = make_committee("independent", taught=("energy", "forces"))
    with pytest.raises(UserError, match=r"Born|bec"):
        vibrations(dumb, water())


def test_what_relaxes_to_two_atoms_in_one_place_is_told(committee):
    atoms = Atoms("OHH", positions=[[0, 0, 0], [0.05, 0, 0], [0, 1.0, 0]])
    with pytest.raises(UserError, match="frame"):
        vibrations(committee, atoms)
