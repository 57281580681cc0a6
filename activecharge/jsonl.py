"""Files of JSON lines that are added to while others read them."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def append_line(path: Path, entry: Mapping[str, object], durable: bool = False) -> None:
    """Add one entry on a line of its own, also where a kill cut the line before it short.

    Parameters
    ----------
    path : pathlib.Path
    entry : dict
        JSON-able.
    durable : bool
        Flush to disk before returning.
    """
    line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
    with path.open("a+b") as file:
        file.seek(0, os.SEEK_END)
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = b"\n" + line
        file.write(line)
        if durable:
            file.flush()
            os.fsync(file.fileno())


class LineReader:
    """Reads entries as they come, each once.

    Parameters
    ----------
    path : pathlib.Path
    """

    def __init__(self, path: Path):
        self._path, self._position = path, 0

    def read(self) -> list[dict[str, Any]]:
        """Whole entries that are new since the last call, oldest first; none without a file.

        Lines that a kill cut short, or that are no JSON objects, are passed over.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(self._position)
                text = file.read()
        except FileNotFoundError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self._position += len(whole)
        entries = []
        for line in whole.split(b"\n"):
            try:
                entry = json.loads(line)
            except ValueError:  # also where the cut went through a letter of several bytes
                continue
            if isinstance(entry, dict):
                entries.append(entry)
        return entries


def read_lines(path: Path) -> list[dict[str, Any]]:
    """All whole entries, oldest first; none without a file."""
    return LineReader(path).read()
