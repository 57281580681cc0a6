"""What ran when and where, one JSON line each: for watchers, and to outlive the cluster."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from activecharge.jsonl import LineReader, append_line

EVERY = 5.0
"""Least time between two lines on the load [s]."""


@dataclass(frozen=True)
class Ended:
    """An item of work that has ended: its kind, when it began [s since 1970], how long it took [s],
    and on which node."""

    fact: ClassVar = "piece"
    kind: str
    begun: float
    seconds: float
    node: str


@dataclass(frozen=True)
class Died:
    """A worker or node that died; its items are done again through no fault of their own."""

    fact: ClassVar = "mishap"
    kind: str
    reason: str


@dataclass(frozen=True)
class LoadLine:
    """How much is under way: items that run and that wait, by kind; resources in use and there."""

    fact: ClassVar = "load"
    running: dict[str, int]
    waiting: dict[str, int]
    used: dict[str, float]
    total: dict[str, float]


Fact = Ended | Died | LoadLine

_FACTS: dict[str, type[Ended | Died | LoadLine]] = {c.fact: c for c in (Ended, Died, LoadLine)}


class ExecutionLog:
    """Writes facts as they happen; no work depends on them.

    Parameters
    ----------
    path : pathlib.Path or None
        None to keep nothing.

    Attributes
    ----------
    listeners : list of callable
        Told each fact, too.
    """

    def __init__(self, path: Path | None):
        self.path = path
        self.listeners: list[Callable[[Fact], None]] = []
        self._last_load = 0.0

    def ended(self, kind: str, begun: float, seconds: float, node: str) -> None:
        """Note an item of work that has ended."""
        self._write(Ended(kind, round(begun, 3), round(seconds, 4), node))

    def died(self, kind: str, reason: str) -> None:
        """Note that an item of work has to be done again."""
        self._write(Died(kind, reason))

    def load(
        self,
        running: Mapping[str, int],
        waiting: Mapping[str, int],
        used: Mapping[str, float],
        total: Mapping[str, float],
    ) -> None:
        """Note how much is under way, unless that was done a moment ago."""
        if time.monotonic() - self._last_load > EVERY:
            self._last_load = time.monotonic()
            self._write(LoadLine(dict(running), dict(waiting), dict(used), dict(total)))

    def _write(self, fact: Fact) -> None:
        for listener in self.listeners:
            listener(fact)
        if self.path is not None:
            moment = {"time": round(time.time(), 3), "fact": fact.fact}
            append_line(self.path, moment | asdict(fact))


@dataclass(frozen=True)
class Noted:
    """A fact, and when it was written [s since 1970]."""

    time: float
    fact: Fact


class LogReader:
    """Reads what `ExecutionLog` writes, each fact once.

    Parameters
    ----------
    path : pathlib.Path
    """

    def __init__(self, path: Path):
        self._lines = LineReader(path)

    def read(self) -> list[Noted]:
        """Facts that are new since the last call, oldest first; none without a file."""
        return [noted for entry in self._lines.read() if (noted := _noted(entry))]


def read_log(path: Path) -> list[Noted]:
    """All facts, oldest first."""
    return LogReader(path).read()


def _noted(entry: dict[str, Any]) -> Noted | None:
    """None where the line is none of this program's."""
    kind = _FACTS.get(entry.pop("fact", ""))
    moment = entry.pop("time", None)
    if kind is None or moment is None or entry.keys() != kind.__annotations__.keys() - {"fact"}:
        return None
    return Noted(moment, kind(**entry))
