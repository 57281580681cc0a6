"""The tiny campaign, and what its files are compared by."""

from pathlib import Path
from typing import NamedTuple

TINY = """\
name: tiny
seed: 1
model: {channels: 2, correlation: 1, radial: 4}
training: {members: 2, steps: 6, warm_steps: 4, evaluate_every: 4}
initial:
  - {kind: clusters, molecules: [1, 2], count: 6}
test:
  - {kind: clusters, molecules: [1, 2], count: 3}
explore:
  - {kind: clusters, molecules: [1, 2], count: 5}
  - {kind: rattle, count: 3}
  - {kind: dynamics, walkers: 2, temperatures: [300], steps: 4, interval: 2}
selection: {batch: 4, control: 0.5}
stop: {rounds: 1}
executor: {kind: inline}
"""
"""One round after the initial one, with every kind of exploration."""


class Outcome(NamedTuple):
    """What a command gave."""

    code: int
    out: str
    err: str


def dataset(run: Path) -> dict[str, bytes]:
    """Every file of a run's dataset."""
    return {path.name: path.read_bytes() for path in (run / "dataset").iterdir()}


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
