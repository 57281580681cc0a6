"""Ray on this machine: started in a short private folder, whatever the surroundings are like."""

import contextlib
import logging
import os
import re
import resource
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from activecharge.errors import UserError
from activecharge.scratch import Scratch

OBJECT_STORE = 512 * 1024**2
"""Shared memory of a Ray on this machine [bytes]; datasets of this field are small."""

LONGEST = 32
"""Letters of a folder's path: Ray adds 65 for its sockets, and the kernel takes 107."""

PLAIN = re.compile(r"[A-Za-z0-9/._-]+")
"""Paths that all of Ray's processes can read from their command lines."""

DESCRIPTORS = 65536
"""Open files that Ray's processes may need at most; they inherit our limit."""


def start_here(cpus: int | None) -> Scratch:
    """Start Ray; returns its folder, to be removed in the end.

    Raises
    ------
    UserError
        If it does not start, not even at the second try.
    """
    import ray

    _raise_descriptor_limit()
    for last in (False, True):
        folder = _make_folder()
        try:
            ray.init(
                address="local",
                num_cpus=cpus,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                object_store_memory=OBJECT_STORE,
                _node_ip_address="127.0.0.1",
                _temp_dir=str(folder.path),
            )
            return folder
        except Exception as error:
            _stop(ray)
            folder.remove()
            if last:
                text = str(error).strip().splitlines() or [type(error).__name__]
                raise UserError(
                    f"executor: Ray did not start on this machine ({text[0][:200]}); run again, or "
                    "set executor.kind to inline to do without it"
                ) from error
    raise AssertionError("the last try returns or raises")


def _stop(ray: ModuleType) -> None:
    with contextlib.suppress(Exception):  # half of it is there at most
        ray.shutdown()


def _make_folder() -> Scratch:
    """A new folder with a short path that nobody else may read."""
    for home in _homes():
        try:
            return Scratch(home)
        except OSError:
            continue
    raise UserError(
        "executor: Ray needs a folder for its sockets that may be written to and whose path has at "
        f"most {LONGEST} plain letters; set TMPDIR to one, or set executor.kind to inline"
    )


def _homes() -> Iterator[Path]:
    """Where the folder may lie, the user's choice first."""
    for name in (os.environ.get("RAY_TMPDIR"), os.environ.get("TMPDIR"), "/tmp", "/var/tmp"):
        if name and len(name) <= LONGEST and PLAIN.fullmatch(name) and Path(name).is_dir():
            yield Path(name)


def _raise_descriptor_limit() -> None:
    """Have as many open files as the machine allows; shells often start with fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
