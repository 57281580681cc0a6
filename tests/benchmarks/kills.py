"""Kill campaigns on Ray at random moments, 20 for each schedule, and see that nothing is lost.

Run `python tests/benchmarks/kills.py`. After each kill the same command goes on at once, while
Ray's processes may still be ending. A campaign that gets to its end before it is killed is
checked, and another one begins.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
from cli_cases import TINY, dataset, tree

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop.state import CampaignState

INLINE, RAY = "{kind: inline}", "{{kind: ray, cpus: 2}}\nschedule: {{kind: {}}}"


def main() -> None:
    """Kill, go on and check, until so many processes were killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--schedules", nargs="+", default=["batch", "streaming"])
    given = parser.parse_args()
    rng = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "inline.yaml").write_text(TINY)
        assert start(home / "inline.yaml", home / "undisturbed").wait() == 0
        for schedule in given.schedules:
            file = home / f"{schedule}.yaml"
            file.write_text(TINY.replace(INLINE, RAY.format(schedule)))
            begun = time.monotonic()
            assert start(file, home / schedule).wait() == 0
            duration = time.monotonic() - begun
            delays = [rng.uniform(0, duration) for _ in range(given.kills)]
            campaigns = kill_all(file, delays, home / "undisturbed")
            print(
                f"{schedule}: {given.kills} kills, {campaigns} campaign(s) that take "
                f"{duration:.0f} s if left alone: no label lost or made twice, all complete"
            )


def kill_all(file: Path, delays: list[float], undisturbed: Path) -> int:
    """Kill a process after each delay; returns how many campaigns that took."""
    number, waiting = 0, list(delays)
    while waiting:
        run, labels, moments = file.with_name(f"{file.stem}-{number}"), {}, []
        while True:
            process = start(file, run)
            begun = time.monotonic()
            while waiting and process.poll() is None and time.monotonic() - begun < waiting[0]:
                time.sleep(0.002)
            if waiting and process.poll() is None:
                process.send_signal(signal.SIGKILL)
                moments.append(f"{waiting.pop(0):.1f}")
            code = process.wait()
            now = identities(run)
            assert labels.items() <= now.items(), "a finished label was lost or made again"
            labels = now
            if code != -signal.SIGKILL:
                assert code == 0, code
                break
        check(run, undisturbed, file.stem == "batch")
        print(f"  {run.name}: killed after {', '.join(moments) or 'nothing'} s", flush=True)
        number += 1
    return number


def check(run: Path, undisturbed: Path, is_batch: bool) -> None:
    """See that a campaign has all that it should have, and `batch` what the other one has."""
    opened = RunDirectory.open(run)
    chosen = [row.label.candidate.hash for row in CampaignState(opened).rows()]
    assert len(set(chosen)) == len(chosen) == 6 + 4 * (opened.rounds() > 1)
    labelled = [e["hash"] for e in opened.journal.events() if e["event"] == "labelled"]
    assert len(set(labelled)) == len(labelled), "a label was taken in twice"
    lines = (run / "journal.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["event"] == "stopped"
    assert not list(run.rglob(".*")) and not (run / "quarantine").exists()
    if is_batch:
        assert dataset(run) == dataset(undisturbed)
        for folder in ("labels", "committee"):
            assert tree(run / folder) == tree(undisturbed / folder)


def identities(run: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of each finished label: a label that is made again has others."""
    paths = [path for path in run.glob("labels/*.extxyz") if not path.name.startswith(".")]
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}


def start(file: Path, run: Path) -> subprocess.Popen:
    """Run a campaign as a process of its own."""
    command = [sys.executable, "-m", "activecharge", "run", str(file), "--run-dir", str(run)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)


if __name__ == "__main__":
    main()
