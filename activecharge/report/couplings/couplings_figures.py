"""The figures of a comparison of couplings: the panels in which each has something to show."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from activecharge.report.couplings.comparison import GROUPS, Comparison, Screening
from activecharge.report.couplings.couplings_cost import COST, MARKERS, scheme_colours
from activecharge.report.drawing.axes import dots, error_axes, error_words, parity_axes
from activecharge.report.drawing.figure import Figure, Panel
from activecharge.report.drawing.style import BLUE, GREY, VERMILLION
from activecharge.report.metrics import Matched, match

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GROUP_COLOURS = dict(zip(GROUPS, (BLUE, VERMILLION), strict=True))
_MOST_DOTS = 6_000


def errors(comparison: Comparison) -> list[Panel]:
    """The errors of all schemes, clusters and bulk apart."""
    schemes = comparison.schemes

    def panel(name: str) -> Panel:
        def draw(axis: "Axes") -> None:
            groups = comparison.errors.items()
            for shift, (group, found) in zip((-0.12, 0.12), groups, strict=False):
                known = [i for i, scheme in enumerate(schemes) if name in found[scheme]]
                mae = [found[schemes[i]][name].mae for i in known]
                axis.errorbar(
                    np.array(known) + shift,
                    [1000 * (e.mean or 0.0) for e in mae],
                    [1000 * (e.std or 0.0) for e in mae],
                    fmt=MARKERS[GROUPS.index(group)],
                    color=_GROUP_COLOURS[group],
                    capsize=3,
                    label=group,
                )
            error_axes(axis, name)
            axis.set_xticks(range(len(schemes)), schemes, rotation=40, ha="right")
            axis.set_xlim(-0.5, len(schemes) - 0.5)
            axis.grid(axis="x", visible=False)

        return draw

    return [panel(name) for name in comparison.known]


def sizes(comparison: Comparison) -> list[Panel]:
    """The errors by number of molecules, bulk on the right."""
    counts = list(comparison.sizes)
    if len(counts) < 2:
        return []
    colours, bulk = scheme_colours(comparison), comparison.errors.get("bulk", {})
    right = counts[-1] + max(1.5, 0.12 * counts[-1])

    def panel(name: str) -> Panel:
        def draw(axis: "Axes") -> None:
            for scheme, marker in zip(comparison.schemes, MARKERS, strict=False):
                found = comparison.errors_by_size(scheme, name)
                mae = 1000 * np.array(list(found.values()))
                colour = colours[scheme]
                axis.plot(list(found), mae, color=colour, marker=marker, ms=4, label=scheme)
                if name in bulk.get(scheme, {}):
                    mean = 1000 * (bulk[scheme][name].mae.mean or 0.0)
                    axis.plot([right], [mean], color=colour, marker=marker, ms=6, ls="")
            error_axes(axis, name, "molecules in the cluster")
            _size_ticks(axis, counts, right if bulk else None)

        return draw

    return [panel(name) for name in comparison.known]


def screening(comparison: Comparison) -> list[Panel]:
    """Screening factors by element and size, all panels on one scale."""
    found = list(comparison.screening())
    if not found:
        return []
    counts, shared = list(comparison.sizes), comparison.shared_factors
    right = (counts[-1] if counts else 0) + 2
    ends = np.concatenate([np.percentile(s.factors, (5, 95)) for s in found])
    low, high = (pick([*ends, *shared.values()]) for pick in (min, max))
    margin = 0.05 * (high - low) + 0.01

    def panel(element: str) -> Panel:
        def draw(axis: "Axes") -> None:
            colours = scheme_colours(comparison)
            for scheme, value in shared.items():
                words = f"{scheme}: {value:.3f} for all atoms"
                axis.axhline(value, label=words, color=colours[scheme], ls="--", lw=1.4)
            for scheme in dict.fromkeys(s.scheme for s in found):
                parts = [s for s in found if (s.scheme, s.element) == (scheme, element)]
                _boxes(axis, parts, right, colours[scheme])
            axis.set(title=f"screening factors of {element}", xlabel="molecules in the cluster")
            axis.set(ylabel="γ [dimensionless]", ylim=(low - margin, high + margin))
            _size_ticks(axis, counts, right if "bulk" in comparison.groups else None)

        return draw

    return [panel(element) for element in dict.fromkeys(s.element for s in found)]


def parity(name: str) -> Callable[[Comparison], list[Panel]]:
    """Predicted against reference values of a property: a panel a scheme, its first seed."""

    def panels(comparison: Comparison) -> list[Panel]:
        shown = comparison.schemes if name in comparison.known else []
        return [panel(comparison, scheme) for scheme in shown]

    def panel(comparison: Comparison, scheme: str) -> Panel:
        def draw(axis: "Axes") -> None:
            ends = []
            for group, indices in comparison.groups.items():
                found = _of_first_seed(comparison, scheme, name, indices)
                x, y = found.reference.ravel(), found.predicted.ravel()
                if len(x):
                    words = error_words(group, name, x, y)
                    dots(axis, x, y, _GROUP_COLOURS[group], words, _MOST_DOTS)
                    ends += [x, y]
            parity_axes(axis, name, scheme, *ends)

        return draw

    return panels


_DASHED = "on the dashed line prediction and reference agree. The first seed of each scheme."

FIGURES: tuple[Figure[Comparison], ...] = (
    Figure(
        file="errors.png",
        title="Errors",
        reading="Mean absolute error on held-out frames, free clusters and periodic boxes apart: "
        "the mean over seeds, and bars of one standard deviation.",
        panels=errors,
        legend=True,
    ),
    Figure(
        file="sizes.png",
        title="Errors by size",
        reading="Mean absolute error against the number of molecules of a free cluster, averaged "
        "over seeds; the markers on the right are the periodic boxes.",
        panels=sizes,
        legend=True,
    ),
    Figure(
        file="screening.png",
        title="Screening factors",
        reading="Screening factors by cluster size and in bulk, all seeds together: boxes hold the "
        "middle half, whiskers reach from the 5th to the 95th percentile. Lines are factors that "
        "all atoms share.",
        panels=screening,
        size=(4.4, 4.0),
        legend=True,
    ),
    Figure(
        file="parity_charges.png",
        title="Static charges against the reference",
        reading=f"Each dot is one atom of a held-out frame; {_DASHED}",
        panels=parity("charges"),
    ),
    Figure(
        file="parity_bec.png",
        title="Born effective charges against the reference",
        reading=f"Each dot is one component of one atom's tensor in a held-out frame; {_DASHED}",
        panels=parity("bec"),
    ),
    COST,
)
"""All figures, in the order of the page."""


def _of_first_seed(comparison: Comparison, scheme: str, name: str, indices: list[int]) -> Matched:
    outcome = comparison.of(scheme)[0]
    labels = [comparison.labels[i] for i in indices]
    return match(name, labels, [outcome.predictions[i] for i in indices])


def _boxes(axis: "Axes", parts: list[Screening], right: float, colour: str) -> None:
    """Quartile boxes with whiskers from the 5th to the 95th percentile, bulk at `right`."""
    line = {"color": colour, "linewidth": 1.2}
    artists = axis.boxplot(
        [part.factors for part in parts],
        positions=[right if part.molecules is None else part.molecules for part in parts],
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
    artists["boxes"][0].set_label(f"{parts[0].scheme}: each atom its own")


def _size_ticks(axis: "Axes", counts: list[int], right: float | None) -> None:
    """Tick numbers of molecules, and bulk apart at `right`."""
    ticks: list[float] = [*counts[:: 1 + len(counts) // 8]]
    words = [str(count) for count in ticks]
    if right is not None:
        ticks, words = [*ticks, right], [*words, "bulk"]
        if counts:
            axis.axvline((counts[-1] + right) / 2, color=GREY, lw=0.8, ls=":")
    axis.set_xticks(ticks, words)
    axis.grid(axis="x", visible=False)
