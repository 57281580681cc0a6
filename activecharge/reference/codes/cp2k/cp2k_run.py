"""CP2K as a program: one start for all runs of a label, and its version."""

import re
import subprocess
from functools import lru_cache
from pathlib import Path

import numpy as np
from ase import Atoms

from activecharge.errors import UserError
from activecharge.reference.codes.cp2k.cp2k_input import farm, fill
from activecharge.reference.codes.cp2k.cp2k_options import Cp2kOptions
from activecharge.reference.codes.cp2k.cp2k_output import Output, read
from activecharge.reference.failure import Mishap, describe_exit


def run(atoms: Atoms, options: Cp2kOptions, text: str, polarized: bool) -> dict[str, Output]:
    """Run one configuration in the current folder.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms, positions in Å.
    options : Cp2kOptions
    text : str
        Input with placeholders, from `cp2k_input.template`.
    polarized : bool
        Whether there are runs in fields: both signs along each axis.

    Returns
    -------
    dict of str to Output
        "zero", without a field, and one for each field by `run_name`.
    """
    axes = options.field * np.eye(3) if polarized else np.empty((0, 3))
    jobs: dict[str, np.ndarray | None] = {"zero": None}
    jobs |= {run_name(field): field for axis in axes for field in (axis, -axis)}
    for job, field in jobs.items():
        Path(job).mkdir()
        Path(job, "cp2k.inp").write_text(fill(text, atoms, options, field), encoding="utf-8")
    Path("farm.inp").write_text(farm(list(jobs)), encoding="utf-8")
    fault = _execute([*options.command, "-i", "farm.inp", "-o", "farm.out"])
    outputs = {}
    for job in jobs:
        path = Path(job, "cp2k.out")
        if not path.exists() and fault:
            raise Mishap(f"cp2k ({job}): {fault}")
        written = path.read_text(errors="replace") if path.exists() else ""
        outputs[job] = read(job, written, len(atoms))
    if fault:
        raise Mishap(f"cp2k: {fault}")
    return outputs


def run_name(field: np.ndarray) -> str:
    """Name the run in a field along an axis."""
    axis = int(np.argmax(np.abs(field)))
    return f"field-{'xyz'[axis]}-{'plus' if field[axis] > 0 else 'minus'}"


def _execute(command: list[str]) -> str | None:
    """Run CP2K to its end; a phrase with what went wrong, if anything."""
    log = Path("launch.log")
    with log.open("wb") as stream:
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
        except OSError as error:
            raise _absent(command[0], error) from error
    if not done.returncode:
        return None
    lines = log.read_text(errors="replace").strip().splitlines()
    said = f"; its last line was: {lines[-1].strip()[:200]}" if lines else ""
    return f"{command[0]} {describe_exit(done.returncode)}{said}"


@lru_cache(maxsize=8)
def version(command: tuple[str, ...]) -> str:
    """Return the version that a launch command starts, or "unknown"."""
    try:
        done = subprocess.run(
            [*command, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    except OSError as error:
        raise _absent(command[0], error) from error
    found = re.search(r"CP2K version (\S+)", done.stdout)
    return found[1] if found else "unknown"


def _absent(program: str, error: OSError) -> UserError:
    return UserError(
        f"reference.command: cannot start {program!r} ({error.strerror}); install CP2K with "
        "`apt-get install cp2k`, or give its launch command, [mpirun, -n, 8, cp2k.psmp], say."
    )
