"""Frames out of any file, and into extxyz text from which every string comes back.

ASE's extxyz reader guesses types: a content hash such as 12e45678 comes back as a number,
a lone T as a truth value, and a backslash swallows the next character. Strings at risk are
written as the JSON values that the same reader knows. Files are pure ASCII, so their
meaning does not depend on the locale.
"""

import json
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path

from ase import Atoms
from ase.io.extxyz import key_val_dict_to_str, key_val_str_to_dict, write_xyz

from activecharge.dataset.reading.ase_files import format_of, read_ase
from activecharge.dataset.reading.deepmd import is_deepmd, read_deepmd
from activecharge.dataset.reading.extxyz_frames import split_frames
from activecharge.dataset.reading.text_lines import PACKERS, read_lines
from activecharge.errors import UserError
from activecharge.files import write_atomic

_EXTXYZ = {".xyz", ".extxyz"}


def write_frames(path: Path | str, frames: Iterable[Atoms]) -> Path:
    """Write frames as extxyz, atomically and byte-deterministically.

    Per-atom columns carry 8 decimals; numbers in `info` carry all their digits.

    Parameters
    ----------
    path : path-like
        Compressed if its name ends in .gz, .bz2 or .xz.
    frames : iterable of ase.Atoms
        Their `arrays` and `info` are written, calculators are not.

    Returns
    -------
    pathlib.Path
    """
    data = frames_text(frames).encode()
    if packer := PACKERS.get(Path(path).suffix.lower()):
        data = packer[0](data)
    return write_atomic(path, lambda temporary: temporary.write_bytes(data))


def frames_text(frames: Iterable[Atoms]) -> str:
    """What `write_frames` writes, for files that are added to."""
    buffer = StringIO()
    write_xyz(buffer, [_portable(atoms) for atoms in frames], write_results=False)
    return buffer.getvalue()


def read_frames(path: Path | str, format: str | None = None) -> Iterator[tuple[str, Atoms]]:
    """Read frames one by one: extxyz, a folder of DeePMD-kit, or any format that ASE reads.

    Parameters
    ----------
    path : path-like
        Text may be compressed (.gz, .bz2, .xz).
    format : str, optional
        ASE's name of the format; found from the file when absent.

    Yields
    ------
    where : str
        File and frame number, for messages.
    atoms : ase.Atoms
        With whatever the file says in `arrays`, `info` and the calculator's results.

    Raises
    ------
    UserError
        If the file is missing, is not what it should be, or a frame cannot be parsed.
    """
    path = Path(path)
    if is_deepmd(path):
        yield from read_deepmd(path)
        return
    if path.is_dir():
        raise UserError(
            f"{path}: is a folder, but not a system of DeePMD-kit (type.raw, type_map.raw, set.*); "
            "give a file, or one system's folder."
        )
    name = path.with_suffix("") if path.suffix.lower() in PACKERS else path
    if format is None and path.is_file() and name.suffix.lower() not in _EXTXYZ:
        format = format_of(path)
    if format not in (None, "extxyz", "xyz"):
        if not path.is_file():
            raise UserError(f"{path}: is not a file; give an existing one.")
        yield from read_ase(path, format)
        return
    yield from split_frames(read_lines(path), path)


def plain(value: object) -> object:
    """Reduce a value to what an extxyz comment line holds: text, truth value or number(s).

    Containers become JSON text with sorted keys.
    """
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if isinstance(value, str | bool | int | float):
        return value
    return json.dumps(value, sort_keys=True)


def _portable(atoms: Atoms) -> Atoms:
    copy = atoms.copy()
    copy.info = {
        key: _text(key, value) if isinstance(value, str) else value
        for key, value in atoms.info.items()
    }
    return copy


def _text(key: str, text: str) -> str:
    # ASE quotes but does not escape backslashes, which its reader then takes as escapes.
    doubled = text.replace("\\", "\\\\")
    if text.isascii() and text.isprintable():
        back = key_val_str_to_dict(key_val_dict_to_str({key: doubled})).get(key)
        if isinstance(back, str) and back == text:
            return doubled
    return f"_JSON {json.dumps(text)}".replace("\\", "\\\\")
