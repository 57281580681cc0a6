"""Campaigns that are killed and go on: the dataset is that of an undisturbed run, to the byte."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_cases import dataset, tree

pytestmark = pytest.mark.slow

MOMENTS = {
    "holdout": lambda run: count(run, "labels/*.extxyz") >= 1,
    "begin": lambda run: exists(run, "rounds/00/selection.extxyz"),
    "label": lambda run: count(run, "labels/*.extxyz") >= 6,
    "commit": lambda run: exists(run, "dataset/data.xyz"),
    "train": lambda run: exists(run, "rounds/00/members/member-00/model.json"),
    "test": lambda run: exists(run, "rounds/00/test_predictions.extxyz"),
    "report": lambda run: exists(run, "report/learning_curve.png"),
    "explore": lambda run: exists(run, "rounds/01/candidates.extxyz"),
    "select": lambda run: exists(run, "rounds/01/selection.extxyz"),
    "train again": lambda run: exists(run, "rounds/01/members/member-00/model.json"),
}
"""What is seen on disk as each stage is under way, or has just ended."""


def exists(run: Path, name: str) -> bool:
    return (run / name).exists()


def count(run: Path, pattern: str) -> int:
    return sum(not path.name.startswith(".") for path in run.glob(pattern))


def identities(run: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of each finished label: a label that is made again has others."""
    found = {}
    for path in run.glob("labels/*.extxyz"):
        if not path.name.startswith("."):
            status = path.stat()
            found[path.name] = (status.st_ino, status.st_mtime_ns)
    return found


def kill_when(process, moment: Callable[[], bool]) -> bool:
    """Kill a process with all its group at a moment; whether it was still alive then."""
    while process.poll() is None:
        if moment():
            os.killpg(process.pid, signal.SIGKILL)
            break
        time.sleep(0.002)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def go_on_to_the_end(start, tmp_path: Path, run: Path) -> None:
    process = start("run", "tiny.yaml", "--run-dir", run, cwd=tmp_path)
    _, err = process.communicate()
    assert process.returncode == 0, err


def check_nothing_is_left(run: Path, undisturbed: Path) -> None:
    assert dataset(run) == dataset(undisturbed)
    assert tree(run / "labels") == tree(undisturbed / "labels")
    assert tree(run / "committee") == tree(undisturbed / "committee")
    assert [path.name for path in run.rglob(".*")] == []


def test_killed_at_every_stage(fork, tmp_path, tiny, finished_once):
    run, labels = tmp_path / "run", {}
    for name, moment in MOMENTS.items():
        if moment(run):  # the stage before got this far
            continue
        process = fork("run", tiny, "--run-dir", run, cwd=tmp_path)
        assert kill_when(process, lambda moment=moment: moment(run)), f"ended before {name}"
        now = identities(run)
        assert labels.items() <= now.items(), f"{name}: a finished label was lost or made again"
        labels = now
    go_on_to_the_end(fork, tmp_path, run)
    assert labels.items() <= identities(run).items()
    check_nothing_is_left(run, finished_once)


def test_killed_at_random(start, fork, tmp_path, tiny, finished_once):
    run, labels = tmp_path / "run", {}
    # An undisturbed run takes some five seconds but for its imports.
    for delay in random.Random(1).sample([0.5 * step for step in range(1, 10)], 3):
        process = fork("run", tiny, "--run-dir", run, cwd=tmp_path)
        end = time.monotonic() + delay
        kill_when(process, lambda end=end: time.monotonic() > end)
        now = identities(run)
        assert labels.items() <= now.items()
        labels = now
    go_on_to_the_end(start, tmp_path, run)
    assert labels.items() <= identities(run).items()
    check_nothing_is_left(run, finished_once)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop(start, tmp_path, tiny, number):
    process = start("run", tiny, "--run-dir", "run", cwd=tmp_path)
    while not exists(tmp_path, "run/journal.jsonl"):
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate()
    assert process.returncode == 130
    assert err == "stopped; give the same command again to go on\n"
    assert not (tmp_path / "run" / "quarantine").exists()


def test_labels_of_a_killed_labelling_are_kept(start, call, tmp_path, finished_once):
    """Whoever labels a file goes on where a kill came between, unless the settings changed."""
    frames = finished_once / "dataset" / "data.xyz"
    process = start("label", frames, "-o", "out.xyz", cwd=tmp_path)

    def kept():
        return identities(next(tmp_path.glob("out.xyz.parts/*"), tmp_path))

    assert kill_when(process, lambda: len(kept()) >= 3)
    [parts] = tmp_path.glob("out.xyz.parts/*")
    before = kept()
    # Only if finished labels are read again can a damaged one be noticed.
    damaged = parts / "labels" / min(before)
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:100])
    code, _, err = call("label", frames, "-o", "out.xyz")
    assert code == 2 and str(damaged.relative_to(tmp_path)) in err
    damaged.write_bytes(whole)
    code, out, _ = call("label", frames, "-o", "out.xyz")
    total = len(list((finished_once / "labels").iterdir()))
    assert (code, out) == (0, f"out.xyz: {total} labels, 0 configurations without\n")
    assert not list(tmp_path.glob("*.parts"))


def test_labels_of_other_settings_are_not_taken(call, tmp_path, finished_once):
    frames = finished_once / "dataset" / "data.valid.xyz"
    config = tmp_path / "config.yaml"
    config.write_text(
        "reference: {kind: command, command: [no-such-program]}\ninitial: [{kind: clusters}]\n"
    )
    assert call("label", frames, "-o", "out.xyz").code == 0
    first = (tmp_path / "out.xyz").read_bytes()
    code, _, err = call("label", frames, "-o", "out.xyz", "--config", config)
    assert code == 2 and "no-such-program" in err
    assert (tmp_path / "out.xyz").read_bytes() == first
    assert call("label", frames, "-o", "other.xyz", "--method", "GFN1-xTB").code == 0
    assert (tmp_path / "other.xyz").read_bytes() != first
