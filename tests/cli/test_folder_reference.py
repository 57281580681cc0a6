"""Labels that somebody else makes: run asks, waits for nobody, and goes on with what is there."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import ase.io
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from cli_cases import TINY, dataset

from activecharge.campaign.settings.arguments import parse_reference
from activecharge.campaign.standalone.label_frames import label

ROOT = Path(__file__).parents[2]
CAMPAIGN = TINY + "reference: {kind: folder, path: asked}\n"
LABELLER = """
import sys
from activecharge.campaign.standalone.label_frames import label
label("input.extxyz", "output.extxyz")
"""


@pytest.fixture
def asked(tmp_path) -> Path:
    (tmp_path / "mine.yaml").write_text(CAMPAIGN)
    return tmp_path / "asked"


def todo(asked: Path) -> list[str]:
    return (asked / "todo.txt").read_text().split()


def fill_in(asked: Path, names: list[str]) -> None:
    """Label by tight binding, as a job outside would."""
    for name in names:
        label(asked / name / "input.extxyz", asked / name / "output.extxyz")


def test_a_whole_campaign_in_three_calls(call, asked, tmp_path):
    code, _, err = call("run", "mine.yaml")
    assert code == 3
    assert err.endswith(
        f"waiting: 9 outputs are missing in {asked}, those listed in todo.txt; fill them in and "
        "give the same command again\n"
    )
    names = todo(asked)
    assert len(names) == 9 and {path.name for path in asked.iterdir()} == {*names, "todo.txt"}
    fill_in(asked, names[:5])
    (asked / names[5] / "output.extxyz").write_text("3\nhalf a fra")
    code, _, err = call("run", "mine.yaml")
    assert code == 3 and "4 outputs are missing" in err and "not a complete extxyz frame" in err
    assert todo(asked) == names[5:]
    fill_in(asked, names[5:8])
    (asked / names[8] / "failed.txt").write_text("did not converge\nmore")
    assert call("run", "mine.yaml").code == 3
    again = todo(asked)
    assert len(again) == 4 and not set(again) & set(names)
    quarantined = list((tmp_path / "runs/tiny/quarantine").glob("*.extxyz"))
    assert [path.stem for path in quarantined] == [names[8]]
    assert "did not converge" in quarantined[0].read_text()
    fill_in(asked, again)
    code, out, _ = call("run", "mine.yaml")
    assert code == 0 and "Stopped: round 1 was the last" in out


def test_gates_hold_here_too(call, asked, tmp_path):
    call("run", "mine.yaml")
    fill_in(asked, todo(asked))
    name = todo(asked)[0]
    path = asked / name / "output.extxyz"
    frame = ase.io.read(path)
    frame.arrays["REF_forces"][0, 0] += 1.0
    ase.io.write(path, frame, format="extxyz")
    call("run", "mine.yaml")
    assert "net force" in (tmp_path / f"runs/tiny/quarantine/{name}.extxyz").read_text()


def test_a_kill_loses_nothing(start, call, asked, tmp_path):
    """The dataset is that of a run that nobody disturbed."""
    call("run", "mine.yaml")
    fill_in(asked, todo(asked))
    call("run", "mine.yaml", "--run-dir", "calm")
    process = start("run", "mine.yaml", cwd=tmp_path)
    while process.poll() is None and len(list((tmp_path / "runs/tiny/labels").glob("*"))) < 3:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert call("run", "mine.yaml").code == 3
    fill_in(asked, todo(asked))
    assert call("run", "mine.yaml", "--run-dir", "calm").code == 0
    assert call("run", "mine.yaml").code == 0
    assert dataset(tmp_path / "runs/tiny") == dataset(tmp_path / "calm")


def test_the_script_for_slurm_arrays(call, asked, tmp_path):
    call("run", "mine.yaml")
    names = todo(asked)
    script = str(ROOT / "campaigns/slurm/labels.sh")

    def task(number: int, *program: str) -> None:
        environment = os.environ | {"SLURM_ARRAY_TASK_ID": str(number)}
        subprocess.run(["bash", script, asked, *program], env=environment, check=True)

    task(1, sys.executable, "-c", LABELLER)
    task(2, "false")
    task(1, "false")  # done already
    assert ase.io.read(asked / names[0] / "output.extxyz").info["REF_energy"] < 0
    assert "false ended with exit code 1" in (asked / names[1] / "failed.txt").read_text()
    code, _, err = call("run", "mine.yaml")
    assert code == 3 and "7 outputs are missing" in err


def test_other_formats_and_label_by_itself(call, tmp_path, finished_once):
    data = ase.io.read(finished_once / "dataset/data.xyz", index=0)
    bare = ase.Atoms(data.numbers, data.positions)
    ase.io.write(tmp_path / "frames.xyz", bare, format="extxyz")
    arguments = ("label", "frames.xyz", "-o", "out.xyz", "--reference", "folder")
    arguments += ("--set", f"path={tmp_path / 'asked'}")
    code, _, err = call(*arguments)
    assert code == 3 and "1 outputs are missing" in err
    [name] = todo(tmp_path / "asked")
    home = tmp_path / "asked" / name
    asked = ase.io.read(home / "input.extxyz")
    asked.calc = SinglePointCalculator(
        asked, energy=data.info["REF_energy"], forces=data.arrays["REF_forces"]
    )
    ase.io.write(home / "output.traj", asked)
    assert call(*arguments).code == 0
    made = ase.io.read(tmp_path / "out.xyz")
    assert made.info["REF_energy"] == pytest.approx(data.info["REF_energy"], abs=1e-8)


def test_settings(tmp_path):
    options = parse_reference("folder", None, [f"path={tmp_path}"])
    assert options.path == tmp_path and options.retries == 0
