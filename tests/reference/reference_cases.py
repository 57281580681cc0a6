"""What several tests of references share."""

import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from activecharge.records import Candidate, Failure
from activecharge.reference.codes.command import CommandOptions
from activecharge.reference.reference_options import GateOptions
from activecharge.reference.run import label_candidate

needs_cp2k = pytest.mark.skipif(
    shutil.which("cp2k.psmp") is None, reason="CP2K is not installed (apt-get install cp2k)"
)


def waters(places: np.ndarray, seed: int) -> Atoms:
    """One randomly turned and slightly distorted molecule at each place (M, 3) in Å."""
    rng = np.random.default_rng(seed)
    atoms = Atoms()
    for place in places:
        water = molecule("H2O")
        water.rotate(rng.uniform(0, 360), rng.normal(size=3))
        water.positions += place - water.get_center_of_mass() + rng.normal(0, 0.04, (3, 3))
        atoms += water
    return atoms


def boxed(atoms: Atoms, edge: float) -> Atoms:
    """The same atoms in a periodic cube."""
    cell = atoms.copy()
    cell.set_cell([edge] * 3)
    cell.pbc = True
    return cell


def displaced(atoms: Atoms, atom: int, axis: int, step: float) -> Atoms:
    """The same atoms, one of them moved by `step` in Å."""
    moved = atoms.copy()
    moved.positions[atom, axis] += step
    return moved


def ends(atoms: Atoms, atom: int, axis: int, step: float) -> tuple[Atoms, Atoms]:
    """Both ends of a central difference over 2 `step`."""
    return displaced(atoms, atom, axis, step), displaced(atoms, atom, axis, -step)


def up_to_a_quantum(difference: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """What is left of a difference of polarizations without e times lattice vectors, e·Å."""
    fractional = difference @ np.linalg.inv(cell)
    return (fractional - np.round(fractional)) @ cell


def rotational_breach(atoms: Atoms, values: dict[str, np.ndarray]) -> float:
    """Largest component of Σ_i Z_i·(θ×R_i) − θ×μ over the unit vectors θ, in e·Å."""
    breaches = [
        np.einsum("iab,ib->a", values["bec"], np.cross(axis, atoms.positions))
        - np.cross(axis, values["dipole"])
        for axis in np.eye(3)
    ]
    return float(np.abs(breaches).max())


FOREVER = 1000
"""Seconds that something sleeps which only a signal will end."""


def shell(script: str, **options: object) -> CommandOptions:
    """A program of the user's."""
    return CommandOptions(command=("sh", "-c", script), **options)


def reason(candidate: Candidate, reference, gates=None, failed: Path | None = None) -> str:
    """Why there is no label."""
    made = label_candidate(candidate, reference, gates or GateOptions(), failed=failed)
    assert isinstance(made, Failure) and made.candidate is candidate
    return made.reason


def wait_until(true) -> None:
    """Signals arrive a little later; a minute only bounds a test that fails."""
    for _ in range(6000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("still not so after a minute")


def is_dead(pid: int) -> bool:
    """Gone, or a zombie that nobody collects."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return done.stdout.strip()[:1] in ("", "Z")
