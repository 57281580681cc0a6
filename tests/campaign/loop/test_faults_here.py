"""What one machine does to a campaign: a lock left over, a disk that is full."""

import json
import os
import subprocess
import sys

import pytest
from fault_cases import check_equal

from activecharge.campaign.disk.run_directory import RunDirectory

pytestmark = pytest.mark.slow


def test_a_lock_of_a_process_that_is_no_more(tmp_path, campaign):
    campaign = campaign()
    with RunDirectory.writing(tmp_path / "run", campaign):
        pass
    lock = tmp_path / "run" / "run.lock"
    holder = (
        "import fcntl, time\n"
        f"lock = open({str(lock)!r}, 'a+')\n"
        "fcntl.flock(lock, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\n"
        "time.sleep(1000)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", holder], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    assert RunDirectory.open(tmp_path / "run").in_use()
    process.kill()
    process.communicate()
    assert lock.exists()
    with RunDirectory.writing(tmp_path / "run", campaign) as run:
        assert run.in_use()


FULL = """\
set -e
mount -t tmpfs -o size=56k none {disk}
! {python} -m activecharge run {file} --run-dir {disk}/run > {out} 2>&1
mount -o remount,size=64m {disk}
{python} -m activecharge run {file} --run-dir {disk}/run >> {out} 2>&1
cp -r {disk}/run {kept}
"""


def test_a_full_disk(tmp_path):
    """The campaign ends with a sentence, and goes on once there is room, as if nothing was."""
    text = (
        "seed: 1\nmodel: {channels: 2, correlation: 1, radial: 4}\n"
        "training: {members: 2, steps: 2, evaluate_every: 2}\n"
        "initial: [{kind: clusters, molecules: [1, 2], count: 8}]\n"
        "stop: {rounds: 0}\nexecutor: {kind: inline}\n"
    )
    file, disk, kept = tmp_path / "campaign.yaml", tmp_path / "disk", tmp_path / "kept"
    file.write_text(text)
    disk.mkdir()
    script = FULL.format(
        python=sys.executable, file=file, disk=disk, kept=kept, out=tmp_path / "out"
    )
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("no mounts are allowed here")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    undisturbed = tmp_path / "undisturbed"
    command = [sys.executable, "-m", "activecharge", "run", str(file), "--run-dir"]
    other = subprocess.Popen(
        [*command, str(undisturbed)], env=environment, stdout=subprocess.DEVNULL
    )
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], env=environment)
    said = (tmp_path / "out").read_text()
    assert done.returncode == 0, said
    assert "No space left on device; see that there is room" in said
    assert not (kept / "quarantine").exists()
    assert other.wait() == 0
    check_equal(kept, undisturbed)
    events = [json.loads(line) for line in (kept / "journal.jsonl").read_text().splitlines()]
    assert events[-1]["event"] == "stopped"
