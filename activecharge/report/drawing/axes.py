"""Small additions to matplotlib axes that several figures share."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from activecharge.properties import PROPERTIES
from activecharge.report.drawing.style import GREY, TITLES, looks
from activecharge.texts import milli, milli_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

_TICKS: tuple[list[float], ...] = (
    [1, 2, 5],
    [1, 1.5, 2, 3, 4, 5, 7],
    [1, 1.2, 1.4, 1.7, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 8, 9],
)
"""In units of the decade; the narrower the range, the finer."""


def identity(axis: "Axes", *values: np.ndarray) -> None:
    """Draw y = x as far as the values reach."""
    low = min(float(np.nanmin(v)) for v in values)
    high = max(float(np.nanmax(v)) for v in values)
    axis.plot([low, high], [low, high], color=GREY, lw=1, ls="--", zorder=0)


def dots(
    axis: "Axes", x: np.ndarray, y: np.ndarray, colour: str, label: str, most: int = 20_000
) -> None:
    """Draw faint dots; more than `most` hide one another, so every n-th is drawn then."""
    step = 1 + len(x) // most
    axis.scatter(x[::step], y[::step], s=7, alpha=0.45, lw=0, color=colour, label=label)


def parity_axes(axis: "Axes", name: str, title: str, *values: np.ndarray) -> None:
    """Name the axes of predicted against reference values of a property, and draw y = x."""
    identity(axis, *values)
    symbol, unit = PROPERTIES[name].symbol, PROPERTIES[name].unit
    axis.set(title=title, aspect="equal")
    axis.set(xlabel=f"reference {symbol} [{unit}]", ylabel=f"predicted {symbol} [{unit}]")
    solid_legend(axis)


def error_words(kind: str, name: str, reference: np.ndarray, predicted: np.ndarray) -> str:
    """A legend's words for dots of one kind: "O: MAE 5.3 me"."""
    mae = float(np.nanmean(np.abs(predicted - reference)))
    return f"{kind}: MAE {milli(mae)} {milli_unit(name)}"


def error_axes(axis: "Axes", name: str, xlabel: str = "") -> None:
    """Make the upright axis that of a property's mean absolute error, logarithmic."""
    log_ticks(axis.yaxis)
    axis.set(title=TITLES[name], xlabel=xlabel)
    axis.set_ylabel(f"mean absolute error [{milli_unit(name)}]")


def stacked(
    axis: "Axes",
    index: np.ndarray,
    heights: Mapping[str, Sequence[float]],
    colours: Mapping[str, str],
) -> None:
    """Draw stacked bars over whole numbers, one layer a kind, the legend below."""
    bottom = np.zeros(len(index))
    look = looks(heights, colours)
    for kind, height in heights.items():
        colour, hatch = look[kind]
        axis.bar(
            index,
            height,
            0.7,
            bottom=bottom,
            label=kind,
            color=colour,
            hatch=hatch,
            edgecolor="white",  # of the hatch; an outline would hide thin layers
            linewidth=0,
        )
        bottom += height
    axis.locator_params(axis="x", integer=True, min_n_ticks=1)
    axis.grid(axis="x", visible=False)
    legend_below(axis)


def log_ticks(line: "Axis", limits: tuple[float, float] | None = None) -> None:
    """Make an axis logarithmic, with plain numbers as ticks even when it spans little."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator

    line.axes.set(**{f"{line.axis_name}scale": "log"})  # type: ignore[attr-defined]
    if limits is not None:
        line.axes.set(**{f"{line.axis_name}lim": limits})  # type: ignore[attr-defined]
    low, high = line.get_view_interval()
    coarse, medium, fine = _TICKS
    ticks = coarse if high > 5 * low else medium if high > 2 * low else fine
    line.set_major_locator(LogLocator(subs=ticks))
    line.set_major_formatter(FormatStrFormatter("%g"))
    line.set_minor_locator(LogLocator(subs=()))


def solid_legend(axis: "Axes", **place: object) -> None:
    """Add a legend whose markers can be seen however faint and small the dots are."""
    from matplotlib.collections import PathCollection

    for handle in axis.legend(**place).legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_alpha(1)
            handle.set_sizes([25])


def legend_below(axis: "Axes") -> None:
    """Add a legend under the axes, where it hides no bars."""
    solid_legend(axis, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3)
