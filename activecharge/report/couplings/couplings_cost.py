"""What the couplings of a comparison cost: figure and table."""

from typing import TYPE_CHECKING

from activecharge.report.couplings.comparison import Comparison
from activecharge.report.drawing.axes import log_ticks
from activecharge.report.drawing.figure import Figure, Panel
from activecharge.report.drawing.style import CYCLE
from activecharge.report.pages.blocks import Table
from activecharge.texts import milli

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "osD^vP*X"
"""One a scheme, in order."""


def scheme_colours(comparison: Comparison) -> dict[str, str]:
    """Give each scheme a colour."""
    return {scheme: CYCLE[i % len(CYCLE)] for i, scheme in enumerate(comparison.schemes)}


def cost(comparison: Comparison) -> list[Panel]:
    """Wall times against system size, and of a training step."""
    if not (comparison.predicting and comparison.training):
        return []
    first = comparison.schemes[0]
    base = {c.atoms: c.seconds for c in comparison.predicting if c.scheme == first}

    def predictions(title: str, ylabel: str, relative: bool) -> Panel:
        def draw(axis: "Axes") -> None:
            colours = scheme_colours(comparison)
            for scheme, marker in zip(comparison.schemes, MARKERS, strict=False):
                of = [c for c in comparison.predicting if c.scheme == scheme]
                times = [c.seconds / base[c.atoms] if relative else 1000 * c.seconds for c in of]
                atoms = [c.atoms for c in of]
                axis.plot(atoms, times, color=colours[scheme], marker=marker, label=scheme)
            axis.set(xscale="log", xlabel="atoms in the box", title=title, ylabel=ylabel)
            axis.set_xticks(list(base), [str(n) for n in base])
            axis.set_xticks([], minor=True)
            if relative:
                axis.set_ylim(bottom=0)
            else:
                log_ticks(axis.yaxis)

        return draw

    return [
        predictions("one prediction of E, F, q, Z", "time [ms]", relative=False),
        predictions("the same, relative", f"time / time of {first}", relative=True),
        lambda axis: _training(axis, comparison),
    ]


COST: Figure[Comparison] = Figure(
    file="cost.png",
    title="Cost",
    reading="Wall time of one prediction of energy, forces, charges and Born effective charges of "
    "a box of water, the same relative to the scheme that is listed first, and of one training "
    "step: the shortest of several, the schemes taking turns in one process.",
    panels=cost,
    legend=True,
)


def _training(axis: "Axes", comparison: Comparison) -> None:
    training, colours = comparison.training, scheme_colours(comparison)
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
