"""What people get wrong: one sentence, exit code 2, and nothing changed on disk."""

import shutil

import numpy as np
import pytest
from ase.build import molecule
from ase.io import write
from cli_cases import TINY, tree

pytestmark = pytest.mark.slow


def refused(outcome, *words):
    """Check the sentence; returns it."""
    code, out, err = outcome
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and err.count("\n") == 1
    for word in words:
        assert word in err
    return err


def with_file(path) -> str:
    return TINY.replace("initial:\n", f"initial:\n  - {{kind: file, path: {path}}}\n")


@pytest.fixture
def frames(tmp_path):
    """Files with something wrong in them, by what it is."""

    def save(name, *atoms):
        write(tmp_path / name, atoms, format="extxyz")
        return name

    water = molecule("H2O")
    water.info["REF_energy"] = -14.0
    lost, salt, ion = water.copy(), molecule("NaCl"), water.copy()
    lost.positions[1, 2] = np.nan
    ion.info["charge"] = 1
    salt.info = dict(water.info)
    slab = water.copy()
    slab.set_cell([10, 10, 10])
    slab.pbc = (True, True, False)
    cut = tmp_path / save("cut.xyz", water, water)
    cut.write_text("\n".join(cut.read_text().splitlines()[:-2]))
    (tmp_path / "empty.xyz").touch()
    (tmp_path / "text.xyz").write_text("This is not a list of atoms.\n")
    (tmp_path / "binary.xyz").write_bytes(bytes(range(256)))
    return {
        "missing": ("nowhere.xyz", "nowhere.xyz", "No such file"),
        "empty": ("empty.xyz", "empty.xyz", "no frames"),
        "text": ("text.xyz", "text.xyz", "frame 0", "number of atoms"),
        "binary": ("binary.xyz", "binary.xyz", "not a text file"),
        "cut": ("cut.xyz", "cut.xyz", "frame 1", "cut short"),
        "nan": (save("nan.xyz", water, lost), "nan.xyz", "frame 1", "not finite"),
        "element": (save("salt.xyz", water, salt), "salt.xyz", "frame 1", "Cl, Na", "H, O"),
        "charge": (save("ion.xyz", ion), "ion.xyz", "frame 0", "charge is 1", "neutral"),
        "slab": (save("slab.xyz", slab), "slab.xyz", "frame 0", "pbc"),
    }


WRONG = ("missing", "empty", "text", "binary", "cut", "nan", "element", "charge", "slab")


@pytest.mark.parametrize("kind", WRONG)
def test_files_of_either_reader(call, tmp_path, frames, kind):
    """There are two readers, of configurations and of labels; what they refuse is in the one."""
    name, *words = frames[kind]
    file = tmp_path / "campaign.yaml"
    file.write_text(with_file(name))
    before = tree(tmp_path)
    refused(call("validate", file), *words)
    if kind != "element":  # what is trained may be of any
        refused(call("train", name, "-o", "out"), *words)
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        *(("run", "cut"), ("label", "cut"), ("label", "charge"), ("predict", "cut")),
        *(("predict", "element"), ("select", "cut"), ("evaluate", "cut"), ("evaluate", "element")),
    ],
)
def test_each_verb_refuses_files(call, tmp_path, request, frames, command, kind):
    name, *words = frames[kind]
    file = tmp_path / "campaign.yaml"
    file.write_text(with_file(name))
    arguments = {"run": (file,), "label": (name, "-o", "out.xyz")}.get(command)
    if arguments is None:
        committee = request.getfixturevalue("finished_once")
        arguments = (committee, name, *(() if command == "evaluate" else ("-o", "out.xyz")))
    before = tree(tmp_path)
    refused(call(command, *arguments), *words)
    assert tree(tmp_path) == before


@pytest.mark.parametrize(("command", "device"), [("predict", "cud"), ("evaluate", "cuda:99")])
def test_devices_that_are_not_there(call, tmp_path, finished_once, command, device):
    before = tree(tmp_path)
    out = () if command == "evaluate" else ("-o", "out.xyz")
    data = finished_once / "dataset" / "data.xyz"
    refused(call(command, finished_once, data, *out, "--device", device), f"device {device}:")
    assert tree(tmp_path) == before


def test_frames_for_which_a_committee_has_no_answer(call, tmp_path, finished_once):
    water = molecule("H2O")
    meeting, vast = water.copy(), water.copy()
    meeting.positions[2] = meeting.positions[1]
    vast.set_cell([1e5] * 3)
    vast.pbc = True
    for frame, words in (
        (meeting, ("atoms 1 (H) and 2 (H)", "0 Å apart")),
        (vast, ("100000 Å", "free")),
    ):
        write(tmp_path / "frames.xyz", [water, frame], format="extxyz")
        before = tree(tmp_path)
        refused(call("predict", finished_once, "frames.xyz", "-o", "out.xyz"), "frame 1", *words)
        assert tree(tmp_path) == before


def test_frames_without_labels(call, tmp_path, finished_once):
    write(tmp_path / "bare.xyz", molecule("H2O"), format="extxyz")
    refused(call("train", "bare.xyz", "-o", "out"), "bare.xyz", "frame 0", "REF_energy")
    refused(call("evaluate", finished_once, "bare.xyz"), "bare.xyz", "frame 0", "REF_energy")


@pytest.mark.parametrize(
    "line, words",
    [
        ("selecton: {batch: 3}\n", ("'selecton'", "'selection'")),
        ("sanity: {min_ho: 1}\n", ("'sanity.min_ho'", "'min_oh'")),
        ("name: again\n", ("'name'", "twice")),
    ],
)
def test_mistyped_keys(call, tmp_path, line, words):
    file = tmp_path / "campaign.yaml"
    file.write_text(TINY + line)
    before = tree(tmp_path)
    refused(call("run", file), str(file), *words)
    refused(call("validate", file), str(file), *words)
    assert tree(tmp_path) == before


def test_a_campaign_that_no_configuration_suits(call, tmp_path):
    file = tmp_path / "campaign.yaml"
    file.write_text(TINY + "sanity: {min_oh: 0.999, max_bond: 1.001}\n")
    before = tree(tmp_path)
    refused(call("run", file), "initial.0 (clusters)", "not one configuration is sane")
    assert tree(tmp_path) == before


def test_run_directories_that_cannot_be_written(call, tmp_path, tiny):
    (tmp_path / "file").write_text("mine")
    before = tree(tmp_path)
    for directory in ("file", "file/below", "/proc/nobody-writes-here"):
        refused(call("run", tiny, "--run-dir", directory), directory, "choose another --run-dir")
    assert tree(tmp_path) == before


def test_results_that_cannot_be_written(call, tmp_path, finished_once):
    (tmp_path / "file").write_text("mine")
    refused(call("export", finished_once, "-o", "file/data.xyz"), "file")
    refused(call("export", finished_once, "-o", "/proc/nobody-writes-here/data.xyz"), "/proc")
    assert tree(tmp_path) == {"file": b"mine"}


@pytest.mark.parametrize("command", ["status", "export", "report"])
def test_not_a_run_directory(call, tmp_path, command):
    refused(call(command, tmp_path), str(tmp_path), "not a run directory")
    refused(call(command, tmp_path / "none"), "none", "not a run directory")


def test_not_a_committee(call, tmp_path):
    write(tmp_path / "water.xyz", molecule("H2O"), format="extxyz")
    refused(call("predict", tmp_path, "water.xyz", "-o", "out.xyz"), "no committee here")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("--reference", "tblight"), ("'tblight'", "'tblite'")),
        (("--reference", "command"), ("reference.command", "missing")),
        (("--method", "PBE"), ("reference.method", "GFN2-xTB", "'PBE'")),
    ],
)
def test_wrong_references(call, tmp_path, arguments, words):
    write(tmp_path / "water.xyz", molecule("H2O"), format="extxyz")
    refused(call("label", "water.xyz", "-o", "out.xyz", *arguments), *words)


def test_wrong_coupling(call):
    refused(call("train", "x", "-o", "y", "--coupling", "globl"), "model.coupling", "'globl'")


def test_a_fault_of_the_program_is_logged_where_the_run_is(call, tmp_path, finished, tiny):
    """A selection that says no reason is nothing that a message is made for."""
    selection = finished / "rounds" / "00" / "selection.extxyz"
    selection.write_text(selection.read_text().replace("chosen=initial", ""))
    code, _, err = call("run", tiny, "--run-dir", finished)
    assert code == 1
    assert err.count("\n") == 1 and str(finished / "error.log") in err
    assert "Traceback" in (finished / "error.log").read_text()


def test_no_cluster_where_one_is_named(call, tmp_path, tiny):
    ray = tmp_path / "ray.yaml"
    ray.write_text(TINY.replace("{kind: inline}", "{kind: ray}"))
    nowhere = ("--address", "http://127.0.0.1:1")
    refused(call("submit", ray, "--run-dir", "/runs/x", *nowhere), "http://127.0.0.1:1", "no job")
    refused(call("jobs", *nowhere), "http://127.0.0.1:1", "no job server")
    refused(call("jobs", "--address", "head:8265"), "--address", "http://")
    code, _, err = call("run", ray, "--address", "127.0.0.1:1")
    assert code == 2 and "cluster.address" in err and "127.0.0.1:1" in err
    assert not (tmp_path / "runs" / "tiny" / "labels").exists()


def test_a_comparison_without_frames_to_judge_by(call, tmp_path):
    (tmp_path / "c.yaml").write_text("initial: [{kind: clusters}]\n")
    refused(call("compare", "c.yaml"), "test: ", "held-out")
    assert not (tmp_path / "runs").exists()


def test_watching_is_for_people(call, finished):
    refused(call("status", finished, "--watch", "--json"), "--watch", "--json")
    code, out, _ = call("status", finished, "--watch")
    assert code == 0 and "round 1 was the last" in out


def test_results_over_what_they_are_made_from(call, tmp_path, finished):
    """By its own name, by another path, through links of either kind; nothing is touched."""
    frames = tmp_path / "frames.xyz"
    shutil.copy(finished / "dataset" / "data.xyz", frames)
    (tmp_path / "soft.xyz").symlink_to("frames.xyz")
    (tmp_path / "hard.xyz").hardlink_to(frames)
    (tmp_path / "sub").mkdir()
    chosen = finished / "rounds" / "00" / "selection.extxyz"
    (tmp_path / "chosen.xyz").symlink_to(chosen)
    system = tmp_path / "system"
    system.mkdir()
    (system / "type.raw").write_text("0\n")
    before = {path: path.read_bytes() for path in (frames, chosen)}
    commands = [
        ("predict", finished, "frames.xyz"),
        ("select", finished, "frames.xyz"),
        ("label", "frames.xyz"),
        ("import", "frames.xyz"),
    ]
    cases = [(*c, "-o", f"{o}.xyz") for c in commands for o in ("frames", "soft", "hard")]
    cases += [
        ("predict", finished, frames, "-o", "sub/../frames.xyz"),
        ("predict", finished, "system", "-o", "system/type.raw"),
        ("import", finished / "dataset" / "data.xyz", "--against", "frames.xyz", "-o", "soft.xyz"),
        ("import", finished / "dataset" / "data.xyz", "--config", frames, "-o", "hard.xyz"),
        ("label", finished / "dataset" / "data.xyz", "--config", frames, "-o", "hard.xyz"),
        ("export", finished, "-o", chosen),
        ("export", finished, "-o", "chosen.xyz"),
        ("export", finished, "-o", next((finished / "labels").iterdir())),
    ]
    for case in cases:
        refused(call(*case), f"error: {case[-1]}: is a file to be read (", "give another name")
    assert before == {path: path.read_bytes() for path in before}
    assert call("export", finished, "-o", finished / "dataset" / "data.xyz").code == 0
