"""The executor that settings ask for."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from activecharge.execution.execution_log import ExecutionLog
from activecharge.execution.executor import Executor
from activecharge.execution.inline import InlineExecutor
from activecharge.execution.resources import Resources


@dataclass(frozen=True)
class Workplace:
    """Where work runs.

    Attributes
    ----------
    kind : {"ray", "inline"}
        On Ray, or in this process.
    cpus : int or None
        CPUs of a Ray that is started on this machine; None for all.
    address : str or None
        Of a Ray cluster, host:port or "auto"; None to start Ray here.
    node : mapping
        What this process is taken to have, for "inline".
    keys : mapping
        The setting that asks for each resource, for sentences.
    """

    kind: Literal["ray", "inline"] = "inline"
    cpus: int | None = None
    address: str | None = None
    node: Resources = field(default_factory=lambda: {"CPU": 1.0})
    keys: Mapping[str, str] = field(default_factory=dict)


@contextlib.contextmanager
def open_executor(place: Workplace, log: ExecutionLog | None = None) -> Iterator[Executor]:
    """An executor, closed at the end.

    Parameters
    ----------
    place : Workplace
    log : ExecutionLog, optional
        Where it is noted what ran when and where.
    """
    executor: Executor
    if place.kind == "inline":
        executor = InlineExecutor(place.node, log)
    else:
        from activecharge.execution.ray_connection import connect
        from activecharge.execution.ray_executor import RayExecutor

        executor = RayExecutor(connect(place.cpus, place.address), log, place.keys)
    try:
        yield executor
    finally:
        executor.close()


def local_workers(count: int) -> Workplace:
    """So many workers of one CPU each on this machine; one alone is this process."""
    return Workplace("ray" if count > 1 else "inline", cpus=count)
