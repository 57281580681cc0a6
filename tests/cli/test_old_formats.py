"""What older versions of the program wrote, and what newer ones may write."""

import json
import shutil
from pathlib import Path

import ase.io
import pytest

pytestmark = pytest.mark.slow

WRITTEN_BY_0_1_0 = Path(__file__).parents[1] / "data" / "run-0.1.0"
"""A run directory of version 0.1.0: two rounds of single molecules, without its report."""


@pytest.fixture
def old(tmp_path):
    return Path(shutil.copytree(WRITTEN_BY_0_1_0, tmp_path / "old"))


def test_a_run_directory_of_0_1_0_can_be_looked_at(call, tmp_path, old):
    code, out, err = call("status", old, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["labels"], found["rounds"], found["state"]) == (5, 2, "finished")
    assert call("export", old, "-o", "data.xyz").code == 0
    assert (tmp_path / "data.xyz").read_bytes() == (old / "dataset" / "data.xyz").read_bytes()
    assert call("report", old).code == 0
    page = (old / "report" / "report.md").read_text(encoding="utf-8")
    assert "5 labels in 2 rounds" in page
    assert call("predict", old, "data.xyz", "-o", "said.xyz").code == 0
    assert len(ase.io.read(tmp_path / "said.xyz", index=":")) == 7
    code, out, _ = call("evaluate", old, "data.xyz", "--json")
    assert code == 0 and {"energy", "forces", "charges", "bec"} <= json.loads(out).keys()


def test_a_campaign_of_0_1_0_goes_on(call, old):
    """Its settings are kept as they are now, and what it had labelled is not labelled again."""
    before = {path.name: path.stat().st_mtime_ns for path in (old / "labels").iterdir()}
    text = (old / "campaign.yaml").read_text().replace("rounds: 1", "rounds: 2")
    file = old.parent / "campaign.yaml"
    file.write_text(text)
    code, _, err = call("run", file, "--run-dir", old)
    assert code == 0 and err.startswith(f"note: {file}: executor.schedule, executor.train_after")
    assert err.count("\n") == 1
    after = {path.name: path.stat().st_mtime_ns for path in (old / "labels").iterdir()}
    assert before.items() <= after.items()
    assert json.loads(call("status", old, "--json").out)["rounds"] == 3
    chosen = ase.io.read(old / "rounds" / "02" / "selection.extxyz", index=":")
    assert {frame.info["committee"] for frame in chosen} == {1}


@pytest.mark.parametrize("command", ["status", "export", "report"])
def test_a_run_directory_of_a_newer_version_is_refused(call, old, command):
    (old / "format.json").write_text('{"format_version": 99}')
    code, _, err = call(command, old)
    assert code == 2 and err.count("\n") == 1
    assert f"{old}: written by a newer activecharge (format version 99" in err
