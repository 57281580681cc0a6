"""A campaign through the real command line: what it leaves, and what a second run does with it."""

import fcntl
import hashlib
import json

import ase.io
import numpy as np
import pytest
from cli_cases import TINY, dataset, tree

from activecharge import Committee
from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.dataset.extxyz import read_labels
from activecharge.properties import PROPERTIES

pytestmark = pytest.mark.slow


def frames(run, name="data.xyz"):
    return ase.io.read(run / "dataset" / name, index=":")


def stored(run):
    return {path.stem: read_labels(path)[0] for path in (run / "labels").iterdir()}


def make(call, tmp_path, text, name="run"):
    """Run a campaign and give what it says at its end."""
    file = tmp_path / "campaign.yaml"
    file.write_text(text)
    code, out, err = call("run", file, "--run-dir", tmp_path / name, "--json")
    assert code == 0, err
    return json.loads(out)


LEAN = """\
seed: 1
model: {channels: 2, correlation: 1, radial: 4}
training: {members: 2, steps: 1, warm_steps: 1, evaluate_every: 1}
initial: [{kind: clusters, molecules: [1, 2], count: 6}]
explore: [{kind: clusters, molecules: [1, 2], count: 5}]
selection: {batch: 4, control: 0.5}
stop: {rounds: 1}
executor: {kind: inline}
"""
"""What rules need that end a campaign, and no more: its committees know nothing."""

# -- what is left ------------------------------------------------------------------------


def test_every_frame_says_where_it_comes_from(finished_once):
    found = frames(finished_once)
    for frame in found:
        info = frame.info
        assert info["reference"] == "tblite"
        assert json.loads(info["reference_settings"])["method"] == "GFN2-xTB"
        assert info["bec_convention"] == "pol_disp"
        expected = {"test": {"test"}, None: {"initial", "uncertain", "control"}}
        assert info["chosen"] in expected["test" if info["split"] == "test" else None]
        assert ("round" in info) == (info["split"] != "test")
    assert {f.info["source"] for f in found} <= {"clusters", "rattle", "dynamics"}
    assert {f.info["round"] for f in found if "round" in f.info} == {0, 1}
    assert {f.info["hash"] for f in found} == stored(finished_once).keys()


def test_rounds_keep_what_made_a_frame_chosen_and_what_calibrates(finished_once):
    opened = RunDirectory.open(finished_once)
    chosen = opened.round(1).read_selection()
    assert {item.why for item in chosen} == {"uncertain", "control"}
    for item in chosen:
        cause, atoms = item.cause, item.candidate.atoms
        assert cause["property"] in ("charges", "bec") and cause["spread"] > 0
        assert atoms.symbols[cause["atom"]] == cause["element"]
        spread = item.prediction.std[cause["property"]]
        assert np.argmax(spread) == cause["atom"]
    for place in ("rounds/00/members", "rounds/01/members", "committee"):
        assert (finished_once / place / "calibration.json").exists()
    # Two control labels claim nothing, and the report says so.
    assert "Does the error bar mean what it says?" in (
        finished_once / "report" / "report.md"
    ).read_text(encoding="utf-8")


def test_a_campaign_that_gains_no_more_ends(call, tmp_path):
    """Untrained committees do not gain; in the first two rounds none can know."""
    text = LEAN.replace("batch: 4, control: 0.5", "batch: 6, control: 1")
    text = text.replace("count: 5", "count: 9")
    facts = make(call, tmp_path, text.replace("rounds: 1", "rounds: 5, plateau: 1"))
    assert "error of control labels fell by no more than noise" in facts["stop_reason"]


def test_plain_ase_reads_the_labels_exactly(finished_once):
    labels = stored(finished_once)
    for frame in frames(finished_once):
        values = labels[frame.info["hash"]].values
        for name, value in values.items():
            prop = PROPERTIES[name]
            read = frame.arrays[prop.key] if prop.per_atom else frame.info[prop.key]
            np.testing.assert_array_equal(np.reshape(read, np.shape(value)), value)
        assert {"energy", "forces", "charges", "dipole", "bec"} <= values.keys()


def test_splits_share_no_configuration(finished_once):
    sides = {
        side: {frame.info["hash"] for frame in frames(finished_once, f"data.{side}.xyz")}
        for side in ("train", "valid", "test")
    }
    assert all(sides.values())
    together = {frame.info["hash"] for frame in frames(finished_once)}
    assert sum(map(len, sides.values())) == len(set().union(*sides.values())) == len(together)


def test_the_manifest_holds(finished_once):
    folder = finished_once / "dataset"
    manifest = json.loads((folder / "data.manifest.json").read_bytes())
    for name, entry in manifest["files"].items():
        assert entry == {"sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}, name
    assert manifest["counts"]["frames"] == len(frames(finished_once))
    assert {"activecharge", "torch", "tblite"} <= manifest["versions"].keys()


def test_its_words(finished_once):
    out = (finished_once.parent.parent / "out").read_text()
    assert "Stopped: round 1 was the last." in out
    for name in ("dataset/data.xyz", "committee", "report/report.html", "journal.jsonl"):
        assert name in out and (finished_once / name).exists()


def test_nothing_unfinished_is_left(finished_once):
    hidden = [p.name for p in finished_once.rglob(".*")]
    assert hidden == []


def test_the_committee_loads_from_the_run_directory(finished_once):
    committee = Committee.load(finished_once)
    assert len(committee.members) == 2
    [said] = committee.predict([frames(finished_once)[0]])
    assert set(said.mean) == {"energy", "forces", "charges", "dipole", "bec"}


def test_status(call, finished_once):
    code, out, _ = call("status", finished_once, "--json")
    facts = json.loads(out)
    assert (code, facts["state"], facts["rounds"]) == (0, "finished", 2)
    assert facts["stop_reason"] == "round 1 was the last"
    assert facts["labels"] + facts["test_labels"] == len(frames(finished_once))
    assert facts["pending"] == 0
    code, out, _ = call("status", finished_once)
    assert code == 0 and "tiny: finished (round 1 was the last)" in out


def test_export_gives_the_dataset(call, tmp_path, finished_once):
    code, out, _ = call("export", finished_once, "-o", "new/data.xyz")
    assert code == 0 and "new/data.train.xyz" in out
    assert tree(tmp_path / "new") == dataset(finished_once)


def test_report_writes_it_again(call, finished):
    before = (finished / "report" / "report.md").read_text()
    for path in (finished / "report").iterdir():
        path.unlink()
    code, out, _ = call("report", finished)
    assert code == 0 and "report.html" in out
    # The run directory, which the report names, is a copy elsewhere.
    assert len((finished / "report" / "report.md").read_text().splitlines()) == len(
        before.splitlines()
    )


def test_commands_on_a_campaign_that_has_just_begun(call, tmp_path, finished):
    for name in ("rounds", "dataset", "report", "committee", "test", "labels"):
        (finished / name).rename(tmp_path / name)
    (finished / "journal.jsonl").unlink()
    code, out, _ = call("status", finished, "--json")
    assert (code, json.loads(out)["state"]) == (0, "interrupted")
    assert call("export", finished, "-o", "x.xyz").err.endswith("run the campaign first.\n")
    assert call("report", finished).code == 0


# -- running again -----------------------------------------------------------------------


def test_a_finished_campaign_stays_as_it_is(call, finished, tiny):
    before = tree(finished)
    code, out, _ = call("run", tiny, "--run-dir", finished)
    assert code == 0 and "resumed" in out
    after = tree(finished)
    changed = {name for name in after if after[name] != before.get(name)}
    assert {name for name in changed if not name.startswith("report/")} == {
        "journal.jsonl",
        "run.lock",
    }
    assert after.keys() == before.keys()


def test_what_can_be_made_again_is(call, finished, tiny):
    """A kill may come between the removal of the old committee and the arrival of the new."""
    before = tree(finished)
    (finished / "committee").rename(finished / ".committee")
    (finished / "dataset" / "data.valid.xyz").unlink()
    (finished / "labels" / ".tmp-1234.extxyz").write_text("half a label")
    with (finished / "journal.jsonl").open("ab") as journal:
        journal.write('{"time": "2026", "event": "quarantined", "reason": "0.1 Å'.encode()[:-1])
    assert call("run", tiny, "--run-dir", finished).code == 0
    after = tree(finished)
    assert after.keys() == before.keys()
    for name in before:
        if name.startswith(("committee/", "dataset/", "labels/", "rounds/")):
            assert after[name] == before[name]


def test_more_rounds_go_on(call, finished, tiny):
    labels = tree(finished / "labels")
    tiny.write_text(TINY.replace("rounds: 1", "rounds: 2"))
    code, out, _ = call("run", tiny, "--run-dir", finished, "--json")
    facts = json.loads(out)
    assert (code, facts["rounds"], facts["stop_reason"]) == (0, 3, "round 2 was the last")
    after = tree(finished / "labels")
    assert {name: after[name] for name in labels} == labels
    assert len(after) + facts["quarantined"] > len(labels)


def test_other_settings_are_refused(call, finished, tiny):
    before = tree(finished)
    tiny.write_text(TINY.replace("channels: 2", "channels: 3").replace("seed: 1", "seed: 2"))
    code, _, err = call("run", tiny, "--run-dir", finished)
    assert code == 2 and "other settings (seed, model)" in err
    assert tree(finished) == before


def test_a_directory_in_use_is_refused(call, finished, tiny):
    (finished / "run.lock").write_text("process 4711 on elsewhere\n")
    before = tree(finished)
    with (finished / "run.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, _, err = call("run", tiny, "--run-dir", finished)
        assert code == 2 and "running here (process 4711 on elsewhere)" in err
        # The last event is still that of the run before.
        (finished / "journal.jsonl").unlink()
        assert json.loads(call("status", finished, "--json").out)["state"] == "running"
    before.pop("journal.jsonl")
    assert tree(finished) == before


@pytest.mark.parametrize(
    "content, words",
    [
        (lambda text: text[: len(text) // 2], "cut short"),
        (lambda text: "", "holds no frames"),
        (lambda text: text.replace("hash=", "hash=x"), "another configuration"),
    ],
)
def test_damaged_labels(call, finished, tiny, content, words):
    path = min((finished / "labels").iterdir())
    path.write_text(content(path.read_text()))
    code, _, err = call("run", tiny, "--run-dir", finished)
    assert code == 2 and err.count("\n") == 1
    assert str(path) in err and words in err and "delete" in err
    path.unlink()
    assert call("run", tiny, "--run-dir", finished).code == 0
    assert path.exists()


def test_a_damaged_member_is_trained_again(call, finished, tiny):
    """To the same bytes; the bad copy is kept, since somebody may want to know why."""
    before = tree(finished)
    member = finished / "rounds" / "01" / "members" / "member-01"
    weights = member / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    code, out, err = call("run", tiny, "--run-dir", finished)
    assert code == 0, err
    assert f"{member}: not as it was written; it is kept in" in out
    after = tree(finished)
    for name in before:
        if name.startswith(("committee/", "rounds/", "dataset/")):
            assert after[name] == before[name]
    assert {name for name in after if "damaged" in name} == {
        f"rounds/01/damaged/00-member-01/{name}"
        for name in ("model.json", "model.safetensors", "history.jsonl")
    }


def test_a_damaged_selection_is_told_with_a_way_out(call, finished, tiny):
    path = finished / "rounds" / "01" / "selection.extxyz"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    code, _, err = call("run", tiny, "--run-dir", finished)
    assert code == 2 and err.count("\n") == 1
    assert str(path) in err and "Or delete it to have the round chosen again" in err
    path.unlink()
    assert call("run", tiny, "--run-dir", finished).code == 0
    assert path.read_bytes() == whole


def test_a_damaged_campaign_file(call, finished, tiny):
    (finished / "campaign.yaml").write_text("name: [")
    for arguments in (("run", tiny, "--run-dir", finished), ("status", finished)):
        code, _, err = call(*arguments)
        assert code == 2 and "campaign.yaml: not valid YAML" in err


# -- when it stops -----------------------------------------------------------------------


@pytest.mark.parametrize("budget, rounds", [(4, 1), (9, 2)])
def test_the_label_budget_is_never_exceeded(call, tmp_path, budget, rounds):
    """Six initial configurations and four a round: the limit comes within each of them."""
    text = LEAN.replace("rounds: 1", f"rounds: 9, labels: {budget}")
    facts = make(call, tmp_path, text)
    assert facts["labels"] == budget
    assert facts["rounds"] == rounds
    assert facts["stop_reason"] == f"the budget of {budget} labels is spent"


def test_the_target_is_judged_by_control_labels(call, tmp_path):
    text = LEAN.replace("rounds: 1", "rounds: 9, target: {charges: 9.0, bec: 9.0}")
    facts = make(call, tmp_path, text)
    assert facts["rounds"] == 2
    assert facts["stop_reason"].startswith("the control labels met the target: charges ")


def test_no_more_candidates(call, tmp_path, finished_once):
    """Sources that bring what is known already; their paths count from the campaign's file."""
    ase.io.write(tmp_path / "pool.xyz", frames(finished_once)[:5])
    text = LEAN.split("initial:")[0] + (
        "initial: [{kind: file, path: pool.xyz}]\n"
        "explore: [{kind: file, path: pool.xyz}]\n"
        "executor: {kind: inline}\n"
    )
    facts = make(call, tmp_path, text)
    assert facts["labels"] == 5
    assert facts["stop_reason"] == "no candidate was worth a label"
