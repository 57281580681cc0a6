"""How a process ends: mistakes with a sentence and code 2, faults of ours with a log and code 1."""

import contextlib
import errno
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from activecharge import __version__
from activecharge.errors import INTERRUPTED, WAITING, OutputsMissing, UserError

PLEASE_TELL = (
    "this is a fault of the program: please tell it on the project's issue tracker, with that "
    f"report and the version ({__version__})"
)
"""Where a fault of ours is reported."""


@contextlib.contextmanager
def exits(folder: Path | None = None) -> Iterator[None]:
    """End the process in good order if what is done inside fails.

    Parameters
    ----------
    folder : pathlib.Path, optional
        Where the log of a fault goes; the current folder where this one is absent.
    """
    try:
        yield
    except KeyboardInterrupt:
        _end("stopped; give the same command again to go on", INTERRUPTED)
    except OutputsMissing as waiting:
        _end(f"waiting: {waiting}", WAITING)
    except Exception as error:
        mistake = _mistake(error)
        if mistake is not None:
            _end(f"error: {mistake}" if mistake else "", 2)
        log = (folder if folder and folder.is_dir() else Path()).absolute() / "error.log"
        try:
            log.write_text(traceback.format_exc(), encoding="utf-8")
            where = f"the full report is in {log}; {PLEASE_TELL}"
        except OSError:
            where = f"{traceback.format_exc()}{PLEASE_TELL}"
        _end(f"error: {type(error).__name__}: {error}; {where}", 1)


def _mistake(error: Exception) -> str | None:
    """The sentence for the user, if it is theirs to mend."""
    if isinstance(error, UserError):
        return str(error)
    # Typer brings its own copy of click or not; what is wrong with arguments has this method.
    if callable(tell := getattr(error, "format_message", None)):
        return tell()
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if isinstance(error, OSError) and (error.filename or full):
        where = error.filename or "a file could not be written"
        return f"{where}: {error.strerror}; see that there is room and it may be written"
    return None


def _end(text: str, code: int) -> NoReturn:
    if text:
        sys.stderr.write(f"{text}\n")
    sys.exit(code)
