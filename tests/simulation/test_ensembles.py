"""Thermostats, barostat and integrators on formulas whose statistics are known exactly."""

import numpy as np
import pytest
from scipy import stats
from simulation_cases import Springs

from activecharge.simulation.stage_options import NptStage, NveStage, NvtStage
from activecharge.simulation.stepping.integrating import Ledger, Stepper
from activecharge.simulation.stepping.motion import Motion
from activecharge.simulation.stepping.pulling import Answer, Request
from activecharge.units import BOLTZMANN

KELVIN = 300.0
LEAST_P = 1e-3


def make_stepper(stage, forces, motion, timestep=0.5, seed=1, temperature=KELVIN, every=10**9):
    zeros = (np.zeros(len(motion.positions)) for _ in range(3))
    answer = forces(motion.positions, motion.cells, Request())
    return Stepper(
        stage, motion, forces, timestep, temperature, (seed,), every, answer, Ledger(*zeros)
    )


def make_motion(replicas, masses, temperature=KELVIN, seed=0, cells=None, **held):
    rng = np.random.default_rng(seed)
    atoms = len(masses)
    places = 3.0 * rng.random((1, atoms, 3))
    positions = np.repeat(places, replicas, axis=0)
    motion = Motion(positions, np.zeros_like(positions), cells, np.asarray(masses), **held)
    motion.velocities = motion.draw(temperature, rng)
    return motion


@pytest.mark.parametrize("thermostat", ["bussi", "langevin"])
@pytest.mark.parametrize("still", [True, False])
@pytest.mark.parametrize("stiffness", [0.0, 20.0])
def test_kinetic_energy_is_distributed_as_it_should(thermostat, still, stiffness):
    """2K/k_BT of each replica follows χ² of its degrees of freedom.

    Free atoms begin ten times too cold. Atoms on springs begin as they should and have to stay so:
    one factor for all velocities never brings springs out of step that are in step.
    """
    masses = np.array([4.0, 1.0, 1.5, 2.0])
    motion = make_motion(400, masses, KELVIN if stiffness else KELVIN / 10, still=still)
    springs = Springs(motion.positions[0], stiffness)
    if stiffness:
        away = np.random.default_rng(5).normal(size=motion.positions.shape)
        if still:  # a centre of mass that is held is held at its place, too
            away -= masses[:, None] * (masses @ away)[:, None] / (masses @ masses)
        motion.positions += np.sqrt(BOLTZMANN * KELVIN / stiffness) * away
    # ω·dt of the lightest is 0.09: the step's error of the kinetic energy, (ω·dt)²/8, is 1e-3,
    # where 400 replicas show 2e-2. Springs swing ten times and more.
    stage = NvtStage(steps=1000, thermostat=thermostat, relaxation=15.0, friction=0.05)
    stepper = make_stepper(stage, springs, motion, timestep=0.2)
    for _ in stepper.steps(0):
        pass
    freedom = 3 * len(masses) - (3 if still else 0)
    assert motion.freedom == freedom
    reduced = 2 * motion.kinetic / (BOLTZMANN * KELVIN)
    assert stats.kstest(reduced, stats.chi2(freedom).cdf).pvalue > LEAST_P
    z = (reduced.mean() - freedom) / np.sqrt(2 * freedom / len(reduced))
    assert 2 * stats.norm.sf(abs(z)) > LEAST_P
    # The variance of a χ² sample's variance: kurtosis 12/f beyond the Gaussian's.
    error = 2 * freedom * np.sqrt((2 + 12 / freedom) / len(reduced))
    z = (reduced.var(ddof=1) - 2 * freedom) / error
    assert 2 * stats.norm.sf(abs(z)) > LEAST_P


def test_langevin_samples_places_too():
    """Of springs, ⟨x²⟩ = k_BT/κ: BAOAB has no error there at all."""
    motion = make_motion(400, [1.0, 16.0], still=False)
    springs = Springs(motion.positions[0].copy(), 2.0)
    stepper = make_stepper(
        NvtStage(steps=400, thermostat="langevin", friction=0.1), springs, motion, timestep=1.5
    )
    for _ in stepper.steps(0):
        pass
    away = (motion.positions - springs.places) / np.sqrt(BOLTZMANN * KELVIN / 2.0)
    assert stats.kstest(away.ravel(), stats.norm.cdf).pvalue > LEAST_P


def test_thermostats_do_not_set_the_whole_in_motion():
    for thermostat in ("bussi", "langevin"):
        motion = make_motion(3, [16.0, 1.0, 1.0], still=True, upright=True)
        free = Springs(motion.positions[0], 0.0)
        stage = NvtStage(steps=50, thermostat=thermostat, friction=0.05)
        for _ in make_stepper(stage, free, motion).steps(0):
            pass
        weights = motion.masses[:, None]
        # 1e-15 of momenta near 0.05 u Å/fs, 50 steps.
        assert np.abs((weights * motion.velocities).sum(axis=1)).max() < 1e-14
        angular = np.cross(motion.positions, weights * motion.velocities).sum(axis=1)
        # Flying on, the frame turns not at all; rounding grows with the way flown.
        assert np.abs(angular).max() < 1e-12
        assert motion.freedom == 3


def test_a_line_of_atoms_has_two_turns():
    positions = np.array([[[0.0, 0, 0], [1, 1, 0], [3, 3, 0]]])
    motion = Motion(positions, np.zeros_like(positions), None, np.ones(3), True, True)
    assert motion.freedom == 9 - 3 - 2


class Anharmonic(Springs):
    """Springs with a quartic wall."""

    def __call__(self, positions, cells, request):
        away = positions - self.places
        energy = (self.stiffness * (away**2 / 2 + away**4)).sum(axis=(1, 2))
        return Answer(energy, -self.stiffness * (away + 4 * away**3))


def test_verlet_is_of_second_order():
    """The energy's error falls as the step squared, and does not drift."""
    worst, drifts = [], []
    for timestep in (0.4, 0.2, 0.1):
        motion = make_motion(4, [1.0, 16.0], still=False)
        forces = Anharmonic(motion.positions[0].copy(), 3.0)
        stepper = make_stepper(
            NveStage(steps=round(400 / timestep)), forces, motion, timestep=timestep
        )
        errors = [stepper.conserved.copy()]
        errors += [stepper.conserved.copy() for _ in stepper.steps(0)]
        errors = np.array(errors) - errors[0]
        worst.append(np.abs(errors).max())
        half = len(errors) // 2
        drifts.append(np.abs(errors[half:].mean(axis=0) - errors[:half].mean(axis=0)).max())
    orders = np.log2(np.array(worst[:-1]) / worst[1:])
    # The next term of the shadow energy is of fourth order, (ω dt)² ≈ 0.03 beside one.
    assert orders == pytest.approx(2.0, abs=0.1)
    # The mean over some ten periods each: an eighth of what the energy swings by.
    assert np.all(np.array(drifts) < np.array(worst) / 8)


class IdealGas:
    """Atoms that do not see each other."""

    def __call__(self, positions, cells, request: Request) -> Answer:
        replicas = len(positions)
        return Answer(np.zeros(replicas), np.zeros_like(positions), np.zeros((replicas, 3, 3)))


@pytest.mark.parametrize("still", [True, False])
def test_the_volume_of_an_ideal_gas(still):
    """p(V) ∝ V^N exp(−P₀V/k_BT), whether or not the centre of mass is held."""
    atoms, replicas, bar = 5, 400, 6.241509074e-7
    pressure = 2000.0
    scale = BOLTZMANN * KELVIN / (pressure * bar)  # k_BT/P₀
    mean = (atoms + 1) * scale
    cells = np.broadcast_to(np.eye(3) * mean ** (1 / 3), (replicas, 3, 3)).copy()
    motion = make_motion(replicas, np.full(atoms, 16.0), cells=cells, still=still)
    # The guess of the compressibility is 1/P₀, so that volumes relax in τ, 100 times a move's
    # time: Euler's error of the distribution is half a hundredth, a quarter of what 400 show.
    stage = NptStage(
        steps=2000,
        pressure=pressure,
        compressibility=1 / pressure,
        pressure_relaxation=100.0,
        every=1,
        relaxation=2.0,
    )
    stepper = make_stepper(stage, IdealGas(), motion, timestep=1.0)
    for step in stepper.steps(0):
        stepper.change_cell(step)
    volumes = motion.volume / scale
    assert stats.kstest(volumes, stats.gamma(atoms + 1).cdf).pvalue > LEAST_P
    error = np.sqrt((atoms + 1) / replicas)
    assert abs(volumes.mean() - (atoms + 1)) < 3.3 * error  # p = 1e-3


def test_cells_keep_their_shape_and_atoms_their_place_in_it():
    cell = np.array([[5.0, 0, 0], [1, 6, 0], [0, -1, 7]])
    motion = make_motion(2, [16.0, 1.0], cells=np.stack([cell, cell]), still=True)
    before = motion.positions @ np.linalg.inv(motion.cells)
    momenta = motion.velocities * motion.volume[:, None, None] ** (1 / 3)
    stepper = make_stepper(NptStage(steps=10, pressure=1e4), IdealGas(), motion)
    stepper.answer = IdealGas()(motion.positions, motion.cells, Request(stress=True))
    stepper._rng = np.random.default_rng(0)
    stepper.change_cell(10)
    assert len(set(motion.volume)) == 2 and (motion.volume != np.linalg.det(cell)).all()
    np.testing.assert_allclose(before, motion.positions @ np.linalg.inv(motion.cells), atol=1e-12)
    after = motion.velocities * motion.volume[:, None, None] ** (1 / 3)
    np.testing.assert_allclose(momenta, after, rtol=1e-12)
    ratio = motion.cells[0] / motion.cells[0, 0, 0]
    np.testing.assert_allclose(ratio, cell / 5, atol=1e-14)


def test_what_comes_from_outside_is_counted():
    """With thermostat and barostat, the conserved energy swings no more than in NVE."""
    motion = make_motion(3, [1.0, 16.0], cells=np.stack([np.eye(3) * 6] * 3), still=False)
    forces = Anharmonic(motion.positions[0].copy(), 3.0)
    stepper = make_stepper(NvtStage(steps=200, relaxation=5.0), forces, motion, timestep=0.1)
    begin = stepper.conserved.copy()
    swings = [np.abs(stepper.conserved - begin).max() for _ in stepper.steps(0)]
    assert np.abs(stepper.ledger.heat).min() > 0.01
    # (ω dt)²/8 of energies near 0.2 eV.
    assert max(swings) < 1e-3 * np.abs(stepper.ledger.heat).min() + 1e-4
