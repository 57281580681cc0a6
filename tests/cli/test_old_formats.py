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


def test_committees_and_datasets_say_how_old_they_are(call, finished_once):
    """Those of a campaign carry the version of today, the fixture's none at all."""
    for folder in ("committee", "rounds/01/members"):
        written = json.loads((finished_once / folder / "committee.json").read_bytes())
        assert written == {"format_version": 1}
        assert not (WRITTEN_BY_0_1_0 / folder / "committee.json").exists()
    manifest = "dataset/data.manifest.json"
    assert json.loads((finished_once / manifest).read_bytes())["format_version"] == 1
    assert "format_version" not in json.loads((WRITTEN_BY_0_1_0 / manifest).read_bytes())


def test_a_committee_or_dataset_of_a_newer_version_is_refused(call, old, tmp_path):
    """In one sentence, by all who would read it; before that, what is written is whole."""
    committee, data = old / "committee", old / "dataset" / "data.train.xyz"
    manifest = old / "dataset" / "data.manifest.json"
    before = {path: path.read_text() for path in (manifest,)}
    cases = [
        (committee / "committee.json", committee, ["predict", committee, data, "-o", "out.xyz"]),
        (committee / "committee.json", committee, ["evaluate", old, data]),
        (manifest, manifest, ["predict", committee, data, "-o", "out.xyz"]),
        (manifest, manifest, ["evaluate", committee, data]),
        (manifest, manifest, ["train", data, "-o", "new"]),
        (manifest, manifest, ["label", data, "-o", "out.xyz"]),
        (manifest, manifest, ["select", committee, data, "-o", "out.xyz"]),
    ]
    for file, where, command in cases:
        content = json.loads(before.get(file, "{}"))
        file.write_text(json.dumps(content | {"format_version": 7}))
        code, out, err = call(*command)
        assert (code, out) == (2, ""), command
        assert err == (
            f"error: {where}: written by a newer activecharge (format version 7, this one reads "
            "up to 1); update activecharge\n"
        )
        file.write_text(before.get(file, '{"format_version": 1}'))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["old"]
    assert call("evaluate", committee, data).code == 0, "what is of today is read"


def test_what_is_not_a_version_is_refused_too(call, old):
    file = old / "committee" / "committee.json"
    for text, words in (("{", "not valid JSON; delete it"), ('{"format_version": "x"}', "newer")):
        file.write_text(text)
        code, _, err = call("evaluate", old, old / "dataset" / "data.xyz")
        assert code == 2 and err.count("\n") == 1 and words in err
