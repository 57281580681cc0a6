"""What the couplings of a comparison cost: figure and table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from activecharge.report.couplings.comparison import Comparison, Cost
from activecharge.report.drawing.axes import log_ticks
from activecharge.report.drawing.render import Table
from activecharge.report.drawing.style import CYCLE, canvas, milli

MARKERS = "osD^vP*X"
"""One a scheme, in order."""


def scheme_colours(comparison: Comparison) -> dict[str, str]:
    """Give each scheme a colour."""
    return {scheme: CYCLE[i % len(CYCLE)] for i, scheme in enumerate(comparison.schemes)}


def cost(comparison: Comparison, path: Path) -> bool:
    """Draw wall times against system size, and of a training step.

    Parameters
    ----------
    comparison : Comparison
    path : pathlib.Path
        The PNG.

    Returns
    -------
    bool
        Whether there was anything to draw.
    """
    if not (comparison.predicting and comparison.training):
        return False
    colours, first = scheme_colours(comparison), comparison.schemes[0]
    base = {c.atoms: c.seconds for c in comparison.predicting if c.scheme == first}
    with canvas(path, 3, (12.0, 3.8)) as axes:
        for scheme, marker in zip(comparison.schemes, MARKERS, strict=False):
            of = [c for c in comparison.predicting if c.scheme == scheme]
            atoms = [c.atoms for c in of]
            look: dict[str, Any] = {"color": colours[scheme], "marker": marker, "label": scheme}
            axes[0].plot(atoms, [1000 * c.seconds for c in of], **look)
            axes[1].plot(atoms, [c.seconds / base[c.atoms] for c in of], **look)
        for axis in axes[:2]:
            axis.set(xscale="log", xlabel="atoms in the box")
            axis.set_xticks(list(base), [str(n) for n in base])
            axis.set_xticks([], minor=True)
        log_ticks(axes[0].yaxis)
        axes[0].set(title="one prediction of E, F, q, Z", ylabel="time [ms]")
        axes[1].set(title="the same, relative", ylabel=f"time / time of {first}")
        axes[1].set_ylim(bottom=0)
        _bars(axes[2], comparison.training, colours)
        axes[0].legend()
    return True


def _bars(axis: Any, training: tuple[Cost, ...], colours: Mapping[str, str]) -> None:
    names = [c.scheme for c in training]
    axis.bar(names, [1000 * c.seconds for c in training], 0.7, color=[colours[n] for n in names])
    axis.set(title=f"one training step, {training[0].atoms} atoms", ylabel="time [ms]")
    axis.set_xticks(range(len(names)), names, rotation=40, ha="right")
    axis.grid(axis="x", visible=False)


def cost_table(comparison: Comparison) -> Table:
    """Tabulate wall times of predictions and training steps, and their ratios to the first."""
    times: dict[str, dict[str, float]] = {scheme: {} for scheme in comparison.schemes}
    header: dict[str, None] = {}
    for kind, costs in (("predict", comparison.predicting), ("train", comparison.training)):
        for cost in costs:
            column = f"{kind}, {cost.atoms} atoms [ms]"
            header[column] = None
            times[cost.scheme][column] = cost.seconds
    first = comparison.schemes[0]
    rows = []
    for scheme, found in times.items():
        row = [scheme]
        for column in header:
            row += [milli(found[column]), f"{found[column] / times[first][column]:.2f}"]
        rows.append(row)
    return Table(["scheme", *(text for column in header for text in (column, "ratio"))], rows)
