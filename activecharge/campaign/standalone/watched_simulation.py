"""A simulation as people see it: lines, a bar where there is a terminal, and closing words."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from activecharge.campaign.standalone.run_simulation import SETTINGS, carry_out
from activecharge.simulation.guard import UNCERTAIN
from activecharge.simulation.record import TABLE, read_simulation
from activecharge.simulation.running import TRAJECTORY, stage_folder
from activecharge.simulation.simulation_options import SimulationOptions
from activecharge.simulation.telling import Advanced, Outcome
from activecharge.texts import duration

TENTHS = 10
"""Lines on a stage, where there is no bar."""


def run_watched(
    options: SimulationOptions, out: Path, device: str = "cpu", quiet: bool = False
) -> Outcome:
    """Simulate, and show how far it is."""
    assert options.committee is not None
    with _Watch(quiet) as watch:
        return carry_out(options.committee, options, out, None, watch.tell, device)


def closing_words(out: Path, outcome: Outcome) -> str:
    """What a simulation brought, for people."""
    record = read_simulation(out)
    rows, kelvin = len(record.times_fs), record.temperature.mean()
    lines = [f"Stopped: {outcome.ended}."] if outcome.ended else []
    lines += [
        f"{record.stage}: {record.times_fs[-1] / 1000:g} ps, {rows} rows of "
        f"{record.current.shape[1]} replicas, {kelvin:.1f} K on average",
        "",
        out.as_posix(),
    ]
    texts = {
        f"{stage_folder(index, stage)}/": f"{TABLE} and {TRAJECTORY} of the stage"
        for index, stage in enumerate(_options(out).stages)
    } | {SETTINGS: "the settings with every default written out"}
    lines += [f"  {name:<22}{text}" for name, text in texts.items() if (out / name).exists()]
    if outcome.uncertain:
        lines += [
            f"  {UNCERTAIN:<22}{outcome.uncertain} frames beyond the guard's limit. To learn from "
            "them, name them as a source of the next campaign:",
            f"    explore: [{{kind: file, path: {(out / UNCERTAIN).as_posix()}}}]",
        ]
    return "\n".join(lines)


def _options(out: Path) -> SimulationOptions:
    from activecharge.campaign.settings.yaml_file import read_settings
    from activecharge.campaign.standalone.run_simulation import parsed

    return parsed(read_settings(out / SETTINGS, "stages, ..."))


class _Watch:
    """Prints what a simulation tells. Use it as a context, at whose end the bar is gone."""

    def __init__(self, quiet: bool):
        self._terminal = Console(quiet=quiet, highlight=False)
        self._bar = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[text]}"),
            console=self._terminal,
            transient=True,
            disable=not self._terminal.is_terminal,
        )
        self._task: TaskID | None = None
        self._stage, self._tenth = "", -1

    def __enter__(self) -> "_Watch":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tell(self, event: Advanced | str) -> None:
        """Take a sentence, or how far a stage is."""
        if isinstance(event, str):
            self._terminal.print(event, markup=False, soft_wrap=True)
            return
        text = f"{event.time_fs / 1000:.3f} ps, {event.temperature:.0f} K"
        if event.ps_per_day:
            text += f", {event.ps_per_day:.3g} ps a day, {duration(event.seconds_left)} left"
        if self._bar.live.is_started and self._terminal.is_terminal:
            self._show(event, text)
            return
        tenth = TENTHS * event.step // event.steps
        if (event.stage, tenth) != (self._stage, self._tenth):
            self._stage, self._tenth = event.stage, tenth
            self._terminal.print(f"{event.stage}: {text}", markup=False, soft_wrap=True)

    def _show(self, event: Advanced, text: str) -> None:
        if self._task is None or event.stage != self._stage:
            if self._task is not None:
                self._bar.remove_task(self._task)
            self._stage = event.stage
            self._task = self._bar.add_task(event.stage, total=event.steps, text="")
        self._bar.update(self._task, completed=event.step, text=text)
