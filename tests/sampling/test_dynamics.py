"""Dynamics of walkers on potentials that are known, and with a small committee."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from scipy.spatial.distance import pdist

from activecharge.records import Prediction
from activecharge.sampling.dynamics.langevin import walk
from activecharge.sampling.source_options import DynamicsOptions, SanityOptions
from activecharge.units import ACCELERATION, BOLTZMANN

pytestmark = pytest.mark.slow

WATER = molecule("H2O")
NO_FRICTION = 1e-14
"""1/fs; so weak that noise moves no atom by more than 1e-8 Å in the runs below."""


def dimer() -> Atoms:
    second = WATER.copy()
    second.positions += [2.9, 0.3, 0.0]
    return WATER + second


def predict_with(forces, spread=lambda atoms: 0.0):
    """What a committee's `predict` gives, from a function of one frame."""

    def predict(frames, outputs):
        predictions = []
        for atoms in frames:
            # Real committees refuse such frames, and with them the whole batch.
            assert np.isfinite(atoms.positions).all()
            std = np.full(len(atoms), spread(atoms))
            predictions.append(
                Prediction({"forces": forces(atoms)}, dict.fromkeys(outputs, std), np.empty(0))
            )
        return predictions

    return predict


def tethers(atoms):
    """Each atom of a water molecule tied to its place: harmonic, 10 eV/Å² for O, 20 for H."""
    return -np.array([[10.0], [20.0], [20.0]]) * (atoms.positions - WATER.positions)


def no_forces(atoms):
    return np.zeros((len(atoms), 3))


REST = pdist(WATER.positions)


def springs(atoms):
    """Springs of 30 eV/Å² along the three distances in each molecule."""
    return np.concatenate(
        [spring_forces(atoms.positions[i : i + 3]) for i in range(0, len(atoms), 3)]
    )


def spring_forces(positions):
    forces = np.zeros((3, 3))
    for (i, j), rest in zip(((0, 1), (0, 2), (1, 2)), REST, strict=True):
        vector = positions[j] - positions[i]
        length = np.linalg.norm(vector)
        pull = 30.0 * (length - rest) * vector / length
        forces[i] += pull
        forces[j] -= pull
    return forces


def spring_energy(positions):
    return 15.0 * ((pdist(positions) - REST) ** 2).sum()


def run(starts, forces, seed=0, spread=lambda atoms: 0.0, temperature=300.0, **options):
    return walk(
        starts,
        [temperature] * len(starts),
        predict_with(forces, spread),
        DynamicsOptions(**options),
        SanityOptions(),
        np.random.default_rng(seed),
    )


# -- the integrator ----------------------------------------------------------------------


def test_it_samples_the_temperature():
    """A harmonic coordinate varies by kT/k, which BAOAB gives without error of the time step."""
    walkers, temperature = 12, 450.0
    result = run(
        [WATER] * walkers,
        tethers,
        temperature=temperature,
        steps=1600,
        interval=40,
        timestep=0.5,
        friction=0.1,
    )
    assert not result.stopped
    later = [f for f in result.frames if f.info["step"] > 200]  # 100 fs, ten times 1/friction
    displacements = np.array([frame.positions - WATER.positions for frame in later])
    for atoms, stiffness in ((slice(0, 1), 10.0), (slice(1, 3), 20.0)):
        part = displacements[:, atoms]
        measured = stiffness * (part**2).mean() / BOLTZMANN
        # Relative error √(2/n) of a mean of squares; half of the n samples count, being 20 fs
        # apart while memory fades in 10 to 20 fs. Four such errors: 19 % for O, 13 % for H.
        assert measured == pytest.approx(temperature, rel=4 * np.sqrt(2 / (part.size / 2)))


def test_it_conserves_energy_without_friction():
    """Then it is velocity Verlet: no drift, and an error that falls with the step squared."""
    deviations = []
    for timestep in (0.5, 0.25):
        steps = int(150 / timestep)
        frames = run(
            [WATER], springs, steps=steps, interval=1, timestep=timestep, friction=NO_FRICTION
        ).frames
        path = np.array([frame.positions for frame in frames])
        # Verlet's velocities are the central differences of its positions, exactly.
        velocities = (path[2:] - path[:-2]) / (2 * timestep)
        masses = WATER.get_masses()[:, None]
        kinetic = 0.5 * (masses * velocities**2).sum(axis=(1, 2)) / ACCELERATION
        total = kinetic + [spring_energy(positions) for positions in path[1:-1]]
        assert kinetic.std() > 10 * total.std()
        # Whole oscillations average out; what remains is under the oscillation itself.
        half = len(total) // 2
        assert abs(total[half:].mean() - total[:half].mean()) < 0.3 * total.std()
        deviations.append(total.std())
    # A factor of 4, but for higher orders and the unequal phases at the ends.
    assert deviations[0] / deviations[1] == pytest.approx(4.0, rel=0.1)


def test_velocities_start_at_the_temperature_and_without_drift():
    """Free flight shows the velocities: displacement over time."""
    starts = [WATER] * 400
    options = {"steps": 2, "interval": 1, "timestep": 0.1, "friction": NO_FRICTION}
    frames = run(starts, no_forces, temperature=300.0, **options).frames
    velocities = (
        np.array(
            [b.positions - a.positions for a, b in zip(frames[:400], frames[400:], strict=True)]
        )
        / options["timestep"]
    )
    masses = WATER.get_masses()[:, None]
    # Positions of 1 Å round at 1e-16; friction's noise is 1e-9 Å/fs times masses up to 16.
    assert abs((masses * velocities).sum(axis=1)).max() < 1e-6
    # Six of nine degrees of freedom are left; the error of the mean is √(2/2400) = 3 %.
    kinetic = 0.5 * (masses * velocities**2).sum() / ACCELERATION / 400
    assert kinetic == pytest.approx(6 / 2 * BOLTZMANN * 300.0, rel=0.12)


def test_friction_slows_free_flight_into_diffusion():
    """⟨x²⟩ = 2 kT/(mγ²) (γt − 1 + exp(−γt)) of a free Brownian particle (Ornstein, 1930)."""
    temperature, friction, time = 0.1, 0.1, 50.0
    frames = run(
        [WATER] * 200,
        no_forces,
        temperature=temperature,
        friction=friction,
        timestep=0.5,
        steps=100,
        interval=100,
    ).frames
    squares = [
        (f.get_masses()[:, None] * (f.positions - WATER.positions) ** 2).mean() for f in frames
    ]
    decay = friction * time
    expected = 2 * BOLTZMANN * temperature * ACCELERATION / friction**2
    expected *= decay - 1 + np.exp(-decay)
    # Error of the mean of 1800 squares 3 %; 4 % are lost since the whole starts at rest. Half
    # the friction would give 58 % more.
    assert np.mean(squares) == pytest.approx(expected, rel=0.15)


# -- what it brings home -----------------------------------------------------------------


def test_frames_carry_walker_step_and_temperature_in_order_of_time():
    start = WATER.copy()
    start.info = {"leftover": 1}
    result = walk(
        [start, dimer()],
        [200.0, 400.0],
        predict_with(springs),
        DynamicsOptions(steps=7, interval=3),
        SanityOptions(),
        np.random.default_rng(0),
    )
    assert [frame.info for frame in result.frames] == [
        {"temperature_K": temperature, "walker": walker, "step": step}
        for step in (3, 6, 7)
        for walker, temperature in ((0, 200.0), (1, 400.0))
    ]
    assert result.stopped == {}
    assert all(frame.calc is None for frame in result.frames)


def test_frames_are_snapshots_and_starts_stay_as_they_were():
    start = WATER.copy()
    frames = run([start], springs, steps=6, interval=2).frames
    assert start == WATER
    assert len({frame.positions.tobytes() for frame in frames}) == 3


def test_a_seed_fixes_the_run():
    first, again, other = (
        run([WATER, dimer()], springs, seed=seed, steps=30, interval=10) for seed in (1, 1, 2)
    )
    assert first.frames == again.frames
    assert first.frames != other.frames


def test_two_walkers_from_one_start_go_different_ways():
    frames = run([WATER, WATER], springs, steps=10, interval=10).frames
    assert abs(frames[0].positions - frames[1].positions).max() > 1e-3


def test_no_walkers_no_frames():
    assert run([], springs, steps=5) == run([], springs, steps=500)
    assert run([], springs).frames == []


# -- running away ------------------------------------------------------------------------


def walkers_of(result):
    """Steps kept, by walker."""
    steps: dict[int, list[int]] = {}
    for frame in result.frames:
        steps.setdefault(frame.info["walker"], []).append(frame.info["step"])
    return steps


@pytest.mark.parametrize("spread", [2.1, np.nan])
def test_disagreement_stops_a_walker_and_keeps_its_last_frame(spread):
    result = run(
        [WATER, dimer(), WATER],
        springs,
        spread=lambda atoms: spread if len(atoms) == 6 else 0.05,
        steps=15,
        interval=5,
    )
    assert walkers_of(result) == {0: [5, 10, 15], 1: [5], 2: [5, 10, 15]}
    assert result.stopped == {"disagreement in forces": 1}


def test_each_property_has_its_limit():
    limits = {"forces": 2.0, "charges": 0.1, "bec": 0.3}
    options = {"steps": 4, "interval": 2, "limits": limits}
    below = run([WATER], springs, spread=lambda atoms: 0.1, **options)
    above = run([WATER], springs, spread=lambda atoms: 0.11, **options)
    assert below.stopped == {}
    assert above.stopped == {"disagreement in charges": 1}


def test_the_run_ends_early_when_no_walker_is_left():
    calls = []

    def forces(atoms):
        calls.append(1)
        return no_forces(atoms)

    result = run([WATER], forces, spread=lambda atoms: 9.0, steps=1000, interval=2)
    assert walkers_of(result) == {0: [2]}
    assert len(calls) < 10


def test_a_broken_geometry_stops_its_walker_and_is_not_kept():
    """The dimer's hydrogens are torn off; the others go on."""

    def forces(atoms):
        if len(atoms) == 3:
            return springs(atoms)
        return np.where(atoms.numbers[:, None] == 1, 500.0, 0.0) * [0.0, 0.0, 1.0]

    result = run([dimer(), WATER, dimer()], forces, steps=20, interval=10)
    assert walkers_of(result) == {1: [10, 20]}
    assert result.stopped == {"broken molecule": 2}


def test_forces_that_are_not_finite_do_not_take_the_batch_with_them():
    def forces(atoms):
        result = springs(atoms)
        if len(atoms) == 6:
            result[2] = np.nan
        return result

    result = run(
        [WATER, dimer(), WATER],
        forces,
        spread=lambda atoms: np.nan if len(atoms) == 6 else 0.0,
        steps=10,
        interval=5,
    )
    assert walkers_of(result) == {0: [5, 10], 1: [5], 2: [5, 10]}
    assert all(np.isfinite(frame.positions).all() for frame in result.frames)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the overflow that is provoked
@pytest.mark.parametrize("size", [1e6, 1e300, 1.7e308])
def test_explosions_do_not_take_the_batch_with_them(size):
    """The largest force sends positions to infinity within the interval."""

    def forces(atoms):
        return no_forces(atoms) if len(atoms) == 3 else np.sign(atoms.positions) * size

    options = {"temperature": 1e-3, "timestep": 2.0, "steps": 40, "interval": 20}
    result = run([WATER, dimer(), WATER], forces, **options)
    assert walkers_of(result) == {0: [20, 40], 2: [20, 40]}
    assert sum(result.stopped.values()) == 1


# -- with a committee --------------------------------------------------------------------


@pytest.fixture(scope="module")
def committee():
    import torch

    from activecharge.committee.committee import Committee
    from activecharge.model.model_options import ModelOptions
    from activecharge.model.network import Architecture, ChargeModel

    architecture = Architecture(ModelOptions(channels=4), ("H", "O"), 10.0, (-13.0, -430.0))
    members = []
    for seed in range(2):
        torch.manual_seed(seed)
        members.append(ChargeModel(architecture))
    return Committee(members)


def driven(starts, committee, push=None):
    return walk(
        starts,
        [300.0] * len(starts),
        committee.predict,
        DynamicsOptions(steps=4, interval=2, limits={"forces": 50, "charges": 9, "bec": 9}),
        SanityOptions(),
        np.random.default_rng(0),
        push=push,
    )


def test_a_committee_drives_free_and_periodic_walkers(committee):
    box = dimer()
    box.set_cell([8.0, 8.0, 8.0])
    box.pbc = True
    result = driven([dimer(), box], committee)
    assert result.stopped == {}
    assert walkers_of(result) == {0: [2, 4], 1: [2, 4]}
    assert [bool(frame.pbc.all()) for frame in result.frames] == [False, True] * 2


@pytest.mark.parametrize("biased", [False, True])
def test_atoms_in_one_place_stop_their_walker_alone(committee, biased):
    """A committee refuses such frames, for which it has no forces."""
    from activecharge.committee.bias import SpreadBias

    meeting, far = dimer(), dimer()
    meeting.positions[3] = meeting.positions[1]
    far.positions[3:] += 1e12
    push = SpreadBias(committee, "charges", 0.1, 1.0, [WATER]) if biased else None
    result = driven([dimer(), meeting, far, WATER], committee, push)
    assert result.stopped == {"overlap": 2}
    assert walkers_of(result) == {0: [2, 4], 3: [2, 4]}
