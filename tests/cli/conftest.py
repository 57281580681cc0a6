"""A tiny campaign, run once through the real command line and looked at from all sides."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_cases import TINY, Outcome
from forked import Forked

from activecharge import cli

# Sums of floats depend on the number of threads, and with them the bytes that are compared.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    """Run a command in this process, in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = signal.getsignal(signal.SIGTERM)

    def call(*arguments) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["activecharge", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code
        return Outcome(code, *capsys.readouterr())

    yield call
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def start():
    """Start a command as a process of its own, at the head of its own process group."""

    def start(*arguments, cwd: Path, **environment) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "activecharge", *map(str, arguments)],
            cwd=cwd,
            env=ENVIRONMENT | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Tests that run in the background of a script would pass on that it is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    return start


@pytest.fixture
def fork():
    """Start a command as `start` does, but without the time that imports take."""
    return lambda *arguments, cwd: Forked([*map(str, arguments)], cwd, ENVIRONMENT)


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory, start) -> Path:
    """The run directory of the tiny campaign, undisturbed; made once for all test processes."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    home = root / "finished"
    home.mkdir(exist_ok=True)
    with (root / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "done").exists():
            (home / "tiny.yaml").write_text(TINY)
            process = start("run", "tiny.yaml", cwd=home)
            out, err = process.communicate()
            assert process.returncode == 0, err
            (home / "out").write_text(out)
            (home / "done").touch()
    return home / "runs" / "tiny"


@pytest.fixture
def finished(finished_once, tmp_path) -> Path:
    """A copy of the finished run directory that a test may spoil."""
    return Path(shutil.copytree(finished_once, tmp_path / "finished"))


@pytest.fixture
def tiny(tmp_path) -> Path:
    """The campaign file."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path
