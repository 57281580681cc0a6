"""Small additions to matplotlib axes that several figures share."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from activecharge.report.drawing.style import CYCLE, GREY

BELOW: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16), "ncols": 3}
"""Place of a legend that would hide bars."""
_TICKS: tuple[list[float], ...] = (
    [1, 2, 5],
    [1, 1.5, 2, 3, 4, 5, 7],
    [1, 1.2, 1.4, 1.7, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 8, 9],
)
"""In units of the decade; the narrower the range, the finer."""


def identity(axis: Any, *values: np.ndarray) -> None:
    """Draw y = x as far as the values reach."""
    low = min(float(np.nanmin(v)) for v in values)
    high = max(float(np.nanmax(v)) for v in values)
    axis.plot([low, high], [low, high], color=GREY, lw=1, ls="--", zorder=0)


def stacked(
    axis: Any,
    index: np.ndarray,
    heights: Mapping[str, Sequence[float]],
    colours: Mapping[str, str],
) -> None:
    """Draw stacked bars over whole numbers, one layer a kind, the legend below."""
    bottom = np.zeros(len(index))
    for i, (kind, height) in enumerate(heights.items()):
        colour = colours.get(kind, CYCLE[i % len(CYCLE)])
        axis.bar(index, height, 0.7, bottom=bottom, color=colour, label=kind)
        bottom += height
    axis.locator_params(axis="x", integer=True, min_n_ticks=1)
    axis.grid(axis="x", visible=False)
    axis.legend(**BELOW)


def log_ticks(line: Any, limits: tuple[float, float] | None = None) -> None:
    """Make an axis logarithmic, with plain numbers as ticks even when it spans little."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator

    line.axes.set(**{f"{line.axis_name}scale": "log"})
    if limits is not None:
        line.axes.set(**{f"{line.axis_name}lim": limits})
    low, high = line.get_view_interval()
    coarse, medium, fine = _TICKS
    ticks = coarse if high > 5 * low else medium if high > 2 * low else fine
    line.set_major_locator(LogLocator(subs=ticks))
    line.set_major_formatter(FormatStrFormatter("%g"))
    line.set_minor_locator(LogLocator(subs=()))


def solid_legend(axis: Any, **place: Any) -> None:
    """Add a legend whose markers are opaque however faint the dots are."""
    for handle in axis.legend(**place).legend_handles:
        handle.set_alpha(1)
