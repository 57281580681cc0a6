"""Files of other programs through the commands, and where results may go."""

import gzip
import os

import ase.io
import numpy as np
import pytest
from cli_cases import tree

from activecharge.dataset.extxyz import read_labels

pytestmark = pytest.mark.slow


@pytest.fixture
def data(finished_once):
    return finished_once / "dataset" / "data.xyz"


@pytest.fixture(params=["frames.traj", "frames.xyz.gz", "frames.db", "run@300K.traj"])
def foreign(request, tmp_path, data):
    """The campaign's dataset in another format, labels and all."""
    frames = ase.io.read(data, index=":")
    path = tmp_path / request.param
    if request.param.endswith(".gz"):
        path.write_bytes(gzip.compress(data.read_bytes()))
    else:
        plain = path.with_name(path.name.replace("@", "_"))
        ase.io.write(plain, frames)
        plain.rename(path)
    return path


def test_configurations_in_any_format(call, tmp_path, foreign, data, finished_once):
    code, _, err = call("predict", finished_once, foreign, "-o", "said.xyz")
    assert code == 0, err
    assert call("predict", finished_once, data, "-o", "same.xyz").code == 0
    assert tree(tmp_path)["said.xyz"] == tree(tmp_path)["same.xyz"]
    assert call("select", finished_once, foreign, "-n", 2, "-o", "chosen.xyz.gz").code == 0
    assert len(ase.io.read(tmp_path / "chosen.xyz.gz", index=":")) == 2


def test_labelled_frames_compressed(call, tmp_path, data, finished_once):
    """Of ASE's own formats none keeps columns of other names."""
    (tmp_path / "data.xyz.gz").write_bytes(gzip.compress(data.read_bytes()))
    expected = call("evaluate", finished_once, data).out
    assert call("evaluate", finished_once, "data.xyz.gz").out == expected
    training = ("--members", 2, "--steps", 1, "-o", "committee")
    code, out, err = call("train", "data.xyz.gz", *training)
    assert code == 0, err
    assert "2 members trained on" in out


def test_label_takes_other_formats(call, tmp_path, data):
    ase.io.write(tmp_path / "one.traj", ase.io.read(data, index=0))
    code, _, err = call("label", "one.traj", "-o", "made.xyz.gz")
    assert code == 0, err
    (made,) = read_labels(tmp_path / "made.xyz.gz")
    assert made.candidate.hash == read_labels(data)[0].candidate.hash


def test_import_by_format_and_strictly(call, tmp_path, data):
    frames = ase.io.read(data, index=":")
    for frame in frames:
        frame.arrays["force"] = frame.arrays.pop("REF_forces")
    ase.io.write(tmp_path / "run.out", frames, format="extxyz")
    code, _, err = call("import", "run.out", "-o", "ours.xyz")
    assert code == 2 and "espresso-out" in err and "--format" in err
    code, out, err = call("import", "run.out", "-o", "ours.xyz", "--format", "extxyz")
    assert code == 0, err
    assert "force (3 numbers an atom" in out and "give --key forces=force" in out
    code, _, err = call("import", "run.out", "-o", "no.xyz", "--format", "extxyz", "--strict")
    assert code == 2 and "--key forces=force" in err
    assert not (tmp_path / "no.xyz").exists()


def test_training_refuses_labels_that_break_physics(call, tmp_path, data):
    frames = ase.io.read(data, index=":")
    frames[4].arrays["REF_charges"][0] += 1.0
    ase.io.write(tmp_path / "wrong.xyz", frames, format="extxyz")
    code, _, err = call("train", "wrong.xyz", "-o", "committee")
    assert code == 2
    assert "wrong.xyz, frame 4 (counting from 0): sum of charges: 1 e" in err and "ion" in err
    assert not (tmp_path / "committee").exists()


def test_training_says_what_does_not_teach(call, tmp_path, data):
    frames = ase.io.read(data, index=":")
    for frame in frames[:2]:
        frame.info["REF_stress"] = np.zeros(9)
    ase.io.write(tmp_path / "odd.xyz", frames, format="extxyz")
    code, out, err = call("train", "odd.xyz", "-o", "c", "--members", 2, "--steps", 1)
    assert code == 0, err
    assert "stresses of 2 free frames do not teach" in out


@pytest.mark.parametrize("command", ["predict", "select", "label", "evaluate"])
def test_atoms_in_one_place(call, tmp_path, data, finished_once, command):
    """Once they gave NaN and exit code 0, and were chosen first."""
    frames = ase.io.read(data, index="1:4")
    frames[2].positions[1] = frames[2].positions[0]
    ase.io.write(tmp_path / "twice.xyz", frames, format="extxyz")
    committee = () if command == "label" else (finished_once,)
    out = () if command == "evaluate" else ("-o", "out.xyz")
    code, _, err = call(command, *committee, "twice.xyz", *out)
    assert code == 2 and err.count("\n") == 1
    assert "twice.xyz, frame 2" in err and "one place" in err
    assert not (tmp_path / "out.xyz").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pipe", "is a pipe"),
        ("folder", "folder"),
        ("data.traj", "extxyz is what is written"),
        ("file/x.xyz", "no folder"),
    ],
)
@pytest.mark.parametrize("command", ["label", "import"])
def test_results_go_where_a_file_may_be(call, tmp_path, data, command, name, said):
    """Told before anything is computed: the data are not even looked for."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    code, out, err = call(command, "missing.xyz", "-o", name)
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert name in err and said in err
    assert (tmp_path / "pipe").is_fifo()


def test_links_stay(call, tmp_path, data):
    (tmp_path / "link.xyz").symlink_to("real.xyz")
    assert call("import", data, "-o", "link.xyz").code == 0
    assert (tmp_path / "link.xyz").is_symlink()
    assert len(read_labels(tmp_path / "real.xyz")) == len(read_labels(data))
