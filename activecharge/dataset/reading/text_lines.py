"""Lines of text files as people have them: compressed, with other line ends, in other alphabets."""

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Callable
from pathlib import Path

from activecharge.errors import UserError

PACKERS: dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    # No time in the file, so that equal content gives equal bytes.
    ".gz": (lambda data: gzip.compress(data, mtime=0), gzip.decompress),
    ".bz2": (bz2.compress, bz2.decompress),
    ".xz": (lzma.compress, lzma.decompress),
}
"""How to pack and unpack what a name with this end holds."""

_ENDS = re.compile("\r\n|\n|\r")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a]")
"""What no text holds; form feeds and their like may stand in a comment."""


def read_lines(path: Path | str) -> list[str]:
    """Read the lines of a text file; empty ones at the end are left out.

    Text is UTF-8, with or without a byte order mark, or else Latin-1. Only the usual line ends
    separate lines: characters such as a form feed or U+2028 may stand within them.

    Parameters
    ----------
    path : path-like
        Unpacked if its name ends in .gz, .bz2 or .xz.

    Returns
    -------
    list of str

    Raises
    ------
    UserError
        If the file cannot be read, or is not text.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); give an existing file."
        ) from error
    if packer := PACKERS.get(path.suffix.lower()):
        try:
            data = packer[1](data)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
            raise UserError(
                f"{path}: cannot be unpacked ({error}); copy it again or correct its name."
            ) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if _CONTROL.search(text):
        raise UserError(f"{path}: is not a text file; an extxyz file was expected.")
    return _ENDS.split(text.rstrip()) if text.strip() else []
