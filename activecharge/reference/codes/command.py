"""Labels from a program of the user's own, which reads and writes extxyz files."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, JsonValue

from activecharge.errors import UserError
from activecharge.properties import BEC_CONVENTION, PROPERTIES
from activecharge.reference.codes.code_options import CodeOptions
from activecharge.reference.failure import Mishap, describe_exit

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms

MOVED = 1e-5
"""Positions that come back this far away [Å] belong to another configuration."""


class CommandOptions(CodeOptions):
    """A program of the user's own, started once for each configuration."""

    # A user's program may leave processes behind; they must not outlive its label.
    leaves_processes = True
    kind: Literal["command"] = Field("command", description="Reference code")
    command: tuple[str, ...] = Field(
        min_length=1,
        description=(
            "Program and arguments, without a shell; it runs in an empty folder that holds "
            "input.extxyz and must write output.extxyz there with REF_* keys, so name other "
            "files by absolute paths"
        ),
    )
    retries: int = Field(0, ge=0, description="How often a failed run is tried again")


OPTIONS = CommandOptions


def settings(options: CommandOptions) -> dict[str, JsonValue]:
    """Return what fixes the values of a label, as JSON-able data."""
    return {"command": list(options.command)}


def label(atoms: Atoms, options: CommandOptions) -> dict[str, np.ndarray]:
    """Run the user's program on one configuration.

    The program finds `input.extxyz` in its working folder and writes `output.extxyz` there:
    the same atoms in the same order, with any of the `REF_*` keys of
    `activecharge.properties`. `REF_bec` has nine columns, row-major, and needs
    `bec_convention=pol_disp` (polarization first) or `disp_pol` in the frame's comment line.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms, positions in Å.
    options : CommandOptions

    Returns
    -------
    dict of str to numpy.ndarray
        By property name, shapes and units as in `activecharge.properties`.

    Raises
    ------
    ReferenceFailure
        If the program fails or its output does not belong to the configuration.
    UserError
        If the program cannot be started.
    """
    import ase.io

    # Whoever gave this process its current folder keeps or removes what is left there.
    folder = Path(tempfile.mkdtemp(dir=".", prefix="command-")).resolve()
    ase.io.write(folder / "input.extxyz", atoms, format="extxyz")
    _execute(options.command, folder)
    return pick_values(read_output(folder / "output.extxyz"), atoms)


def _execute(command: tuple[str, ...], folder: Path) -> None:
    log = folder / "command.log"
    try:
        with log.open("wb") as stream:
            done = subprocess.run(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
            )
    except OSError as error:
        raise UserError(
            f"reference.command: cannot start {command[0]!r} ({error.strerror}); "
            "give the absolute path of an executable file or a program on PATH."
        ) from error
    if done.returncode:
        lines = log.read_text(errors="replace").strip().splitlines()
        said = f"; its last line was: {lines[-1][:200]}" if lines else ""
        raise Mishap(f"{command[0]} {describe_exit(done.returncode)}{said}")


def read_output(path: Path) -> Atoms:
    """Return the single frame of the program's output."""
    import ase.io

    if not path.is_file():
        raise Mishap(f"the program wrote no {path.name}")
    try:
        frames = list(ase.io.iread(path, index=":", format="extxyz"))
    # ASE's parser raises whatever the malformed text leads it into.
    except Exception as error:
        raise Mishap(
            f"{path.name} is not a complete extxyz frame ({type(error).__name__}: {error})"
        ) from error
    if len(frames) != 1:
        raise Mishap(f"{path.name} has {len(frames)} frames, expected one")
    return frames[0]


def pick_values(frame: Atoms, asked: Atoms) -> dict[str, np.ndarray]:
    """Pick the labels out of `frame` after checking that it is the configuration asked for."""
    import numpy as np

    if not np.array_equal(frame.numbers, asked.numbers):
        raise Mishap("output.extxyz has other atoms than input.extxyz, or another order")
    if not np.allclose(frame.positions, asked.positions, rtol=0, atol=MOVED):
        raise Mishap("output.extxyz has other positions than input.extxyz")
    values: dict[str, np.ndarray] = {}
    for name, kind in PROPERTIES.items():
        stored = (frame.arrays if kind.per_atom else frame.info).get(kind.key)
        if stored is None:
            continue
        shape = ((len(asked),) if kind.per_atom else ()) + kind.shape
        try:
            values[name] = np.asarray(stored, dtype=float).reshape(shape)
        except (TypeError, ValueError) as error:
            raise Mishap(
                f"{kind.key} in output.extxyz cannot be read as numbers of shape {shape}"
            ) from error
    if not values:
        keys = ", ".join(kind.key for kind in PROPERTIES.values())
        raise Mishap(f"output.extxyz has none of the keys {keys}")
    if "bec" in values:
        values["bec"] = _polarization_first(values["bec"], frame.info.get("bec_convention"))
    return values


def _polarization_first(bec: np.ndarray, convention: object) -> np.ndarray:
    if convention == BEC_CONVENTION:
        return bec
    if convention == "disp_pol":
        return bec.transpose(0, 2, 1)
    raise Mishap(
        "output.extxyz has REF_bec without its index order: expected bec_convention=pol_disp or "
        f"bec_convention=disp_pol in the comment line, found {convention!r}"
    )
