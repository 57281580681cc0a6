"""Modes of springs, whose wavenumbers and intensities are known."""

import numpy as np
import pytest
from ase import Atoms
from scipy import constants
from scipy.spatial.transform import Rotation
from vibration_cases import springs

from activecharge.spectra.harmonic.normal_modes import (
    Modes,
    displaced,
    harmonic_modes,
    hessian,
    inner_basis,
    match,
    sets_of,
    shared_intensity,
)

TRIANGLE = np.array([[0, 0, 0], [1.0, 0, 0], [0.5, np.sqrt(0.75), 0]])


def test_a_diatomic():
    """ν̃ = √(k/μ)/2πc, and q²/μ times N_A/(12 ε₀ c²), in SI units."""
    stiffness, masses, charge = 40.0, np.array([1.008, 15.999]), 0.4
    positions = np.array([[0, 0, 0], [0.3, 0.5, 0.77]])
    bec = charge * np.array([np.eye(3), -np.eye(3)])
    found = harmonic_modes(springs(positions, {(0, 1): stiffness}), bec, positions, masses)
    reduced = masses.prod() / masses.sum() * constants.atomic_mass
    omega = np.sqrt(stiffness * constants.e * 1e20 / reduced)
    assert found.wavenumber == pytest.approx([omega / (2 * np.pi * constants.c * 100)], rel=1e-6)
    slope = (charge * constants.e) ** 2 / reduced
    strength = constants.N_A * slope / (12 * constants.epsilon_0 * constants.c**2) / 1000
    assert found.intensity == pytest.approx([strength], rel=1e-6)


def test_only_what_polarizes_absorbs():
    """Like atoms stretch without a dipole; in carbon dioxide's likeness, the odd stretch has it."""
    line = np.array([[-1.2, 0, 0], [0, 0, 0], [1.2, 0, 0]])
    masses, bec = np.array([16.0, 12.0, 16.0]), np.multiply.outer([-1, 2, -1], np.eye(3))
    found = harmonic_modes(springs(line, {(0, 1): 50.0, (1, 2): 50.0}), bec, line, masses)
    assert len(found.wavenumber) == 4  # two bends, without springs, and two stretches
    np.testing.assert_allclose(found.wavenumber[:2], 0, atol=1e-3)
    even, odd = found.intensity[2:]
    assert even == pytest.approx(0, abs=1e-9) and odd > 100
    # √(k/m) and √(k (1/m + 2/M)).
    assert found.wavenumber[3] / found.wavenumber[2] == pytest.approx(np.sqrt(1 + 2 * 16 / 12))


def test_rigid_motions_are_left_out():
    """Those of a Hessian that resists moves and turns, too, as at no minimum."""
    rng = np.random.default_rng(0)
    positions, masses = rng.normal(size=(5, 3)), rng.uniform(1, 20, 5)
    basis = inner_basis(positions, masses)
    assert basis.shape == (15, 9)
    np.testing.assert_allclose(basis.T @ basis, np.eye(9), atol=1e-12)
    roots = np.sqrt(masses)[:, None]
    for axis in np.eye(3):
        for motion in (np.tile(axis, (5, 1)), np.cross(axis, positions)):
            np.testing.assert_allclose((roots * motion).ravel() @ basis, 0, atol=1e-12)
    whole = rng.normal(size=(15, 15))
    modes = harmonic_modes(whole @ whole.T, np.zeros((5, 3, 3)), positions, masses)
    momenta = (modes.vectors * roots).sum(axis=1)
    np.testing.assert_allclose(momenta, 0, atol=1e-10)


@pytest.mark.parametrize("points, count", [(TRIANGLE, 3), (TRIANGLE[:2], 1), (np.eye(4, 3), 6)])
def test_how_many_modes(points, count):
    assert inner_basis(points, np.ones(len(points))).shape[1] == count


def test_turned_and_moved():
    rng = np.random.default_rng(1)
    positions, masses = rng.normal(size=(4, 3)), rng.uniform(1, 20, 4)
    pairs = {(i, j): rng.uniform(5, 40) for i in range(4) for j in range(i)}
    bec = rng.normal(size=(4, 3, 3))
    bec -= bec.mean(axis=0)
    turn = Rotation.random(random_state=2).as_matrix()
    there = positions @ turn.T + [3.0, -1.0, 2.0]
    first = harmonic_modes(springs(positions, pairs), bec, positions, masses)
    turned = turn @ bec @ turn.T
    second = harmonic_modes(springs(there, pairs), turned, there, masses)
    np.testing.assert_allclose(first.wavenumber, second.wavenumber, rtol=1e-9)
    np.testing.assert_allclose(first.intensity, second.intensity, rtol=1e-9)


def test_index_order_of_born_charges_matters():
    """Z[polarization, displacement]: the transposed one gives other intensities."""
    positions, masses = TRIANGLE, np.array([1.0, 2.0, 3.0])
    bec = np.zeros((3, 3, 3))
    bec[0, 2, 0], bec[1, 2, 0] = 1.0, -1.0  # motion along x polarizes along z
    pairs = {(0, 1): 10.0, (1, 2): 20.0, (0, 2): 30.0}
    right = harmonic_modes(springs(positions, pairs), bec, positions, masses)
    wrong = harmonic_modes(springs(positions, pairs), bec.swapaxes(1, 2), positions, masses)
    assert right.intensity.max() > 100
    np.testing.assert_allclose(wrong.intensity, 0, atol=1e-9)  # nothing moves along z


def test_imaginary_modes_are_negative():
    found = harmonic_modes(
        springs(TRIANGLE, {(0, 1): 10.0, (1, 2): 10.0, (0, 2): -8.0}),
        np.zeros((3, 3, 3)),
        TRIANGLE,
        np.ones(3),
    )
    assert (found.wavenumber < 0).sum() == 1 and found.wavenumber[0] < 0


def test_hessian_by_central_differences():
    """Of a quadratic energy they are exact, whatever the step."""
    rng = np.random.default_rng(3)
    exact = rng.normal(size=(9, 9))
    exact += exact.T
    atoms = Atoms("OHH", positions=rng.normal(size=(3, 3)))

    def forces(frames):
        assert len(frames) == 18
        return [(-exact @ (f.positions - atoms.positions).ravel()).reshape(3, 3) for f in frames]

    np.testing.assert_allclose(hessian(atoms, forces, 0.02), exact, atol=1e-12)
    up, down = displaced(atoms, 0.02)[2:4]
    np.testing.assert_allclose((up.positions - down.positions)[0], [0, 0.04, 0], atol=1e-15)


def triangle(*constants_of_springs: float) -> Modes:
    pairs = dict(zip([(0, 1), (1, 2), (0, 2)], constants_of_springs, strict=True))
    bec = np.multiply.outer([0.7, -0.2, -0.5], np.eye(3))
    return harmonic_modes(springs(TRIANGLE, pairs), bec, TRIANGLE, np.ones(3))


def test_modes_are_matched_by_their_motion():
    mean = triangle(40.0, 20.0, 10.0)
    swapped = Modes(mean.wavenumber, mean.intensity, -mean.vectors[[2, 0, 1]])
    sets = sets_of(mean.wavenumber, 0.5)
    np.testing.assert_array_equal(match(mean, swapped, sets), [1, 2, 0])
    near = triangle(41.0, 19.5, 10.2)
    np.testing.assert_array_equal(match(mean, near, sets), [0, 1, 2])


def test_degenerate_modes_have_no_directions():
    """The pair of an equilateral triangle: any turn within it is the same pair."""
    mean = triangle(20.0, 20.0, 20.0)
    sets = sets_of(mean.wavenumber, 0.5)
    np.testing.assert_array_equal(sets, [0, 0, 1])
    angle = 0.7
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned = np.concatenate([np.einsum("kl,lib->kib", turn, mean.vectors[:2]), mean.vectors[2:]])
    other = Modes(mean.wavenumber, mean.intensity, turned)
    np.testing.assert_array_equal(match(mean, other, sets), [0, 1, 2])
    # A member that splits the pair: its modes go by wavenumber, and intensities by their sum.
    split = triangle(20.0, 21.0, 20.5)
    np.testing.assert_array_equal(match(mean, split, sets), [0, 1, 2])
    shared = shared_intensity(split.intensity, sets)
    assert shared[0] == shared[1] == pytest.approx(split.intensity[:2].mean())
    assert shared[2] == split.intensity[2]
