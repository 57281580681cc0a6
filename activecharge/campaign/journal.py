"""The journal: what happened when, one JSON line an event, appended and flushed to disk."""

import json
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any


class Journal:
    """Append-only event log of a run directory.

    It explains and times a campaign; what is *true* of a campaign is in its other files, so a
    lost last line costs nothing.
    """

    def __init__(self, path: Path):
        self.path = path

    def append(self, event: str, **facts: Any) -> None:
        """Add one event with the present time (UTC)."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        line = json.dumps({"time": now, "event": event, **facts}, ensure_ascii=False)
        with self.path.open("a+b") as file:
            # A kill may have cut the line before short: start on a fresh one.
            file.seek(0, os.SEEK_END)
            torn = False
            if file.tell():
                file.seek(-1, os.SEEK_END)
                torn = file.read(1) != b"\n"
            file.write((b"\n" if torn else b"") + line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def events(self) -> list[dict[str, Any]]:
        """All whole events, oldest first; a line that a kill cut short is passed over."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        events = []
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:  # also where the cut went through a letter of several bytes
                continue
            if isinstance(event, dict) and "event" in event:
                events.append(event)
        return events
