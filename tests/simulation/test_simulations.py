"""Whole simulations with small committees: who drives, what is computed and written."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml
from ase.io import read
from simulation_cases import Springs, make_committee, save, waters
from test_ensembles import make_motion, make_stepper

from activecharge import simulate
from activecharge.errors import UserError
from activecharge.simulation.checkpointing import CHECKPOINT
from activecharge.simulation.committee_forces import CommitteeForces
from activecharge.simulation.record import read_simulation
from activecharge.simulation.stage_options import NvtStage
from activecharge.simulation.stepping.pulling import Request
from activecharge.units import ACCELERATION, BOLTZMANN

SHORT = {"temperature": 20.0, "sample_every": 2, "frames_every": 4, "checkpoint_every": 4}
NVE = [{"kind": "nve", "steps": 8}]


@pytest.fixture(scope="module")
def committee():
    return make_committee()


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "run.lock"
    }


def test_what_is_written_and_read_back(committee, tmp_path):
    stages = [{"kind": "nvt", "steps": 4, "name": "warm"}, {"kind": "nve", "steps": 8}]
    record = simulate(committee, waters(1), tmp_path, stages=stages, replicas=2, **SHORT)
    assert record.times_fs.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert record.current.shape == (4, 2, 2, 3)
    assert (record.stage, record.ensemble, record.complete) == ("nve", "nve", True)
    assert record.volume is None and record.drivers == (None, None) and record.forces == "mean"
    assert record.symbols == ("O", "H", "H") and record.spacing_fs == 1.0
    assert (np.abs(record.current[:, 0] - record.current[:, 1]) > 1e-6).any()
    assert (record.spreads["forces"] > 0).all() and np.isnan(record.excess).all()
    assert read_simulation(tmp_path, "warm").ensemble == "nvt"
    frames = read(tmp_path / "02-nve/trajectory.xyz", ":")
    assert [(f.info["replica"], f.info["time_fs"]) for f in frames] == [
        (0, 2.0),
        (1, 2.0),
        (0, 4.0),
        (1, 4.0),
    ]
    assert frames[0].has("momenta")
    kinetic = [f.get_kinetic_energy() for f in frames[2:]]
    # ASE's constants differ from ours by 1e-7, its momenta carry 8 decimals.
    assert kinetic == pytest.approx(record.kinetic[-1].tolist(), rel=1e-5)
    # Ṁ from what was written; positions carry 8 decimals.
    [said] = committee.member(1).predict([frames[-1]], ("bec",))
    velocities = frames[-1].get_velocities() * 0.09822694788464063  # per fs
    expected = np.einsum("iab,ib->a", said.mean["bec"], velocities)
    np.testing.assert_allclose(record.current[-1, 1, 1], expected, rtol=1e-4, atol=1e-8)


def test_mean_member_and_each(committee, tmp_path):
    """`each` gives each member's own trajectory; of the mean, no member's."""
    runs = {}
    for forces in ("mean", 1, "each"):
        runs[forces] = simulate(
            committee, waters(1), tmp_path / str(forces), stages=NVE, forces=forces, **SHORT
        )
    assert runs["each"].drivers == (0, 1) and runs[1].drivers == (1,)
    assert runs["each"].current.shape == (4, 2, 2, 3)
    assert not np.allclose(runs["mean"].energy[:, 0], runs[1].energy[:, 0], atol=1e-6)
    # Each replica has velocities of its own, so the members' energies at the start are compared.
    frame = waters(1)
    for member in (0, 1):
        [said] = committee.member(member).predict([frame], ("energy", "forces"))
        forces = CommitteeForces(committee, [frame, frame], [0, 1], 0.5)
        answer = forces(np.stack([frame.positions] * 2), None, Request())
        assert answer.energy[member] == pytest.approx(float(said.mean["energy"]), abs=1e-9)
        np.testing.assert_allclose(answer.forces[member], said.mean["forces"], atol=1e-10)
    own = simulate(
        committee, waters(1), tmp_path / "own", stages=NVE, forces=1, currents="driver", **SHORT
    )
    assert own.members == (1,)
    np.testing.assert_array_equal(own.current[:, :, 0], runs[1].current[:, :, 1])
    assert np.isnan(runs[1].spreads["forces"]).all()
    assert (runs[1].spreads["bec"] > 0).all()


@pytest.mark.parametrize("coupling", ["local", "independent"])
def test_only_what_a_step_needs_is_computed(coupling, monkeypatch):
    committee = make_committee(coupling)
    asked = []
    for member in committee.members:
        forward = type(member).forward

        def spy(graph, outputs, *, field=None, member=member, forward=forward):
            asked.append(set(outputs))
            return forward(member, graph, outputs, field=field)

        monkeypatch.setattr(member, "forward", spy)
    frame = waters(1, 7.0)
    forces = CommitteeForces(committee, [frame], [None], 0.5)
    where = frame.positions[None], frame.cell.array[None]

    def outputs(*request):
        asked.clear()
        forces(*where, Request(*request))
        return asked

    plain = {"energy", "forces"}
    assert outputs() == [plain] * 2
    assert outputs(None, True) == [plain | {"stress"}] * 2
    assert outputs(None, False, True) == [plain | {"bec", "charges"}] * 2
    field = plain | {"bec" if coupling == "independent" else "dipole"}
    assert outputs(np.ones(3)) == [field] * 2
    forces = CommitteeForces(committee, [frame], [1], 0.5)
    assert outputs() == [plain]
    charged = {"bec", "charges"}
    assert outputs(None, False, True) == [charged, plain | charged]
    forces = CommitteeForces(committee, [frame], [1], 0.5, everyone=False)
    assert outputs(None, False, True) == [plain | charged]


@pytest.mark.parametrize("cell", [None, 7.0])
def test_neighbours_are_kept_while_atoms_move_little(committee, cell):
    """Forces are those of fresh neighbours; the list is made anew once an atom has gone far."""
    frame = waters(2, cell)
    forces = CommitteeForces(committee, [frame], [None], 0.6)
    rng = np.random.default_rng(0)
    for _ in range(6):
        frame.positions += rng.normal(0, 0.1, (6, 3))
        boxes = frame.cell.array[None] if cell else None
        answer = forces(frame.positions[None], boxes, Request(stress=bool(cell)))
        [said] = committee.predict([frame], ("forces", "stress", "energy"))
        # Rounding of energies near 900 eV.
        np.testing.assert_allclose(answer.forces[0], said.mean["forces"], atol=1e-9)
        if cell:
            np.testing.assert_allclose(answer.stress[0], said.mean["stress"], atol=1e-12)
    assert 1 < forces._pairs[0].searches < 6


def test_heavy_water_is_heavy(committee, tmp_path):
    """Masses of the frame count: at one temperature, D moves slower by √2."""
    heavy = waters(1)
    heavy.set_masses([15.999, 2.014, 2.014])
    light = simulate(committee, waters(1), tmp_path / "h", stages=NVE, **SHORT)
    slow = simulate(committee, heavy, tmp_path / "d", stages=NVE, **SHORT)
    assert slow.masses.tolist() == [15.999, 2.014, 2.014]
    assert light.masses[1] == pytest.approx(1.008)
    frames = [read(tmp_path / run / "01-nve/trajectory.xyz", "-1") for run in "hd"]
    assert frames[1].get_masses().tolist() == [15.999, 2.014, 2.014]
    assert slow.kinetic[0, 0] == pytest.approx(light.kinetic[0, 0], rel=0.5)


def test_neither_drift_nor_turning(committee, tmp_path):
    """To rounding of positions (1e-8 Å) and momenta (1e-8 of 1 in ASE's unit) in the file."""
    simulate(committee, waters(2), tmp_path, stages=NVE, **SHORT)
    frame = read(tmp_path / "01-nve/trajectory.xyz", "-1")
    momenta = frame.get_momenta()
    assert np.abs(momenta.sum(axis=0)).max() < 1e-7
    assert np.abs(np.cross(frame.positions, momenta).sum(axis=0)).max() < 1e-6
    assert np.abs(momenta).max() > 1e-2


def test_currents_obey_equipartition():
    """⟨Ṁ²⟩ = k_BT Σ Tr(Z Zᵀ)/m, within the error of 400 replicas (p = 1e-3)."""
    bec = np.random.default_rng(0).normal(size=(3, 3, 3))
    bec -= bec.mean(axis=0)
    masses = np.array([16.0, 1.0, 1.0])
    motion = make_motion(400, masses, 30.0, still=True)
    springs = Springs(motion.positions[0], 0.5, bec)
    stepper = make_stepper(NvtStage(steps=300, relaxation=20.0), springs, motion, every=300)
    for _ in stepper.steps(0):
        pass
    assert stepper.answer.sample.bec.shape == (1, 400, 3, 3, 3)
    current = np.einsum("riab,rib->ra", stepper.answer.sample.bec[0], motion.velocities)
    squares = (current**2).sum(axis=1)
    expected = BOLTZMANN * 300.0 * ACCELERATION * ((bec**2).sum(axis=(1, 2)) / masses).sum()
    error = squares.std(ddof=1) / np.sqrt(len(squares))
    assert abs(squares.mean() - expected) < 3.3 * error


def test_equipartition_with_a_committee(tmp_path):
    """The same of Z that varies as atoms move, in a cell."""
    committee = make_committee("independent")
    stages = [{"kind": "nvt", "steps": 40, "thermostat": "langevin", "friction": 0.2}]
    chosen = SHORT | {"sample_every": 20, "checkpoint_every": 20, "skin": 2.0}
    frame = waters(2, 7.0)
    record = simulate(committee, frame, tmp_path, stages=stages, replicas=40, **chosen)
    forces = CommitteeForces(committee, [frame], [None], 0.5)
    said = forces(frame.positions[None], frame.cell.array[None], Request(sample=True)).sample
    traces = (said.bec[:, 0] ** 2).sum(axis=(2, 3)) / record.masses
    expected = BOLTZMANN * 20.0 * ACCELERATION * traces.sum(axis=1)
    squares = (record.current**2).sum(axis=3).mean(axis=0)  # (R, M)
    error = squares.std(axis=0, ddof=1) / np.sqrt(len(squares))
    # Z hardly changes while cold atoms move by 0.05 Å: 5 % more is granted for that.
    assert (np.abs(squares.mean(axis=0) - expected) < 3.3 * error + 0.05 * expected).all()


STAGES = [
    {"kind": "nvt", "steps": 8, "thermostat": "langevin", "name": "warm"},
    {"kind": "npt", "steps": 40, "every": 4},
]


def start(folder, out):
    command = [sys.executable, "-m", "activecharge", "simulate", folder / "md.yaml", "-o", out]
    return subprocess.Popen(
        list(map(str, command)),
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def prepared(committee, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    save(committee, folder / "committee")
    waters(2, 7.0).write(folder / "start.xyz")
    settings = {
        "committee": "committee",
        "start": {"kind": "file", "path": "start.xyz"},
        "forces": "each",
        "stages": STAGES,
    } | SHORT
    (folder / "md.yaml").write_text(yaml.safe_dump(settings))
    return folder


def test_killed_at_any_time_it_ends_in_the_same_bytes(prepared, tmp_path):
    whole = start(prepared, tmp_path / "whole")
    _, err = whole.communicate()
    assert whole.returncode == 0, err
    out = tmp_path / "killed"
    process, table = start(prepared, out), out / "02-npt/table.csv"
    while process.poll() is None:
        if table.exists() and table.read_text().count("\n") > 12:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.005)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    # What a kill in the middle of writing leaves behind the checkpoint.
    with table.open("a") as file:
        file.write("0.5,0.0,torn")
    (out / "02-npt/.tmp-torn.safetensors").write_bytes(b"torn")
    again = start(prepared, out)
    stdout, err = again.communicate()
    assert again.returncode == 0, err
    assert tree(out) == tree(tmp_path / "whole")
    assert "npt: 0.02 ps" in stdout
    # Done is done.
    before = tree(out)
    settings = yaml.safe_load((prepared / "md.yaml").read_text())
    settings = {name: settings[name] for name in ("forces", "stages", *SHORT)}
    simulate(prepared / "committee", prepared / "start.xyz", out, **settings)
    before["simulation.yaml"] = (out / "simulation.yaml").read_bytes()  # which names no committee
    assert tree(out) == before


def test_other_settings_are_not_mixed_in(committee, tmp_path):
    out = tmp_path / "run"
    simulate(committee, waters(1), out, stages=NVE, **SHORT)
    before = tree(out)
    for change in ({"seed": 3}, {"replicas": 2}):
        with pytest.raises(UserError, match=f"other settings .*{next(iter(change))}"):
            simulate(committee, waters(1), out, stages=NVE, **SHORT | change)
    with pytest.raises(UserError, match="the start"):
        simulate(committee, waters(1, seed=5), out, stages=NVE, **SHORT)
    with pytest.raises(UserError, match="the committee"):
        simulate(make_committee(members=3), waters(1), out, stages=NVE, **SHORT)
    assert tree(out) == before
    shutil.copy(out / CHECKPOINT, tmp_path / "other")
    with pytest.raises(UserError, match="holds other things"):
        simulate(committee, waters(1), tmp_path, stages=NVE, **SHORT)
