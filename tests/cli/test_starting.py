"""`init` writes a campaign that validates; `run --dry-run` says what it costs."""

import json
import os
import pty
import subprocess
import sys

import pytest
import yaml

from activecharge.campaign.settings.reading import load_campaign


def test_by_default_clusters_are_labelled_by_tight_binding(call, tmp_path):
    code, out, err = call("init", "water.yaml", "--yes")
    assert (code, err) == (0, "") and "activecharge run water.yaml --dry-run" in out
    campaign = load_campaign(tmp_path / "water.yaml")
    assert (campaign.name, campaign.reference.kind) == ("water", "tblite")
    assert [source.kind for source in campaign.initial] == ["clusters"]
    text = (tmp_path / "water.yaml").read_text()
    code, out, err = call("init", "water.yaml", "--yes", "--system", "bulk")
    assert code == 2 and "stays as it is" in err
    assert (tmp_path / "water.yaml").read_text() == text


def test_bulk_gets_what_cells_need(call, tmp_path):
    assert call("init", "bulk.yaml", "--yes", "--system", "both").code == 0
    campaign = load_campaign(tmp_path / "bulk.yaml")
    assert campaign.reference.periodic_bec and campaign.reference.method == "GFN1-xTB"
    assert [source.kind for source in campaign.initial] == ["clusters", "boxes"]
    code, _, err = call("init", "x.yaml", "--yes", "--system", "bulk", "--reference", "pyscf")
    assert code == 2 and "labels free clusters only" in err
    assert not (tmp_path / "x.yaml").exists()


def test_files_that_people_have(call, tmp_path, finished_once):
    data = finished_once / "dataset" / "data.xyz"
    assert call("init", "data.yaml", "--yes", "--labelled", data).code == 0
    campaign = load_campaign(tmp_path / "data.yaml")
    assert campaign.reference.kind == "recorded" and campaign.reference.file == data
    assert [source.kind for source in campaign.explore] == ["file"]
    assert call("init", "frames.yaml", "--yes", "--frames", data).code == 0
    sources = load_campaign(tmp_path / "frames.yaml").explore
    assert [source.kind for source in sources] == ["file", "rattle", "dynamics"]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("--system", "gas"), "expected clusters, bulk or both"),
        (("--frames", "a", "--labelled", "b"), "give one of them"),
        (("--frames", "none.xyz"), "none.xyz"),
        (("--reference", "guess"), "known kinds: tblite"),
        (("--name", "a/b"), "name: string should match"),
    ],
)
def test_what_cannot_be(call, tmp_path, arguments, words):
    code, _, err = call("init", "x.yaml", "--yes", *arguments)
    assert code == 2 and words in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_questions_on_a_terminal(tmp_path):
    """Answered through a real one: nothing at hand, bulk, and a reference given by a flag."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "activecharge", "init", "asked.yaml", "--reference", "tblite"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdin=slave, stdout=slave, stderr=slave, env=os.environ
    )
    os.close(slave)
    os.write(master, b"sand\nno\nbulk\n")
    said = b""
    while b"next: " not in said and process.poll() is None:
        said += os.read(master, 4096)
    assert process.wait() == 0
    os.close(master)
    assert b"What do you have" in said and b"please say one of" in said
    assert load_campaign(tmp_path / "asked.yaml").initial[0].kind == "boxes"


def test_validate_prints_what_differs_and_all(call, tmp_path, tiny):
    little, everything = call("validate", tiny).out, call("validate", tiny, "--all").out
    assert "learning_rate" not in little and "learning_rate" in everything
    assert yaml.safe_load(little)["training"]["steps"] == 6
    assert "seed" in yaml.safe_load(little) and "gates" not in yaml.safe_load(little)


def test_a_dry_run_estimates_and_writes_nothing(call, tmp_path, tiny, finished):
    before = sorted(tmp_path.rglob("*"))
    code, out, err = call("run", tiny, "--dry-run", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["test"], found["initial"], found["later"], found["rounds"]) == (3, 6, 4, 1)
    assert 0 < found["label_hours"] < 1 and 0 < found["training_hours"] < 1
    assert 0.01 < found["label_memory"] < 10 and 0.1 < found["training_memory"] < 20
    assert found["label_from"].startswith("timed here") and found["other_hours"] is None
    code, out, _ = call("run", tiny, "--dry-run", "--run-dir", finished)
    assert code == 0 and "13 of an earlier run" in out and "by an earlier run" in out
    assert sorted(tmp_path.rglob("*")) == before
