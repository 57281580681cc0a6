"""The run directory: what it keeps, who may write, and what it makes of damaged files."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from activecharge.campaign.disk.label_store import LabelStore
from activecharge.campaign.disk.round_folder import RoundFolder
from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.errors import UserError
from activecharge.records import Choice, Failure, Prediction
from activecharge.report.metrics import Deviations, PropertyErrors


@pytest.fixture
def said():
    """A prediction with numbers that text does not hold exactly."""
    values = {"energy": np.array(-1 / 3), "charges": np.array([-0.5, 0.25, 0.25])}
    return Prediction(values, {"energy": np.array(0.1), "charges": np.full(3, 1e-3)}, np.ones(2))


# -- labels ------------------------------------------------------------------------------


def test_labels_and_failures_come_back(tmp_path, candidates, label):
    store = LabelStore(tmp_path)
    first, second, third = candidates(3)
    store.put(label(first))
    store.put(Failure(second, 'it said "no" to 30 eV/Å'))
    back = store.get(first.hash)
    assert back.candidate.origin == {"index": 0}
    np.testing.assert_array_equal(back.values["charges"], [-0.5, 0.25, 0.25])
    assert store.get(second.hash).reason == 'it said "no" to 30 eV/Å'
    assert store.get(third.hash) is None


def test_putting_a_label_again_changes_no_byte(tmp_path, candidates, label):
    store, [candidate] = LabelStore(tmp_path), candidates(1)
    store.put(label(candidate))
    [path] = store.labels.iterdir()
    before = path.read_bytes()
    store.put(label(candidate))
    assert [p.read_bytes() for p in store.labels.iterdir()] == [before]


@pytest.mark.parametrize("kind", ["labels", "quarantine"])
@pytest.mark.parametrize("content", [b"", b"3\n", b"\xff\xfe", b"garbage\n", None])
def test_a_damaged_or_foreign_file_is_named(tmp_path, candidates, label, kind, content):
    store, (first, second) = LabelStore(tmp_path), candidates(2)
    make = label if kind == "labels" else lambda candidate: Failure(candidate, "no")
    store.put(make(first))
    path = tmp_path / kind / f"{second.hash}.extxyz"
    path.write_bytes((path.parent / f"{first.hash}.extxyz").read_bytes())
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"(?i)delete") as caught:
        store.get(second.hash)
    assert str(path) in str(caught.value)


# -- rounds ------------------------------------------------------------------------------


def test_a_selection_comes_back(tmp_path, candidates, said):
    folder, (first, second) = RoundFolder(tmp_path / "00"), candidates(2)
    assert folder.read_selection() == []
    chosen = [
        Choice(first, "uncertain", said, 1 / 3, {"charges": 0.1, "bec": 1 / 7}),
        Choice(second, "initial"),
    ]
    folder.write_selection(chosen)
    back = folder.read_selection()
    assert [item.why for item in back] == ["uncertain", "initial"]
    assert [item.candidate.hash for item in back] == [first.hash, second.hash]
    assert (back[0].score, back[0].worst) == (1 / 3, {"charges": 0.1, "bec": 1 / 7})
    assert back[0].prediction.mean["energy"] == -1 / 3
    assert (back[1].prediction, back[1].score, back[1].worst) == (None, None, {})


def test_nothing_selected_is_a_selection(tmp_path):
    folder = RoundFolder(tmp_path / "00")
    folder.write_selection([])
    assert folder.selection.exists() and folder.read_selection() == []


def test_errors_that_are_not_finite(tmp_path):
    """JSON has no word for them, and other programs read these files."""
    folder = RoundFolder(tmp_path)
    good = PropertyErrors(0.5, 1.0, 3, 0.9, "e", {"O": Deviations(0.5, 1.0, 3)})
    found = {"bec": PropertyErrors(math.nan, math.inf, 9, None, "e"), "charges": good}
    folder.write_test_errors(found)

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    json.loads(folder.test_errors.read_text(), parse_constant=refuse)
    back = folder.read_test_errors()
    assert math.isnan(back["bec"].mae) and math.isnan(back["bec"].rmse)
    assert back["bec"].r2 is None
    assert back["charges"] == good


@pytest.mark.parametrize("text", ["{", "[1]", '{"bec": 3}', '{"bec": {"mae": 1.0}}'])
def test_damaged_files_of_numbers_are_named(tmp_path, text):
    folder = RoundFolder(tmp_path)
    folder.test_errors.write_text(text)
    with pytest.raises(UserError, match=r"test_errors\.json: not as it was written; delete it"):
        folder.read_test_errors()
    folder.sources.write_text(text)
    with pytest.raises(UserError, match=r"sources\.json: not as it was written; delete it"):
        folder.read_sources()


# -- the directory -----------------------------------------------------------------------


def test_one_writer_at_a_time(tmp_path, campaign):
    campaign = campaign()
    with RunDirectory.writing(tmp_path / "run", campaign) as run:
        assert run.in_use()
        with (
            pytest.raises(UserError, match=r"a campaign is running here \(process \d+ on"),
            RunDirectory.writing(tmp_path / "run", campaign),
        ):
            pass
    assert not run.in_use()
    with RunDirectory.writing(tmp_path / "run", campaign):
        pass


def test_a_glance_does_not_keep_a_writer_out(tmp_path, campaign):
    """`status` takes the lock for a moment to see whether it is free."""
    campaign = campaign()
    with RunDirectory.writing(tmp_path / "run", campaign):
        pass
    glance = (
        "import fcntl, sys, time\n"
        f"lock = open({str(tmp_path / 'run' / 'run.lock')!r})\n"
        "fcntl.flock(lock, fcntl.LOCK_SH)\n"
        "print('there', flush=True)\n"
        "time.sleep(0.1)\n"
    )
    with subprocess.Popen([sys.executable, "-c", glance], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        with RunDirectory.writing(tmp_path / "run", campaign) as run:
            assert run.in_use()


def test_a_resumed_campaign_may_change_when_it_stops_and_where_it_runs(tmp_path, campaign):
    path = tmp_path / "run"
    with RunDirectory.writing(path, campaign()):
        pass
    with RunDirectory.writing(path, campaign("stop: {rounds: 9}\nexecutor: {kind: inline}")):
        pass
    assert RunDirectory.open(path).campaign.stop.rounds == 9
    for text, key in (("seed: 3", "seed"), ("gates: {max_force: 50}", "gates")):
        with (
            pytest.raises(UserError, match=rf"other settings \({key}\)"),
            RunDirectory.writing(path, campaign(text)),
        ):
            pass
    assert RunDirectory.open(path).campaign.stop.rounds == 9


def test_what_a_killed_process_was_writing_is_cleared_away(tmp_path, campaign):
    path = tmp_path / "run"
    for name in ("labels", "rounds/00"):
        (path / name).mkdir(parents=True)
        (path / name / ".tmp-abc.extxyz").write_text("half")
    with RunDirectory.writing(path, campaign()):
        assert not list(path.rglob(".tmp-*"))


def test_looking_at_something_else(tmp_path):
    with pytest.raises(UserError, match="not a run directory"):
        RunDirectory.open(tmp_path)
