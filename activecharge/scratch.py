"""Scratch folders that end with their process, however it ends."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "activecharge-"
_LOCK = "lock"


class Scratch:
    """A new folder that nobody else may read, locked as long as this process lives.

    The lock is the kernel's, so that a killed process holds none. Whoever makes the next folder
    in the same place removes what such processes left.

    Parameters
    ----------
    home : path-like, optional
        Where it lies; the system's place for temporary files by default.

    Attributes
    ----------
    path : pathlib.Path

    Raises
    ------
    OSError
        If it cannot be made.
    """

    def __init__(self, home: Path | str | None = None):
        home = Path(home or tempfile.gettempdir())
        clear(home)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))
        while (descriptor := _locked(self.path)) is None:
            # Another process found the folder before it was locked, and removes it.
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))
        self._lock: int | None = descriptor

    def remove(self) -> None:
        """Remove it; processes that worked there may still be writing."""
        _remove(self.path)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def clear(home: Path) -> None:
    """Remove scratch folders of processes that were killed; those of others stay."""
    for lock in home.glob(f"{PREFIX}*/{_LOCK}"):
        try:
            with lock.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(lock.parent)
        except OSError:  # in use, another user's, or gone already
            continue


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the lock on a folder; None if somebody is removing the folder."""
    lock = folder / _LOCK
    try:
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:  # a file system without locks, on which nobody removes anything either
        return descriptor
    if not lock.exists():
        os.close(descriptor)
        return None
    return descriptor


def _remove(folder: Path) -> None:
    for _ in range(3):
        shutil.rmtree(folder, ignore_errors=True)
