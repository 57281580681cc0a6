"""Small committees, and frames, for every engine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_committees import make_committee

from activecharge import Committee

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def dipolar() -> Committee:
    """Z is the slope of the polarization."""
    return make_committee("dipolar")


@pytest.fixture(scope="session")
def independent() -> Committee:
    """Z has a head of its own."""
    return make_committee("independent")


@pytest.fixture
def script(tmp_path):
    """Run a script in a process and a folder of its own; what it printed."""

    def run(text: str) -> str:
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            [sys.executable, "-c", text],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run
