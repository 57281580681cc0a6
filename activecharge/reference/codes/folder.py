"""Labels that somebody else makes: inputs go into a folder, outputs are taken from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, JsonValue

from activecharge.errors import UserError
from activecharge.reference.codes.code_options import AbsolutePath, CodeOptions
from activecharge.reference.codes.command import pick_values, read_output
from activecharge.reference.failure import Mishap, NotYet

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms

INPUT, OUTPUT, FAILED = "input.extxyz", "output.extxyz", "failed.txt"
"""Files of a configuration: what is asked, what was found, or why there is nothing."""

TODO = "todo.txt"
"""Names of the configurations that wait for an output, one a line."""


class FolderOptions(CodeOptions):
    """Labels made outside of the program, by jobs of your own: clusters and cells.

    Each configuration has a folder below `path`, named by its content hash, with `input.extxyz`.
    Whoever labels it writes `output.extxyz` there, with REF_* keys as for `command`, or `output`
    with another ending in a format that `activecharge import` reads; or `failed.txt` with the
    reason. `run` takes in what is there, and ends with exit code 3 while outputs are missing.
    """

    kind: Literal["folder"] = Field("folder", description="Reference code")
    path: AbsolutePath = Field(
        description="Folder of inputs and outputs; one that is absent is made"
    )
    retries: int = Field(0, ge=0, description="Of no use here: a file says the same again")


OPTIONS = FolderOptions


def settings(options: FolderOptions) -> dict[str, JsonValue]:
    """Return what fixes the values of a label: nothing that the program knows of."""
    return {"made": "outside of activecharge"}


def label(atoms: Atoms, options: FolderOptions) -> dict[str, np.ndarray]:
    """Take one configuration's label from its folder, or leave its input there.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms, positions in Å.
    options : FolderOptions

    Returns
    -------
    dict of str to numpy.ndarray
        By property name, shapes and units as in `activecharge.properties`.

    Raises
    ------
    NotYet
        If there is no output, or one that cannot be read, which may be half-written.
    ReferenceFailure
        If whoever labels has given up, or the output is of another configuration.
    """
    from activecharge.dataset.frames import write_frames
    from activecharge.dataset.identity import content_hash

    home = options.path / content_hash(atoms)
    if not (home / INPUT).exists():
        bare = atoms.copy()
        bare.info = {}
        write_frames(home / INPUT, [bare])
    if (home / FAILED).is_file():
        said = (home / FAILED).read_text(encoding="utf-8", errors="replace").strip()
        raise Mishap(f"{FAILED} says: {said.splitlines()[0][:200] if said else 'nothing'}")
    if (home / OUTPUT).is_file():
        try:
            frame = read_output(home / OUTPUT)
        except Mishap as error:
            raise NotYet(str(error)) from error
        return pick_values(frame, atoms)
    others = sorted(path for path in home.glob("output.*") if not path.name.endswith(".tmp"))
    if not others:
        raise NotYet(f"there is no {OUTPUT}")
    return _imported(others[0], atoms)


def _imported(path: Path, asked: Atoms) -> dict[str, np.ndarray]:
    """Read an output of another format, as `activecharge import` does."""
    import numpy as np

    from activecharge.dataset.importing.import_options import ImportOptions
    from activecharge.dataset.importing.importer import import_file
    from activecharge.reference.codes.command import MOVED

    try:
        found = import_file(path, ImportOptions()).labels
    except UserError as error:
        raise NotYet(str(error)) from error
    if len(found) != 1:
        raise Mishap(f"{path.name} has {len(found)} frames, expected one")
    atoms = found[0].candidate.atoms
    if not np.array_equal(atoms.numbers, asked.numbers):
        raise Mishap(f"{path.name} has other atoms than {INPUT}, or another order")
    if not np.allclose(atoms.positions, asked.positions, rtol=0, atol=MOVED):
        raise Mishap(f"{path.name} has other positions than {INPUT}")
    return found[0].values
