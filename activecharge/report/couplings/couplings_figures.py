"""The figures of a comparison of couplings: each draws one PNG, or nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from activecharge.properties import PROPERTIES
from activecharge.report.couplings.comparison import COMPARED, GROUPS, Comparison
from activecharge.report.couplings.couplings_cost import MARKERS, cost, scheme_colours
from activecharge.report.drawing.axes import identity, log_ticks, solid_legend
from activecharge.report.drawing.style import (
    BLUE,
    GREY,
    TITLES,
    VERMILLION,
    canvas,
    milli,
    milli_unit,
)
from activecharge.report.metrics import match

_GROUP_COLOURS = dict(zip(GROUPS, (BLUE, VERMILLION), strict=True))
_MOST_POINTS = 6_000
"""More dots than this hide one another; every n-th is drawn then."""


def errors(comparison: Comparison, path: Path) -> bool:
    """Draw the errors of all schemes, clusters and bulk apart.

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
    shown = _known(comparison)
    schemes = comparison.schemes
    with canvas(path, len(shown), (0.4 + 2.9 * len(shown), 3.8)) as axes:
        for axis, name in zip(axes, shown, strict=True):
            for shift, (group, found) in zip(
                (-0.12, 0.12), comparison.errors.items(), strict=False
            ):
                known = [i for i, scheme in enumerate(schemes) if name in found[scheme]]
                mae = [found[schemes[i]][name]["mae"] for i in known]
                axis.errorbar(
                    np.array(known) + shift,
                    [1000 * e["mean"] for e in mae],
                    [1000 * (e["std"] or 0.0) for e in mae],
                    fmt=MARKERS[GROUPS.index(group)],
                    color=_GROUP_COLOURS[group],
                    capsize=3,
                    label=group,
                )
            log_ticks(axis.yaxis)
            axis.set(title=TITLES[name], ylabel=f"mean absolute error [{milli_unit(name)}]")
            axis.set_xticks(range(len(schemes)), schemes, rotation=40, ha="right")
            axis.set_xlim(-0.5, len(schemes) - 0.5)
            axis.grid(axis="x", visible=False)
        _legend_below(axes)
    return True


def sizes(comparison: Comparison, path: Path) -> bool:
    """Draw the errors by number of molecules, bulk on the right.

    Parameters, returns: as `errors`.
    """
    counts = list(comparison.sizes)
    if len(counts) < 2:
        return False
    shown, colours = _known(comparison), scheme_colours(comparison)
    bulk = comparison.errors.get("bulk", {})
    right = counts[-1] + max(1.5, 0.12 * counts[-1])
    with canvas(path, len(shown), (0.4 + 2.9 * len(shown), 3.8)) as axes:
        for axis, name in zip(axes, shown, strict=True):
            for scheme, marker in zip(comparison.schemes, MARKERS, strict=False):
                found = comparison.errors_by_size(scheme, name)
                look: dict[str, Any] = {"color": colours[scheme], "marker": marker}
                mae = 1000 * np.array(list(found.values()))
                axis.plot(list(found), mae, ms=4, lw=1.4, label=scheme, **look)
                if name in bulk.get(scheme, {}):
                    axis.plot(right, 1000 * bulk[scheme][name]["mae"]["mean"], ms=6, ls="", **look)
            log_ticks(axis.yaxis)
            axis.set(title=TITLES[name], xlabel="molecules in the cluster")
            axis.set_ylabel(f"mean absolute error [{milli_unit(name)}]")
            _size_ticks(axis, counts, right if bulk else None)
        _legend_below(axes)
    return True


def screening(comparison: Comparison, path: Path) -> bool:
    """Draw screening factors by element and size.

    Parameters, returns: as `errors`.
    """
    found = list(comparison.screening())
    if not found:
        return False
    elements = list(dict.fromkeys(s.element for s in found))
    counts, colours = list(comparison.sizes), scheme_colours(comparison)
    right = (counts[-1] if counts else 0) + 2
    with canvas(path, len(elements), (0.6 + 4.6 * len(elements), 4.0)) as axes:
        for axis, element in zip(axes, elements, strict=True):
            for scheme, value in comparison.shared_factors.items():
                look: dict[str, Any] = {"color": colours[scheme], "ls": "--", "lw": 1.4}
                axis.axhline(value, label=f"{scheme}: {value:.3f} for all atoms", **look)
            for scheme in dict.fromkeys(s.scheme for s in found):
                parts = [s for s in found if (s.scheme, s.element) == (scheme, element)]
                places = [right if s.molecules is None else s.molecules for s in parts]
                _boxes(axis, places, [s.factors for s in parts], colours[scheme], scheme)
            axis.set(title=f"screening factors of {element}", xlabel="molecules in the cluster")
            axis.set_ylabel("γ [dimensionless]")
            _size_ticks(axis, counts, right if "bulk" in comparison.groups else None)
        low = min(axis.get_ylim()[0] for axis in axes)
        high = max(axis.get_ylim()[1] for axis in axes)
        for axis in axes:
            axis.set_ylim(low, high)
        _legend_below(axes)
    return True


def parity(name: str) -> Callable[[Comparison, Path], bool]:
    """Make the figure of predicted against reference values of a property.

    It takes and returns what `errors` does: a panel a scheme, the first seed of each.
    """

    def draw(comparison: Comparison, path: Path) -> bool:
        if name not in _known(comparison):
            return False
        schemes = comparison.schemes
        spec = PROPERTIES[name]
        with canvas(path, len(schemes), (0.4 + 2.7 * len(schemes), 3.4)) as axes:
            for axis, scheme in zip(axes, schemes, strict=True):
                outcome = comparison.of(scheme)[0]
                ends = []
                for group, indices in comparison.groups.items():
                    labels = [comparison.labels[i] for i in indices]
                    found = match(name, labels, [outcome.predictions[i] for i in indices])
                    x, y = found.reference.ravel(), found.predicted.ravel()
                    if not len(x):
                        continue
                    step = 1 + len(x) // _MOST_POINTS
                    mae = milli(float(np.nanmean(np.abs(y - x))))
                    text = f"{group}: MAE {mae} {milli_unit(name)}"
                    look: dict[str, Any] = {"color": _GROUP_COLOURS[group], "label": text}
                    axis.scatter(x[::step], y[::step], s=6, alpha=0.35, lw=0, **look)
                    ends += [x, y]
                identity(axis, *ends)
                axis.set(
                    title=scheme, aspect="equal", xlabel=f"reference {spec.symbol} [{spec.unit}]"
                )
                solid_legend(axis, handletextpad=0.1, loc="upper left", fontsize=8)
            axes[0].set_ylabel(f"predicted {spec.symbol} [{spec.unit}]")
        return True

    return draw


FIGURES: dict[str, Callable[[Comparison, Path], bool]] = {
    "errors.png": errors,
    "sizes.png": sizes,
    "screening.png": screening,
    "parity_charges.png": parity("charges"),
    "parity_bec.png": parity("bec"),
    "cost.png": cost,
}
"""All figures by file name, in the order of the page."""


def _known(comparison: Comparison) -> list[str]:
    """Properties that some held-out label has."""
    groups = comparison.errors.values()
    return [n for n in COMPARED if any(n in found for g in groups for found in g.values())]


def _boxes(
    axis: Any, places: list[int], factors: list[np.ndarray], colour: str, label: str
) -> None:
    """Quartile boxes with whiskers from the 5th to the 95th percentile."""
    line = {"color": colour, "linewidth": 1.2}
    artists = axis.boxplot(
        factors,
        positions=places,
        widths=0.6,
        whis=(5, 95),
        showfliers=False,
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": colour, "alpha": 0.35, "linewidth": 0},
        medianprops={"color": colour, "linewidth": 2},
        whiskerprops=line,
        capprops=line,
    )
    artists["boxes"][0].set_label(f"{label}: each atom its own")


def _size_ticks(axis: Any, counts: list[int], right: float | None) -> None:
    """Tick numbers of molecules, and bulk apart at `right`."""
    ticks: list[float] = [*counts[:: 1 + len(counts) // 8]]
    words = [str(count) for count in ticks]
    if right is not None:
        ticks, words = [*ticks, right], [*words, "bulk"]
        if counts:
            axis.axvline((counts[-1] + right) / 2, color=GREY, lw=0.8, ls=":")
    axis.set_xticks(ticks, words)
    axis.grid(axis="x", visible=False)


def _legend_below(axes: Any) -> None:
    """One legend for all panels."""
    figure = axes[0].figure
    handles, words = axes[0].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside lower center", ncols=len(words))
