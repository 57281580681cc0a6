"""Mistakes end with one sentence that names the file or key, says what was expected, and code 2."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from simulation_cases import make_committee, save, waters

from activecharge import cli
from activecharge.campaign.standalone.simulation_settings import simulation_settings
from activecharge.errors import UserError
from activecharge.simulation.committee_forces import check_committee

SHIPPED = Path(__file__).parents[2] / "campaigns/simulations"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    save(make_committee(), folder / "committee")
    save(make_committee(taught=("charges", "bec")), folder / "no_forces")
    save(make_committee(taught=("energy", "forces")), folder / "no_bec")
    waters(1).write(folder / "one.xyz")
    waters(1, 7.0).write(folder / "box.xyz")
    nan = waters(1)
    nan.positions[1, 0] = np.nan
    nan.write(folder / "nan.xyz")
    close = waters(1)
    close.positions[2] = close.positions[1] + 1e-4
    close.write(folder / "close.xyz")
    Atoms("Ar").write(folder / "argon.xyz")
    (folder / "taken").mkdir()
    (folder / "taken/mine.txt").write_text("mine")
    (folder / "typo.yaml").write_text("committee: committee\nstart: {kind: clusters}\nseeed: 1\n")
    (folder / "empty.yaml").write_text("start: {kind: clusters}\n")
    return folder


@pytest.fixture
def call(home, tmp_path, monkeypatch, capsys):
    def call(*arguments, out="out"):
        monkeypatch.chdir(home)
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        target = home / out if out == "taken" else tmp_path / out
        words = ["activecharge", "simulate", *arguments, "-o", str(target)]
        monkeypatch.setattr(sys, "argv", words)
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code
        return code, *capsys.readouterr(), target

    return call


FIELD = "stages=[{kind: nve, steps: 4, field: {kind: constant, vector: [0, 0, 1]}}]"

BAD = {
    "no committee": (["nowhere", "one.xyz"], "nowhere: no committee here"),
    "no forces": (["no_forces", "one.xyz"], "no forces: no label has taught it"),
    "no start": (["committee"], "the start is missing; name a file"),
    "no such start": (["committee", "nowhere.xyz"], "nowhere.xyz: cannot be read"),
    "nan": (["committee", "nan.xyz"], "nan.xyz.*not finite|nan.xyz.*number"),
    "overlap": (["committee", "close.xyz"], "close.xyz.* apart|close.xyz.*one place"),
    "element": (["committee", "argon.xyz"], "argon.xyz.*Ar"),
    "frame": (["committee", "one.xyz", "--set", "start.frame=3"], "no frame 3, but 1"),
    "momenta": (["committee", "one.xyz", "--set", "start.velocities=keep"], "has no momenta"),
    "ensemble": (
        ["committee", "one.xyz", "--set", "stages=[{kind: nvp}]"],
        "unknown stages.0.kind 'nvp'; did you mean 'nv[te]'",
    ),
    "key": (["committee", "one.xyz", "--set", "timstep=1"], "unknown key 'timstep'; did you mean"),
    "deep key": (
        ["committee", "one.xyz", "--set", "stages.1.step=4"],
        "unknown key 'stages.1.step'; did you mean 'steps'",
    ),
    "list": (["committee", "one.xyz", "--set", "stages.7.steps=4"], "no '7' in a list of 2"),
    "no value": (["committee", "one.xyz", "--set", "seed"], "'seed': expected NAME=VALUE"),
    "range": (["committee", "one.xyz", "--set", "timestep=0"], "timestep: .*greater than 0"),
    "YAML key": (["typo.yaml"], "typo.yaml: unknown key 'seeed'; did you mean 'seed'"),
    "YAML without": (["empty.yaml"], "empty.yaml: the key 'committee' is missing"),
    "no YAML": (["nowhere.yaml"], "nowhere.yaml: no such file"),
    "member": (["committee", "one.xyz", "--set", "forces=5"], "no member 5"),
    "npt of free": (
        ["committee", "one.xyz", "--set", "stages=[{kind: npt}]"],
        "npt needs a cell, and the start is free",
    ),
    "field without bec": (["no_bec", "one.xyz", "--set", FIELD], "no Born effective charges"),
    "rows": (
        ["committee", "one.xyz", "--set", "checkpoint_every=5"],
        "checkpoint_every 5 must be a multiple of sample_every 4",
    ),
    "names": (
        ["committee", "one.xyz", "--set", "stages=[{kind: nve}, {kind: nve}]"],
        "two stages are named 'nve'",
    ),
    "builder": (
        ["committee", "clusters", "--set", "replicas=4"],
        "replicas are of the same atoms",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_one_sentence_and_nothing_written(call, case):
    arguments, expected = BAD[case]
    code, _, err, out = call(*arguments)
    assert code == 2

    assert re.search(expected, err.replace("\n", " ")), err
    assert err.count("\n") == 1
    assert not out.exists()


def test_a_folder_of_other_things(call):
    code, _, err, out = call("committee", "one.xyz", out="taken")
    assert code == 2 and "holds other things" in err
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_a_field_and_one_network():
    with pytest.raises(UserError, match="field: one network that knows its last layers"):
        check_committee(make_committee(members=1), "mean", True)


def test_a_builder_by_name(call):
    """What a person would type, to its closing words."""
    stages = "stages=[{kind: nvt, steps: 4}]"
    few = ["--set", "start.molecules=[1, 1]", "--set", "temperature=20"]
    code, out, err, folder = call("committee", "clusters", "--set", stages, *few)
    assert code == 0, err
    assert "nvt: 0.002 ps, 1 rows of 1 replicas" in out
    assert (folder / "01-nvt/table.csv").exists()
    assert (folder / "simulation.yaml").exists()


@pytest.mark.parametrize("name", ["hexamer", "liquid"])
def test_files_that_come_with_the_program(name):
    options = simulation_settings(SHIPPED / f"{name}.yaml", None)
    assert options.start.molecules[0] == options.start.molecules[1]
    assert sum(stage.steps for stage in options.stages) * options.timestep >= 10_000
