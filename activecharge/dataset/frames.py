"""extxyz text: written so that every string survives ASE's reader, read frame by frame.

ASE's extxyz reader guesses types: a content hash such as 12e45678 comes back as a number,
a lone T as a truth value, and a backslash swallows the next character. Strings at risk are
written as the JSON values that the same reader knows. Files are pure ASCII, so their
meaning does not depend on the locale.
"""

import json
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.io.extxyz import key_val_dict_to_str, key_val_str_to_dict, read_xyz, write_xyz

from activecharge.errors import UserError
from activecharge.files import write_text


def write_frames(path: Path | str, frames: Iterable[Atoms]) -> Path:
    """Write frames as extxyz, atomically and byte-deterministically.

    Per-atom columns carry 8 decimals; numbers in `info` carry all their digits.

    Parameters
    ----------
    path : path-like
    frames : iterable of ase.Atoms
        Their `arrays` and `info` are written, calculators are not.

    Returns
    -------
    pathlib.Path
    """
    buffer = StringIO()
    write_xyz(buffer, [_portable(atoms) for atoms in frames], write_results=False)
    return write_text(path, buffer.getvalue())


def read_frames(path: Path | str) -> Iterator[tuple[str, Atoms]]:
    """Read extxyz frames one by one.

    Parameters
    ----------
    path : path-like

    Yields
    ------
    where : str
        File and frame number, for messages.
    atoms : ase.Atoms

    Raises
    ------
    UserError
        If the file is missing, is not text, or a frame cannot be parsed.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").rstrip().splitlines()
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); give an existing extxyz file."
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not a text file; an extxyz file was expected.") from error
    start = frame = 0
    while start < len(lines):
        where = f"{path}, frame {frame} (counting from 0)"
        stop = start + 2 + _atom_count(lines[start], where, start + 1)
        if stop > len(lines):
            raise UserError(
                f"{where}: the file ends after {max(len(lines) - start - 2, 0)} of "
                f"{stop - start - 2} atoms; the file is cut short, so write or copy it again."
            )
        yield where, _parse(lines[start:stop], where)
        start, frame = stop, frame + 1


def plain(value: Any) -> Any:
    """Reduce a value to what an extxyz comment line holds: text, truth value or number(s).

    Containers become JSON text with sorted keys.
    """
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if isinstance(value, str | bool | int | float):
        return value
    return json.dumps(value, sort_keys=True)


def _atom_count(line: str, where: str, number: int) -> int:
    try:
        count = int(line)
    except ValueError:
        count = 0
    if count < 1:
        raise UserError(
            f"{where}: line {number} should hold the number of atoms, at least 1, "
            f"but reads {line.strip()[:40]!r}; correct the file."
        )
    return count


def _parse(lines: list[str], where: str) -> Atoms:
    try:
        return next(read_xyz(StringIO("\n".join(lines) + "\n"), index=0))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OSError) as error:
        detail = " ".join(str(error).split())[:120]
        raise UserError(
            f"{where}: is not valid extxyz ({type(error).__name__}: {detail}); correct the frame."
        ) from error


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
