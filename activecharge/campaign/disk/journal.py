"""The journal: what happened when, one JSON line an event, appended and flushed to disk."""

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from activecharge.jsonl import append_line, read_lines


class Journal:
    """Append-only event log of a run directory.

    It explains and times a campaign; what is *true* of a campaign is in its other files, so a
    lost last line costs nothing.
    """

    def __init__(self, path: Path):
        self.path = path

    def append(self, event: str, **facts: object) -> None:
        """Add one event with the present time (UTC)."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        append_line(self.path, {"time": now, "event": event, **facts}, durable=True)

    def events(self) -> list[dict[str, Any]]:
        """All whole events, oldest first."""
        return [entry for entry in read_lines(self.path) if "event" in entry]
