"""What a person sees of a campaign: one line an event, and bars while something takes time."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console as Terminal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from activecharge.learning.training_options import TrainingOptions
from activecharge.records import Failure
from activecharge.texts import headline


class Console:
    """Prints a campaign's progress; bars only where the output is a terminal."""

    def __init__(self, quiet: bool = False):
        self._terminal = Terminal(quiet=quiet, highlight=False, stderr=False)

    def line(self, text: str) -> None:
        """Print one line."""
        self._terminal.print(text, markup=False, soft_wrap=True)

    def stage(self, name: str, text: str, seconds: float | None = None) -> None:
        """Print what a stage brought."""
        time = "" if seconds is None else f"{seconds:7.1f} s"
        self.line(f"  {name:<8}{time:>10}  {text}")

    def failed(self, failure: Failure) -> None:
        """Say that a configuration has no label, and why."""
        self.line(f"  quarantined {failure.candidate.hash}: {failure.reason}")

    def mishap(self, fact: str, values: Mapping[str, Any]) -> None:
        """Of all `facts.Facts`, tell of workers and nodes that died."""
        if fact == "mishap":
            self.line(f"  {values['kind']}: {values['reason']}; it is done again")

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        """A bar over `total` pieces of work; the function given advances it by one."""
        with self._bars() as bars:
            task = bars.add_task(title, total=total)
            yield lambda: bars.advance(task)

    @contextmanager
    def training(
        self, folder: Path, members: Sequence[str], options: TrainingOptions, warm: bool
    ) -> Iterator[Callable[[], None]]:
        """A bar for each member's steps; the function given looks how far they are."""
        steps = options.warm_steps if warm else options.steps
        with self._bars() as bars:
            tasks = {name: bars.add_task(name, total=steps) for name in members}

            def look() -> None:
                for name, task in tasks.items():
                    entry = last_entry(folder / name / "history.jsonl")
                    if entry:
                        text = f"{name}  {headline(entry)}"
                        bars.update(task, completed=int(entry["step"]), description=text)

            yield look

    def _bars(self) -> Progress:
        return Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._terminal,
            transient=True,
            disable=not self._terminal.is_terminal,
        )


def last_entry(history: Path) -> dict[str, float] | None:
    """The newest whole line of a member's history."""
    try:
        lines = history.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    for line in reversed(lines):
        try:
            return json.loads(line)
        except ValueError:
            continue
    return None
