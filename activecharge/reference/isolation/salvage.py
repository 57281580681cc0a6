"""Keeping what a failed run leaves, so that a person can see what went wrong."""

import contextlib
import shutil
from pathlib import Path

LARGEST = 10_000_000
"""Files above this size are not kept, wavefunctions for one [bytes]."""


def salvage(folder: Path, log: Path, said: int, kept: Path | None) -> None:
    """Copy what a failed run left; a full disk keeps less, and never stops anything.

    Parameters
    ----------
    folder : pathlib.Path
        Where it ran.
    log : pathlib.Path
        What its worker has printed so far.
    said : int
        Where in `log` the run's own output begins.
    kept : pathlib.Path or None
        Where the copy goes, in place of an older one; None keeps nothing.
    """
    if kept is None:
        return
    with contextlib.suppress(OSError):
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(folder, kept, ignore=_bulky, symlinks=True)
        (kept / "printed.log").write_bytes(tail(log, said))


def tail(log: Path, said: int) -> bytes:
    """Return what a file holds from position `said` on."""
    with log.open("rb") as stream:
        stream.seek(said)
        return stream.read()


def _bulky(folder: str, names: list[str]) -> list[str]:
    paths = [Path(folder, name) for name in names]
    return [path.name for path in paths if path.is_file() and path.stat().st_size > LARGEST]
