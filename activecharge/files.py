"""Writing files so that a crash leaves either the old content or the new, never half."""

import json
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from activecharge.errors import UserError

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
