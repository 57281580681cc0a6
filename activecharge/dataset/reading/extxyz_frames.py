"""extxyz text, frame by frame, with the liberties that programs take with it."""

import re
from collections.abc import Iterator, Sequence
from io import StringIO

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from ase.io.extxyz import read_xyz

from activecharge.dataset.reading.species import resolve
from activecharge.errors import UserError

UNNAMED = "unnamed_columns"
"""Info key that says how many columns behind the named ones were left unread."""

_COUNT = re.compile(r"\s*0*[1-9]\d*\s*", re.ASCII)
_PROPERTIES = re.compile(r'(?<![^\s])Properties\s*=\s*["{\']?([^\s"}\']+)')
_PLAIN = "species:S:1:pos:R:3"
_WORDS = {
    word: re.compile(rf"(?<![^\s]){word}(?=\s*=)", re.IGNORECASE)
    for word in ("Properties", "Lattice")
}
_MATRIX = re.compile(r"Got info item (\w+), expecting special 3x3")
_KEY = re.compile(r"(?<![^\s])([A-Za-z_][^\s=]*)\s*=")
_CELL_OF_IPI = re.compile(r"\bCELL[({]")
_CLOSING = {"'": "'", '"': '"', "{": "}", "[": "]"}


def split_frames(lines: Sequence[str], path: object) -> Iterator[tuple[str, Atoms]]:
    """Read extxyz frames one by one.

    Parameters
    ----------
    lines : sequence of str
    path : object
        Names the file in messages.

    Yields
    ------
    where : str
        File and frame number, for messages.
    atoms : ase.Atoms
        Isotopes have their mass in `arrays["masses"]`.
    """
    start = frame = 0
    while start < len(lines):
        where = f"{path}, frame {frame} (counting from 0)"
        stop = start + 2 + _atom_count(lines[start], where, start + 1)
        if stop > len(lines):
            raise UserError(
                f"{where}: the file ends after {max(len(lines) - start - 2, 0)} of "
                f"{stop - start - 2} atoms; the file is cut short, so write or copy it again."
            )
        yield where, _parse(lines[start + 1], lines[start + 2 : stop], where)
        start, frame = stop, frame + 1


def _atom_count(line: str, where: str, number: int) -> int:
    if not _COUNT.fullmatch(line):
        raise UserError(
            f"{where}: line {number} should hold the number of atoms, at least 1, "
            f"but reads {line.strip()[:40]!r}; correct the file."
        )
    return int(line)


def _parse(comment: str, rows: Sequence[str], where: str) -> Atoms:
    comment = _usual_words(comment)
    _check_keys(_outside_quotes(comment, where), where)
    if _CELL_OF_IPI.search(comment) and "Lattice" not in comment:
        raise UserError(
            f"{where}: states its cell as i-PI does ({comment.strip()[:40]!r}), which would be "
            'overlooked; write Lattice="..." with nine numbers, and everything in Å.'
        )
    columns = _columns(comment)
    masses, rows = _with_symbols(rows, columns, where)
    text = "\n".join([str(len(rows)), comment, *rows, ""])
    try:
        atoms = next(read_xyz(StringIO(text), index=0))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OSError) as error:
        if matrix := _MATRIX.match(str(error)):
            raise UserError(_not_a_matrix(matrix[1], where)) from error
        detail = " ".join(str(error).split())[:120]
        raise UserError(
            f"{where}: is not valid extxyz ({type(error).__name__}: {detail}); correct the frame."
        ) from error
    if masses is not None:
        atoms.set_masses(masses)
    extra = len(rows[0].split()) - sum(count for _, count in columns)
    if extra > 0:
        atoms.info[UNNAMED] = extra
    return atoms


def _usual_words(comment: str) -> str:
    """Properties and Lattice in the capitals that ASE looks for; others would be overlooked."""
    for word, pattern in _WORDS.items():
        if f"{word}=" not in comment:
            comment = pattern.sub(word, comment, count=1)
    return comment


def _outside_quotes(comment: str, where: str) -> str:
    """What stands outside quotes and brackets; refused if one swallows the keys behind it."""
    closing, opened, escaped = "", 0, False
    outside = []
    for place, char in enumerate(comment):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif closing:
            closing = "" if char == closing else closing
        elif char in _CLOSING:
            closing, opened = _CLOSING[char], place
        else:
            outside.append(char)
    if closing and "=" in comment[opened:]:
        raise UserError(
            f"{where}: {comment[opened]} in the comment line is never closed and hides the keys "
            f"behind it ({comment[opened : opened + 30]!r}); close or remove it."
        )
    return "".join(outside)


def _check_keys(outside: str, where: str) -> None:
    """Refuse a key that is given twice, of which the last would be taken in silence.

    A comment with neither Properties nor Lattice may be no more than a remark.
    """
    keys = _KEY.findall(outside)
    if not {"Properties", "Lattice"} & set(keys):
        return
    twice = sorted(key for key in set(keys) if keys.count(key) > 1)
    if twice:
        raise UserError(
            f"{where}: {', '.join(twice)} {'is' if len(twice) == 1 else 'are'} given twice in the "
            "comment line; keep one of them."
        )


def _columns(comment: str) -> list[tuple[str, int]]:
    """Names and widths of the columns; none if their description cannot be read."""
    match = _PROPERTIES.search(comment)
    fields = (match[1] if match else _PLAIN).split(":")
    widths = fields[2::3]
    if not all(width.isdigit() for width in widths):
        return []
    return list(zip(fields[::3], map(int, widths), strict=False))


def _with_symbols(
    rows: Sequence[str], columns: list[tuple[str, int]], where: str
) -> tuple[np.ndarray | None, Sequence[str]]:
    """Masses of isotopes, and rows with chemical symbols in place of other names."""
    names = [name for name, _ in columns]
    if "species" not in names:
        return None, rows
    index = sum(width for _, width in columns[: names.index("species")])
    try:
        given = [row.split(None, index + 1)[index] for row in rows]
    except IndexError:
        return None, rows  # which the parser tells
    species = resolve(given, where)
    symbols = [chemical_symbols[number] for number in species.numbers]
    if symbols == given:
        return None, rows
    changed = []
    for row, symbol in zip(rows, symbols, strict=True):
        words = row.split()
        words[index] = symbol
        changed.append(" ".join(words))
    return species.masses, changed


def _not_a_matrix(key: str, where: str) -> str:
    expected = f"{where}: {key} in the comment line must be nine numbers, row by row"
    if key == "Lattice":
        return f"{expected}, the cell vectors one after the other in Å; write all nine."
    return (
        f"{expected}; write all nine, or for the six numbers xx yy zz yz xz xy choose another "
        f"name, voigt_{key} say, and import with --key {key}=voigt_{key}."
    )
