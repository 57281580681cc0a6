"""Frames of any file that ASE reads, with all that the file says about them."""

from collections.abc import Iterator
from pathlib import Path

from ase import Atoms

from activecharge.errors import UserError

_DATABASES = {"db", "json"}
_FOREIGN_CODE = {"bundletrajectory", "py", "gpw", "mysql", "postgresql"}
"""Formats whose reading may run code of the file's, or asks a server: never read."""


def format_of(path: Path, format: str | None = None) -> str:
    """ASE's name of a file's format; "extxyz" for text that ASE does not know.

    Parameters
    ----------
    path : pathlib.Path
        A regular file.
    format : str, optional
        What the user says.
    """
    from ase.io.formats import UnknownFileTypeError, filetype, ioformats

    if format is not None:
        return format
    try:
        # An absolute path cannot look like the address of a server.
        found = filetype(str(path.resolve()))
    except UnknownFileTypeError:
        return "extxyz"
    return found if found in ioformats and found != "xyz" else "extxyz"


def read_ase(path: Path, format: str) -> Iterator[tuple[str, Atoms]]:
    """Read all frames of a file.

    Parameters
    ----------
    path : pathlib.Path
    format : str
        ASE's name of the format.

    Yields
    ------
    where : str
        File and frame number, for messages.
    atoms : ase.Atoms
        Key-value pairs and data of ASE's databases are in `info`.

    Raises
    ------
    UserError
        If the file cannot be read.
    """
    if format in _FOREIGN_CODE:
        raise UserError(
            f"{path}: files of the format {format} are not read, since that could run code or ask "
            "a server; convert it to extxyz or .traj."
        )
    try:
        frames = _rows(path, format) if format in _DATABASES else _frames(path, format)
    # ASE's many parsers raise whatever a malformed file leads them into.
    except Exception as error:
        detail = " ".join(str(error).split())[:120]
        raise UserError(
            f"{path}: ASE cannot read it as {format} ({type(error).__name__}: {detail}); give a "
            "format that ASE knows, or import it with its --format."
        ) from error
    if not frames:
        raise UserError(
            f"{path}: holds no frames if it is {format}, for which ASE takes it by its name; "
            "import it with its --format."
        )
    for number, atoms in enumerate(frames):
        yield f"{path}, frame {number} (counting from 0)", atoms


def _frames(path: Path, format: str) -> list[Atoms]:
    import ase.io

    # Names may hold an @, which ASE would take for an index.
    return list(ase.io.iread(path, ":", format, do_not_split_by_at_sign=True))


def _rows(path: Path, format: str) -> list[Atoms]:
    """Frames of ASE's databases, whose reader leaves out what else a row says."""
    from ase.db import connect

    frames = []
    for row in connect(path, type=format, use_lock_file=False).select():
        atoms = row.toatoms()
        atoms.info.update({**row.data, **row.key_value_pairs})
        frames.append(atoms)
    return frames
