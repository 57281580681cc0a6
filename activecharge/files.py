"""Writing files: a crash leaves the old content or the new, never half; one process writes."""

import fcntl
import json
import os
import socket
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from activecharge.errors import UserError

LOCK = "run.lock"
"""In a folder that one process at a time writes to."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def destination(path: Path | str) -> Path:
    """Where a file of this name would be written: a regular file, or a place that is free.

    Symbolic links are followed, so that the link stays and its target is written.

    Parameters
    ----------
    path : path-like
        Nothing is made or changed there.

    Returns
    -------
    pathlib.Path
        `path` itself, or the end of its links.

    Raises
    ------
    UserError
        If something other than a regular file stands there, or links lead in a circle.
    """
    path = Path(path)
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    try:
        mode = target.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return target
    except OSError as error:
        raise UserError(
            f"{path}: cannot be written ({error.strerror}); give another name."
        ) from error
    kind = _KINDS.get(stat.S_IFMT(mode))
    if kind is not None:
        raise UserError(
            f"{path}: is {kind}, which would be replaced; give the name of a file, new or old."
        )
    return target


def check_destination(path: Path | str) -> None:
    """Refuse a name that could not be written later, before anything is spent on its content.

    Raises
    ------
    UserError
        As `destination`, or if the folder that would hold the file cannot take it.
    """
    folder = destination(path).absolute().parent
    while not os.path.lexists(folder):
        folder = folder.parent
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        raise UserError(f"{path}: {folder} is no folder that may be written to; give another name.")


def check_not_input(out: Path | str | None, *inputs: object) -> None:
    """Refuse to write over what is read, whatever name it goes by.

    Parameters
    ----------
    out : path-like or None
    inputs : path-like
        Files, or folders of raw and npy files. What is no path is passed over.

    Raises
    ------
    UserError
        If `out` is one of them, also through links.
    """
    if out is None or not Path(out).exists():
        return
    for given in (Path(path) for path in inputs if isinstance(path, Path | str)):
        files = [*given.rglob("*.raw"), *given.rglob("*.npy")] if given.is_dir() else [given]
        for file in files:
            if file.exists() and file.samefile(out):
                raise UserError(
                    f"{out}: is a file to be read ({file}), which would be lost; give another name."
                )


def write_atomic(path: Path | str, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a temporary file beside `path`, flush it to disk, then rename it.

    Parameters
    ----------
    path : path-like
        Final place, see `destination`; its folder is made if need be.
    write : callable
        Gets the temporary path, which carries the same suffix as the final one.

    Returns
    -------
    pathlib.Path
        The path as given.

    Raises
    ------
    UserError
        If the path is that of a device, a pipe, a socket or a folder.
    """
    target = destination(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".tmp-", suffix=target.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o666 & ~_UMASK)
        _sync(temporary)
        temporary.replace(target)
        _sync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)
    return Path(path)


def write_text(path: Path | str, text: str) -> Path:
    """Write UTF-8 text atomically."""
    return write_atomic(path, lambda p: p.write_text(text, encoding="utf-8"))


def write_json(path: Path | str, data: object) -> Path:
    """Write JSON atomically, keys in the order given."""
    return write_text(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# mkstemp makes files private; the process's umask can only be read by setting it.
_UMASK = os.umask(0)
os.umask(_UMASK)


@contextmanager
def locked(folder: Path, work: str, other: str) -> Iterator[TextIO]:
    """Hold `run.lock` of a folder. The kernel drops it with the process, however that ends.

    Parameters
    ----------
    folder : pathlib.Path
        Made if need be.
    work : str
        What runs in such a folder, as "a campaign".
    other : str
        What to choose another of where this one is not to be had, as "--run-dir".

    Raises
    ------
    UserError
        If the folder cannot be written, or another process holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("a+")
    except OSError as error:
        raise UserError(
            f"{folder}: cannot be written ({error.strerror}); choose another {other}"
        ) from error
    with lock:
        for patience in (True, True, True, False):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if patience:  # `in_use` of another process holds it for a moment
                    time.sleep(0.1)
                    continue
                lock.seek(0)
                owner = lock.read().strip() or "another process"
                raise UserError(
                    f"{folder}: {work} is running here ({owner}); wait for it, stop it, or choose "
                    f"another {other}"
                ) from error
        yield lock


def sign(lock: TextIO) -> None:
    """Say in a lock that this process holds it."""
    lock.truncate(0)
    lock.write(f"process {os.getpid()} on {socket.gethostname()}\n")
    lock.flush()


def in_use(folder: Path) -> bool:
    """Whether a process holds the lock of a folder."""
    try:
        with (folder / LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
