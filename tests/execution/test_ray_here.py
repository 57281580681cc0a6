"""Ray on machines whose surroundings are in its way."""

import os
import subprocess
import sys
from pathlib import Path

import executor_work
import pytest

from activecharge.errors import UserError
from activecharge.execution import ray_here

pytestmark = pytest.mark.ray

PATH = os.pathsep.join(
    [str(Path(executor_work.__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
)

START = """\
from activecharge.execution.groups import all_values
from activecharge.execution.opening import Workplace, open_executor
from activecharge.execution.resources import Slot
from activecharge.execution.tasks import WorkGroup
import executor_work

with open_executor(Workplace("ray", cpus=1)) as executor:
    print(all_values(executor, WorkGroup(executor_work.add, [1, 2], Slot(), 40), "add"))
    folder = executor._connection.folder.path
print(len(str(folder)) <= 32, folder.exists())
"""


def start(*before: str, **environment: str) -> subprocess.CompletedProcess:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("RAY_")}
    return subprocess.run(
        [*before, sys.executable, "-c", START],
        env=kept | {"PYTHONPATH": PATH, "OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
    )


def check(done: subprocess.CompletedProcess) -> None:
    assert done.stdout.splitlines() == ["[41, 42]", "True False"], done.stderr
    assert done.returncode == 0


def test_what_the_environment_says(tmp_path):
    """As a queue sets it, and as somebody else's Ray does; few open files, no home directory."""
    deep = tmp_path / "with space" / "and-ü" / ("x" * 100)
    deep.mkdir(parents=True)
    limited = ("bash", "-c", 'ulimit -Sn 256; exec "$0" "$@"')
    others = {"RAY_ADDRESS": "10.9.8.7:6379", "RAY_TMPDIR": str(deep), "HOME": "/nowhere"}
    check(start(*limited, TMPDIR=str(deep), **others))


def test_what_the_machine_is_like(tmp_path):
    """Little shared memory, no name for the loopback address, a user that nobody knows."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("no mounts are allowed here")
    (tmp_path / "hosts").touch()
    (tmp_path / "passwd").touch()
    (tmp_path / "nsswitch").write_text("hosts: files\npasswd: files\n")
    script = (
        f"cd {tmp_path} && mount --bind hosts /etc/hosts && mount --bind passwd /etc/passwd && "
        "mount --bind nsswitch /etc/nsswitch.conf && "
        'mount -t tmpfs -o size=20m none /dev/shm && exec "$0" "$@"'
    )
    check(start("unshare", "-rm", "sh", "-c", script))


def test_a_short_folder_is_chosen(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("x" * 100)))
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    folder = ray_here._make_folder()
    try:
        assert folder.path.parent == Path("/tmp")
    finally:
        folder.remove()


def test_where_there_is_no_place_at_all(monkeypatch):
    monkeypatch.setattr(ray_here, "_homes", lambda: iter(()))
    with pytest.raises(UserError, match=r"needs a folder .* at most 32 plain letters; set TMPDIR"):
        ray_here._make_folder()


def test_a_ray_that_does_not_start_is_tried_twice(monkeypatch):
    import ray

    tried = []

    def fail(**options):
        tried.append(options["_temp_dir"])
        raise Exception("The current node timed out during startup.\nIts log follows.")

    monkeypatch.setattr(ray, "init", fail)
    with pytest.raises(UserError, match=r"Ray did not start .*timed out during startup\.\); run"):
        ray_here.start_here(1)
    assert len(set(tried)) == 2 and not any(Path(path).exists() for path in tried)
