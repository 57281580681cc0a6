"""The ASE calculator of a small random committee in double precision."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.optimize import BFGS
from tiny_committees import make_committee

from activecharge import ChargeCalculator, Committee
from activecharge.committee.calibration.calibration import Calibration, Fit
from activecharge.model.checkpoint import save_model


@pytest.fixture(scope="module")
def committee() -> Committee:
    return make_committee("local")


@pytest.fixture
def cluster(committee) -> Atoms:
    atoms = molecule("H2O")
    second = molecule("H2O")
    second.rotate(70, (1, 2, 0))
    second.positions += [2.8, 0.4, 0.1]
    atoms += second
    atoms.rattle(0.03, seed=1)
    atoms.calc = ChargeCalculator(committee)
    return atoms


@pytest.fixture
def box(cluster) -> Atoms:
    # Longer than twice the cutoff in no direction: images of one atom meet.
    cluster.set_cell([[6.5, 0.0, 0.0], [0.5, 6.0, 0.0], [-0.4, 0.3, 6.2]])
    cluster.pbc = True
    return cluster


SPREADS = {"energy": (), "forces": (6,), "charges": (6,), "born_effective_charges": (6,)}


def test_results_of_a_free_frame(cluster):
    cluster.calc.calculate(cluster)
    results = cluster.calc.results
    shapes = {"energy": (), "forces": (6, 3), "charges": (6,), "dipole": (3,)}
    shapes |= {"born_effective_charges": (6, 9), "dipole_std": (), "free_energy": ()}
    shapes |= {f"{name}_std": shape for name, shape in SPREADS.items()}
    assert {name: np.shape(value) for name, value in results.items()} == shapes
    assert isinstance(results["energy"], float) and isinstance(results["energy_std"], float)
    assert all(np.all(results[f"{name}_std"] > 0) for name in SPREADS)
    with pytest.raises(PropertyNotImplementedError, match="no stress: the frame is free"):
        cluster.get_stress()
    with pytest.raises(PropertyNotImplementedError, match="no magmom: this calculator has energy"):
        cluster.get_magnetic_moment()


def test_results_of_a_periodic_frame(box):
    assert box.get_stress().shape == (6,)
    assert box.get_stress(voigt=False).shape == (3, 3)
    assert box.calc.results["stress_std"] > 0
    bec = box.calc.get_property("born_effective_charges", box)
    assert bec.shape == (6, 3, 3)
    np.testing.assert_array_equal(bec.reshape(6, 9), box.calc.results["born_effective_charges"])
    with pytest.raises(PropertyNotImplementedError, match=r"no dipole: .* Born effective charges"):
        box.get_dipole_moment()


def test_getters_agree_with_the_committee(cluster, committee):
    [expected] = committee.predict([cluster])
    assert cluster.get_potential_energy() == pytest.approx(float(expected.mean["energy"]))
    # ASE's helpers ask for the energy that is consistent with the forces by this name.
    assert cluster.get_potential_energy(force_consistent=True) == cluster.get_potential_energy()
    for found, name in (
        (cluster.get_forces(), "forces"),
        (cluster.get_charges(), "charges"),
        (cluster.get_dipole_moment(), "dipole"),
        (cluster.calc.get_property("born_effective_charges"), "bec"),
    ):
        # The same computation twice: equal but for the order of threads' sums.
        np.testing.assert_allclose(found, expected.mean[name], rtol=1e-10, atol=1e-12)
    assert abs(cluster.get_charges().sum()) < 1e-12  # six numbers below 1 e


@pytest.mark.parametrize("periodic", [False, True])
def test_forces_are_the_slope_of_the_energy(cluster, periodic):
    if periodic:
        cluster.set_cell(np.diag([6.5, 6.0, 6.2]))
        cluster.pbc = True
    # Rounding of 1e3 eV, 2e-13, over 2e-3 Å: 1e-10; the third derivative times eps²/6: 1e-6.
    numeric = calculate_numerical_forces(cluster, eps=1e-3, iatoms=[0, 4])
    np.testing.assert_allclose(cluster.get_forces()[[0, 4]], numeric, atol=1e-5)


def test_stress_is_the_slope_of_the_energy(box):
    # The third derivative by strain times eps²/6 over 240 Å³ is near 1e-8.
    numeric = calculate_numerical_stress(box, eps=1e-3, voigt=True)
    np.testing.assert_allclose(box.get_stress(), numeric, atol=1e-7)


def test_born_effective_charges_are_the_slope_of_the_dipole(cluster):
    """First index polarization, second displacement."""
    bec = cluster.calc.get_property("born_effective_charges", cluster).copy()
    step = 1e-4  # Å; the third derivative times step²/6 is below 1e-7 e
    for atom, axis in ((0, 0), (1, 2), (5, 1)):
        dipoles = []
        for sign in (1, -1):
            moved = cluster.copy()
            moved.positions[atom, axis] += sign * step
            moved.calc = cluster.calc
            dipoles.append(moved.get_dipole_moment().copy())
        slope = (dipoles[0] - dipoles[1]) / (2 * step)
        np.testing.assert_allclose(bec[atom, :, axis], slope, atol=1e-7)


def test_moving_an_atom_renews_every_result(cluster):
    before = {name: np.copy(value) for name, value in cluster_results(cluster).items()}
    cluster.positions[1] += [0.0, 0.0, 0.05]
    after = cluster_results(cluster)
    for name in SPREADS:
        assert np.abs(after[name] - before[name]).max() > 0


def cluster_results(atoms: Atoms) -> dict:
    atoms.calc.calculate(atoms)
    return atoms.calc.results


def test_an_optimiser_goes_downhill(cluster):
    start = cluster.get_potential_energy()
    BFGS(cluster, logfile=None, maxstep=0.02).run(fmax=1e-9, steps=4)
    assert cluster.get_potential_energy() < start


def test_from_a_path(committee, cluster, tmp_path):
    for index, member in enumerate(committee.members):
        save_model(member, tmp_path / "committee" / f"member-{index:02d}")
    again = cluster.copy()
    again.calc = ChargeCalculator(tmp_path)
    assert again.get_potential_energy() == pytest.approx(cluster.get_potential_energy(), abs=1e-9)


def test_a_calibrated_committee_tells_the_error_to_expect(cluster, committee):
    fit = Fit(3.0, 0.01, (None,) * 19, 9, 9, 9, 9)
    known = Calibration({"bec": {"H": fit, "O": fit}, "energy": {"": fit}})
    cluster.calc = ChargeCalculator(Committee(committee.members, known))
    results = cluster_results(cluster)
    assert isinstance(results["energy_expected_error"], float)
    expected = np.hypot(3.0 * results["born_effective_charges_std"], 0.01)
    np.testing.assert_allclose(results["born_effective_charges_expected_error"], expected)
    assert "charges_expected_error" not in results
