"""What ran when and where, one JSON line each: for watchers, and to outlive the cluster."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

EVERY = 5.0
"""Least time between two lines on the load [s]."""


class Facts:
    """Lines on finished pieces of work, mishaps and load; a campaign does not depend on them.

    Every line has "time", seconds since 1970, and "fact":

    - "piece": "kind" of work, "begun", "seconds", "node";
    - "mishap": a worker or node that died, with "kind" of work and "reason";
    - "load": "running" and "waiting" pieces by kind, "used" and "total" resources.

    Parameters
    ----------
    path : pathlib.Path or None
        None to keep nothing.

    Attributes
    ----------
    listeners : list of callable
        Told each fact and its values, too.
    """

    def __init__(self, path: Path | None):
        self.path = path
        self.listeners: list[Callable[[str, Mapping[str, Any]], None]] = []
        self._last_load = 0.0

    def piece(self, kind: str, begun: float, seconds: float, node: str) -> None:
        """Note a piece of work that has ended."""
        self._write("piece", kind=kind, begun=round(begun, 3), seconds=round(seconds, 4), node=node)

    def mishap(self, kind: str, reason: str) -> None:
        """Note that a piece of work has to be done again through no fault of its own."""
        self._write("mishap", kind=kind, reason=reason)

    @property
    def due(self) -> bool:
        """Whether it is time for a line on the load."""
        return time.monotonic() - self._last_load > EVERY

    def load(
        self,
        running: Mapping[str, int],
        waiting: Mapping[str, int],
        used: Mapping[str, float],
        total: Mapping[str, float],
    ) -> None:
        """Note how much is under way, unless that was done a moment ago."""
        if self.due:
            self._last_load = time.monotonic()
            self._write(
                "load", running=running, waiting=waiting, used=dict(used), total=dict(total)
            )

    def _write(self, fact: str, **values: Any) -> None:
        for listener in self.listeners:
            listener(fact, values)
        if self.path is not None:
            line = json.dumps({"time": round(time.time(), 3), "fact": fact, **values})
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")


class FactsReader:
    """Reads what `Facts` writes, each line once.

    Parameters
    ----------
    path : pathlib.Path
    """

    def __init__(self, path: Path):
        self._path, self._position = path, 0

    def read(self) -> list[dict[str, Any]]:
        """Whole lines that are new since the last call, oldest first; none without a file."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._position)
                text = file.read()
        except FileNotFoundError:
            return []
        whole = text[: text.rfind(b"\n") + 1]
        self._position += len(whole)
        found = []
        for line in whole.split(b"\n"):
            try:
                entry = json.loads(line)
            except ValueError:  # cut short by a kill
                continue
            if isinstance(entry, dict) and "fact" in entry:
                found.append(entry)
        return found


def read_facts(path: Path) -> list[dict[str, Any]]:
    """All whole lines that `Facts` wrote, oldest first; none where there is no file."""
    return FactsReader(path).read()
