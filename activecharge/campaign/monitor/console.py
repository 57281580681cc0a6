"""What a person sees of a campaign: one line an event, and bars while something takes time."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from rich.console import Console as Terminal
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from activecharge.campaign.loop.outcomes import (
    Event,
    FrameFailed,
    Noticed,
    StageEnded,
    TrainingBegan,
    Working,
)
from activecharge.campaign.monitor.stage_text import stage_text
from activecharge.execution.dispatcher import Load
from activecharge.execution.execution_log import Died, Fact
from activecharge.jsonl import read_lines
from activecharge.texts import headline

TRAINING = "train"
"""The kind of work whose bars show steps and not items."""


class Console:
    """Prints a campaign's progress; bars only where the output is a terminal.

    Use it as a context, at whose end the bars are gone.
    """

    def __init__(self, quiet: bool = False):
        self._terminal = Terminal(quiet=quiet, highlight=False, stderr=False)
        self._bars = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._terminal,
            transient=True,
            disable=not self._terminal.is_terminal,
        )
        self._shown: dict[str, TaskID] = {}
        self._training: TrainingBegan | None = None
        self._round: int | None = None

    def __enter__(self) -> "Console":
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def line(self, text: str) -> None:
        """Print one line."""
        self._terminal.print(text, markup=False, soft_wrap=True)

    def stage(self, name: str, text: str, seconds: float) -> None:
        """Print what a stage brought."""
        self.line(f"  {name:<8}{seconds:8.1f} s  {text}")

    def tell(self, event: Event) -> None:
        """Take an event of the loop."""
        match event:
            case StageEnded(stage, number, seconds, outcome):
                if number != self._round and stage != "holdout":
                    self._round = number
                    self.line(f"round {number}")
                self.stage(stage, stage_text(outcome), seconds)
            case FrameFailed(failure):
                self.line(f"  quarantined {failure.candidate.hash}: {failure.reason}")
            case Noticed(text):
                self.line(f"  {text}")
            case TrainingBegan():
                self._training = event
            case Working(loads):
                self.working(loads)

    def note(self, fact: Fact) -> None:
        """Of the facts of the execution log, tell of workers and nodes that died."""
        if isinstance(fact, Died):
            self.line(f"  {fact.kind}: {fact.reason}; it is done again")

    def working(self, loads: Mapping[str, Load]) -> None:
        """Show how far each kind of work is."""
        if not self._bars.live.is_started:
            return
        wanted = {
            kind: (kind, load.done, load.done + load.running + load.waiting)
            for kind, load in loads.items()
            if load.running or load.waiting
        }
        if self._training and wanted.pop(TRAINING, None):
            wanted |= _steps(self._training)
        for name in self._shown.keys() - wanted.keys():
            self._bars.remove_task(self._shown.pop(name))
        for name, (text, done, total) in wanted.items():
            if name not in self._shown:
                self._shown[name] = self._bars.add_task(text, total=total)
            self._bars.update(self._shown[name], completed=done, total=total, description=text)


def _steps(training: TrainingBegan) -> dict[str, tuple[str, int, int]]:
    """Text, steps done and all steps of each member in training."""
    found = {}
    for name in training.members:
        entry = last_entry(training.folder / name)
        text = f"{name}  {headline(entry)}" if entry else name
        found[name] = (text, int(entry["step"]) if entry else 0, training.steps)
    return found


def last_entry(member: Path) -> dict[str, float] | None:
    """The newest entry of a member's history; None before the first."""
    entries = read_lines(member / "history.jsonl")
    return entries[-1] if entries else None
