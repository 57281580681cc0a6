"""Scratch folders, and what becomes of those of processes that were killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from activecharge.reference.isolation.child import Child
from activecharge.scratch import Scratch, clear

KILLED = """\
import os, signal, sys
from activecharge.execution import ray_here
from activecharge.reference.isolation.child import Child
from activecharge.scratch import Scratch
owner = {makes}
print({path}, flush=True)
if isinstance(owner, Child):  # else it would clear up after its owner by itself
    owner.process.kill()
    owner.process.wait()
os.kill(os.getpid(), signal.SIGKILL)
"""

CROWD = """\
import sys
from activecharge.scratch import Scratch
for turn in range(200):
    scratch = Scratch(sys.argv[1])
    assert (scratch.path / "lock").exists()
    (scratch.path / "result").write_text("kept")
    assert (scratch.path / "result").read_text() == "kept"
    scratch.remove()
    assert not scratch.path.exists()
"""


def killed(home: Path, makes: str, path: str) -> Path:
    """What a process leaves that makes a folder in `home` and is killed."""
    places = {"TMPDIR": str(home), "RAY_TMPDIR": str(home)}
    code = KILLED.format(makes=makes, path=path)
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **places}, capture_output=True, text=True
    )
    assert done.returncode == -9, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture
def home(tmp_path_factory, monkeypatch):
    """A place for temporary files whose path is short enough for Ray's sockets."""
    folder = Scratch("/tmp")
    monkeypatch.setenv("TMPDIR", str(folder.path))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield folder.path
    folder.remove()


def test_folders_of_killed_processes_are_removed_by_the_next(home):
    """Those of Ray and of reference codes alike, by whoever comes next; no others."""
    makers = {
        "Scratch()": "owner.path",
        "ray_here._make_folder()": "owner.path",
        "Child(1)": "owner._scratch.path",
    }
    foreign = home / "activecharge-notes"
    foreign.mkdir()
    mine = Scratch()
    for makes, path in makers.items():
        left = killed(home, makes, path)
        assert left.parent == home and (left / "lock").exists()
        following = Child(1) if makes == "Scratch()" else Scratch()
        assert not left.exists(), makes
        following.remove()
    assert foreign.exists(), "no folder of this program: it has no lock"
    assert mine.path.exists(), "its process lives"
    mine.remove()


def test_the_folder_of_a_living_process_stays(home):
    code = "from activecharge.scratch import Scratch as S; s = S(); print(s.path, flush=True)"
    code += "; input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        path = Path(other.stdout.readline().strip())
        assert path.stat().st_mode & 0o077 == 0, "others must not read it"
        clear(home)
        assert (path / "lock").exists()
        other.kill()
        other.wait()
        clear(home)
        assert not path.exists()


def test_processes_that_make_and_clear_at_once_leave_each_other_alone(tmp_path):
    """Each clears what it takes for left behind while the others make and remove theirs."""
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", CROWD, str(tmp_path)], stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for one in crowd:
        _, err = one.communicate()
        assert one.returncode == 0, err
    assert not list(tmp_path.iterdir())
