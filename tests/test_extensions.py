"""A package of somebody else's adds a reference, a source and a strategy, as the page shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import ase.io
import pytest

PAGE = Path(__file__).parents[1] / "docs" / "extending.md"
ENTRY_POINTS = """
[activecharge.references]
springs = my_water.springs
tblite = my_water.springs
broken = my_water.broken
[activecharge.sources]
dimers = my_water.dimers
[activecharge.strategies]
smallest = my_water.choice:smallest
"""
SPRINGS = '''
from typing import Literal
from pydantic import Field
from activecharge.reference.codes.code_options import CodeOptions


class SpringsOptions(CodeOptions):
    """Point charges, and no forces."""

    kind: Literal["springs"] = Field("springs", description="Reference code")
    charge: float = Field(0.4, description="Of hydrogen [e]")


OPTIONS = SpringsOptions


def settings(options):
    return {"charge": options.charge}


def label(atoms, options):
    import numpy as np

    charges = np.where(atoms.numbers == 1, options.charge, -2 * options.charge)
    bec = charges[:, None, None] * np.eye(3)
    dipole = (charges[:, None] * atoms.positions).sum(axis=0)
    rest = {"energy": np.array(0.0), "forces": np.zeros((len(atoms), 3))}
    return rest | {"charges": charges, "dipole": dipole, "bec": bec}
'''
CAMPAIGN = """\
seed: 1
reference: {kind: springs, charge: 0.3}
model: {channels: 2, correlation: 1, radial: 4}
training: {members: 2, steps: 4, warm_steps: 2, evaluate_every: 2}
initial: [{kind: dimers, count: 6, distance: 4}]
explore: [{kind: dimers, count: 8, distance: 4}]
selection: {batch: 4, control: 0.0, strategy: smallest}
stop: {rounds: 1}
executor: {kind: inline}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with a package and what pip would write beside it."""
    folder = tmp_path_factory.mktemp("site")
    package, record = folder / "my_water", folder / "my_water-1.0.dist-info"
    package.mkdir()
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: my-water\nVersion: 1.0\n")
    (record / "entry_points.txt").write_text(ENTRY_POINTS)
    source, strategy = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    (package / "__init__.py").write_text("")
    (package / "springs.py").write_text(SPRINGS)
    (package / "dimers.py").write_text(source)
    (package / "choice.py").write_text(strategy)
    (package / "broken.py").write_text("import nothing_of_this_name\n")
    return folder


def run(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess:
    path = os.pathsep.join(filter(None, [str(installed), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, "-m", "activecharge", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


def test_a_campaign_of_them(installed, tmp_path):
    (tmp_path / "mine.yaml").write_text(CAMPAIGN)
    done = run(installed, tmp_path, "run", "mine.yaml", "--run-dir", "run")
    assert done.returncode == 0, done.stderr
    frames = ase.io.read(tmp_path / "run/dataset/data.xyz", ":")
    assert len(frames) == 10 and {f.info["reference"] for f in frames} == {"springs"}
    assert {f.info["source"] for f in frames} == {"dimers"}
    assert sorted(set(frames[0].arrays["REF_charges"].tolist())) == [-0.6, 0.3]
    scored = ase.io.read(tmp_path / "run/rounds/01/selection.extxyz", ":")
    assert len(scored) == 4
    scores = [frame.info["score"] for frame in scored]
    assert scores == sorted(scores), "the least uncertain ones come first"


def test_what_does_not_fit_is_left_out_with_a_note(installed, tmp_path):
    (tmp_path / "mine.yaml").write_text("initial: [{kind: dimers}]\n")
    done = run(installed, tmp_path, "validate", "mine.yaml")
    assert done.returncode == 0, done.stderr
    assert "'tblite' of activecharge.references has a name that is taken" in done.stderr
    assert "'broken' of activecharge.references cannot be imported" in done.stderr
    (tmp_path / "mine.yaml").write_text("initial: [{kind: dimers, distance: 1}]\n")
    done = run(installed, tmp_path, "validate", "mine.yaml")
    assert done.returncode == 2 and "initial.0.distance" in done.stderr
