"""A live view of a campaign, from its files alone."""

import math
import time
from collections.abc import Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.monitor.progress import Curve, Observer, Progress
from activecharge.execution.execution_log import LoadLine
from activecharge.properties import PROPERTIES
from activecharge.texts import duration, milli, milli_unit

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 24
"""Characters of a bar or a curve."""


def watch(run: RunDirectory, every: float = 3.0, console: Console | None = None) -> None:
    """Show how a campaign comes along until it has ended, or the user has seen enough.

    Parameters
    ----------
    run : RunDirectory
    every : float
        Time between two looks [s].
    console : rich.console.Console, optional
        Where to show it; standard output by default.
    """
    observer = Observer(run)
    progress = observer.look()
    with Live(view(progress, run), console=console, auto_refresh=False) as live:
        while progress.status.state != "finished":
            try:
                time.sleep(every)
            except KeyboardInterrupt:  # the campaign goes on without us
                return
            progress = observer.look()
            live.update(view(progress, run), refresh=True)


def view(progress: Progress, run: RunDirectory) -> RenderableType:
    """A moment of a campaign, drawn."""
    facts = Table.grid(padding=(0, 2))
    for title, content in _facts(progress):
        facts.add_row(Text(title, style="dim"), content)
    parts: list[RenderableType] = [_headline(progress), facts]
    if progress.curves:
        parts += [Text(f"\nmembers of round {progress.round_trained}", "dim"), _curves(progress)]
    if progress.errors or progress.control:
        parts.append(Text("\nerrors (MAE): test set by round, last control labels", "dim"))
        parts.append(_errors(progress, run.campaign.stop.target.model_dump(exclude_none=True)))
    return Group(*parts)


def _headline(progress: Progress) -> Text:
    found = progress.status
    colour = {"running": "green", "finished": "cyan"}.get(found.state, "yellow")
    text = Text.assemble((found.name, "bold"), "  ", (found.state, colour))
    if found.stop_reason:
        text.append(f": {found.stop_reason}")
    elif found.state == "running":
        text.append(f" for {duration(progress.elapsed)}")
    elif progress.load:  # not all file systems tell of a lock that another machine holds
        text.append(" a moment ago, or running on another machine")
    return text.append(f"; last sign of life {duration(progress.silence)} ago")


def _facts(progress: Progress) -> Iterator[tuple[str, RenderableType]]:
    found, load = progress.status, progress.load
    running = load.running.get("label", 0) if load else 0
    yield "directory", found.run_dir
    yield "rounds", str(found.rounds)
    if budget := found.label_budget:
        yield "labels", _bar(found.labels, budget, f"{found.labels} of {budget}")
    else:
        yield "labels", str(found.labels)
    yield (
        "",
        f"{running} in flight, {max(found.pending - running, 0)} waiting, "
        f"{found.quarantined} failed, {found.test_labels} held out for the test",
    )
    if found.state != "finished":
        yield "left", _left(progress)
        if progress.per_hour > 0:
            yield "pace", f"{progress.per_hour:,.0f} labels an hour"
    for name, total in sorted(load.total.items()) if load else ():
        if name in ("CPU", "GPU") and total:
            used = min(load.used.get(name, 0.0), total)  # type: ignore[union-attr]
            yield f"{name}s busy", _bar(used, total, f"{used:g} of {total:g}")
    if load:
        yield "workers", _work(load)
    elif found.state != "finished":
        yield "workers", "idle, as far as the files tell"
    if progress.deaths:
        yield "deaths", f"{progress.deaths} of workers or nodes, the last: {progress.last_death}"


def _left(progress: Progress) -> str:
    found, parts = progress.status, []
    if found.label_budget:
        parts.append(f"{max(found.label_budget - found.labels, 0)} labels")
    if not math.isnan(progress.left):
        parts.append(f"at most about {duration(progress.left)} at this pace")
    return ", ".join(parts) or "no telling yet"


def _work(load: LoadLine) -> str:
    parts = [
        f"{kind} {running}"
        + (f" (+{load.waiting[kind]} waiting)" if load.waiting.get(kind) else "")
        for kind, running in load.running.items()
        if running or load.waiting.get(kind)
    ]
    return ", ".join(parts) or "idle"


def _bar(done: float, total: float, text: str) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_row(ProgressBar(total=total, completed=min(done, total), width=WIDTH), text)
    return grid


def _curves(progress: Progress) -> Table:
    table = Table(box=None)
    names = [name for name in PROPERTIES if any(name in c.entries[-1] for c in _begun(progress))]
    headings = ["member", "step", "validation loss", ""]
    headings += [f"{PROPERTIES[n].symbol} [{milli_unit(n)}]" for n in names]
    for heading in headings:
        table.add_column(Text(heading), justify="right" if heading else "left")
    for curve in progress.curves:
        if not curve.entries:
            table.add_row(curve.name, f"0/{curve.steps}")
            continue
        last = curve.entries[-1]
        losses = [entry["valid_loss"] for entry in curve.entries]
        errors = [milli(last.get(name), 1) for name in names]
        step = f"{last['step']:.0f}/{curve.steps}"
        table.add_row(curve.name, step, f"{losses[-1]:.4g}", sparkline(losses), *errors)
    return table


def _begun(progress: Progress) -> list[Curve]:
    return [curve for curve in progress.curves if curve.entries]


def _errors(progress: Progress, targets: dict[str, float]) -> Table:
    table = Table(box=None)
    table.add_column("")
    for heading in (*map(str, progress.errors), "control", "target", "unit"):
        table.add_column(heading, justify="right")
    for name in PROPERTIES:
        found = [errors.get(name) for errors in progress.errors.values()]
        control, target = progress.control.get(name), targets.get(name)
        if any(value is not None for value in (*found, control)):
            met = control is not None and target is not None and control <= target
            style = "green" if met else "default"
            test = [milli(value, 1) for value in found]
            last = Text(milli(control, 1), style)
            table.add_row(name, *test, last, milli(target, 1), milli_unit(name))
    return table


def sparkline(values: Sequence[float]) -> str:
    """A curve of numbers in one line, on a logarithmic scale; gaps where there is none."""
    step = max(1, math.ceil(len(values) / WIDTH))
    kept = list(values[::-1][::step])[::-1]  # the newest always
    logs = [math.log(x) if 0 < x < math.inf else math.nan for x in kept]
    finite = [x for x in logs if not math.isnan(x)]
    low, span = min(finite, default=0.0), max(finite, default=0.0) - min(finite, default=0.0)
    top = len(BARS) - 1
    return "".join(
        " " if math.isnan(x) else BARS[round(top * (x - low) / span) if span else 0] for x in logs
    )
