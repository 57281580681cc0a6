"""The default executor: the same dataset as inline, and nothing left behind when it is stopped."""

import os
import signal
import time
import uuid
from pathlib import Path

import pytest
from cli_cases import dataset

pytestmark = pytest.mark.slow


def alive(mark: str) -> list[str]:
    """Command lines of the processes that inherited a mark."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            marked = mark.encode() in (process / "environ").read_bytes()
            command = (process / "cmdline").read_bytes()
        except OSError:  # it ended in between
            continue
        if marked and command:  # a zombie has no command line
            found.append(command.replace(b"\0", b" ").decode())
    return found


def wait_until(condition) -> None:
    while not condition():
        time.sleep(0.01)


@pytest.mark.ray
def test_stopped_twice_killed_once_and_the_same_dataset(start, tmp_path, tiny, finished_once):
    """Stopped as a terminal does it, to the whole group; as a queue does it, to one process."""
    tiny.write_text(tiny.read_text().replace("{kind: inline}", "{kind: ray, cpus: 2}"))
    run, mark = tmp_path / "run", uuid.uuid4().hex

    def go():
        return start("run", tiny, "--run-dir", run, cwd=tmp_path, ACTIVECHARGE_TEST=mark)

    def stopped_cleanly(process) -> None:
        _, err = process.communicate()
        assert process.returncode == 130, err
        assert err == "stopped; give the same command again to go on\n"
        wait_until(lambda: not alive(mark))
        assert not (run / "quarantine").exists()

    process = go()
    wait_until((run / "labels").exists)
    os.killpg(process.pid, signal.SIGINT)
    stopped_cleanly(process)

    process = go()
    wait_until((run / "rounds" / "00" / "members").exists)
    process.send_signal(signal.SIGTERM)
    stopped_cleanly(process)

    process = go()
    wait_until((run / "rounds" / "00" / "members" / "member-00" / "model.json").exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    wait_until(lambda: not alive(mark))

    process = go()
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert "Stopped: round 1 was the last." in out
    assert dataset(run) == dataset(finished_once)
    wait_until(lambda: not alive(mark))
