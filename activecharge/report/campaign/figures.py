"""The figures of a report: the panels in which each has something to show."""

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from activecharge.properties import PROPERTIES
from activecharge.records import BlindPair
from activecharge.report.campaign.campaign_summary import CampaignSummary, Curve
from activecharge.report.campaign.round_figures import selection, times
from activecharge.report.drawing.axes import (
    dots,
    error_axes,
    error_words,
    identity,
    log_ticks,
    parity_axes,
    solid_legend,
)
from activecharge.report.drawing.figure import Figure, Panel
from activecharge.report.drawing.style import (
    INK,
    TITLES,
    WHY,
    WHY_WORDS,
    element_colours,
)
from activecharge.report.metrics import Matched, match
from activecharge.texts import HEADLINE, milli_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def learning_curves(summary: CampaignSummary) -> list[Panel]:
    """The error of q, Z and F against the number of labels."""

    def panel(name: str, curves: dict[str, Curve]) -> Panel:
        def draw(axis: "Axes") -> None:
            for (why, curve), marker in zip(curves.items(), "osD^v", strict=True):
                if curve:
                    labels, mae = np.transpose(curve)
                    mae, words = 1000 * mae, WHY_WORDS[why]
                    axis.plot(labels, mae, marker=marker, color=WHY[why], label=words)
            error_axes(axis, name, "labels known to the committee")
            axis.locator_params(axis="x", integer=True, min_n_ticks=1)

        return draw

    every = {
        name: {
            why: _positive(
                summary.test_curve(name) if why == "test" else summary.blind_curve(name, why)
            )
            for why in WHY_WORDS
        }
        for name in HEADLINE
    }
    return [panel(name, curves) for name, curves in every.items() if any(curves.values())]


def parity(summary: CampaignSummary) -> list[Panel]:
    """Predicted against reference q and Z, coloured by element."""

    def panel(name: str, found: Matched) -> Panel:
        def draw(axis: "Axes") -> None:
            for symbol, colour in element_colours(found.symbols.tolist()).items():
                of = found.symbols == symbol
                x, y = found.reference[of].ravel(), found.predicted[of].ravel()
                dots(axis, x, y, colour, error_words(symbol, name, x, y))
            parity_axes(axis, name, TITLES[name], found.reference, found.predicted)

        return draw

    pairs, _ = summary.honest_pairs()
    return [panel(name, found) for name, found in _matches(pairs).items()]


def disagreement(summary: CampaignSummary) -> list[Panel]:
    """Each atom's actual error of q and Z against the committee's spread.

    The line joins root mean square errors of atoms of like spread, in ten bins of equal
    population; for a calibrated committee it follows the identity. Dots far below the
    smallest spread lie outside the frame but count in the line.
    """

    def panel(name: str, found: Matched) -> Panel:
        def draw(axis: "Axes") -> None:
            drawn = found.spread > 0
            deviation = (found.predicted - found.reference)[drawn]
            error = 1000 * np.sqrt(np.nanmean(deviation**2, axis=1))
            spread, symbols = 1000 * found.spread[drawn], found.symbols[drawn]
            for symbol, colour in element_colours(symbols.tolist()).items():
                of = symbols == symbol
                dots(axis, spread[of], error[of], colour, symbol)
            axis.plot(*_binned(spread, error), "o-", color=INK, label="r.m.s. error")
            limits = (0.4 * np.quantile(spread, 0.01), 1.3 * max(spread.max(), error.max()))
            for line in (axis.xaxis, axis.yaxis):
                log_ticks(line, limits)
            identity(axis, np.array(limits))
            symbol, unit = PROPERTIES[name].symbol, milli_unit(name)
            axis.set(title=TITLES[name], aspect="equal")
            axis.set(xlabel=f"spread of {symbol} in the committee [{unit}]")
            axis.set(ylabel=f"actual error of {symbol} [{unit}]")
            solid_legend(axis)

        return draw

    matches = _matches([*summary.blind_pairs(), *summary.test_pairs])
    return [panel(name, found) for name, found in matches.items() if (found.spread > 0).any()]


FIGURES: tuple[Figure[CampaignSummary], ...] = (
    Figure(
        file="learning_curve.png",
        title="Learning curves",
        reading="Mean absolute error against the number of labels the committee was given. "
        "Control labels were drawn at random and predicted before training on them, so they and "
        "the fixed test set show how good the committee is; those chosen as uncertain were "
        "picked for being hard and should lie above.",
        missing="No learning curve yet: it needs a test set or a second round.",
        panels=learning_curves,
        legend=True,
    ),
    Figure(
        file="parity.png",
        title="Predicted against reference",
        reading="Each dot is one component; on the dashed line prediction and reference agree.",
        missing="No parity plot yet: it needs a test set or blind control labels.",
        panels=parity,
        size=(4.4, 4.2),
    ),
    Figure(
        file="disagreement.png",
        title="Does the committee know how sure it is?",
        reading="Each dot is an atom the committee had not seen. Where the black line, the r.m.s. "
        "error of atoms of like spread, follows the dashed line, the spread is the size of the "
        "error; above it the committee is too sure of itself, below it too cautious.",
        missing="No plot of the spread yet: it needs labels that were predicted before training "
        "on them.",
        panels=disagreement,
        size=(4.4, 4.2),
    ),
    Figure(
        file="selection.png",
        title="What was chosen",
        reading="Each round's configurations by where they came from, by why they were labelled, "
        "and by size, one dot each.",
        missing="Nothing was chosen for labelling yet.",
        panels=selection,
    ),
    Figure(
        file="time.png",
        title="Where the time went",
        reading="Wall time of each stage of the loop, round by round.",
        missing="No round has finished yet.",
        panels=times,
        size=(5.0, 4.0),
    ),
)
"""All figures, in the order of the report."""


def _positive(curve: Curve) -> Curve:
    """The points that a logarithmic axis can show."""
    return [(labels, mae) for labels, mae in curve if 0 < mae < np.inf]


def _matches(pairs: list[BlindPair]) -> dict[str, Matched]:
    """q and Z of all atoms with a finite prediction; the tables tell of any others."""
    labels, predictions = [p.label for p in pairs], [p.prediction for p in pairs]
    found = {}
    for name in ("charges", "bec"):
        matched = match(name, labels, predictions)
        finite = np.isfinite(matched.predicted).all(axis=1)
        if finite.any():
            found[name] = Matched(*(getattr(matched, f.name)[finite] for f in fields(Matched)))
    return found


def _binned(spread: np.ndarray, error: np.ndarray) -> tuple[list[float], list[float]]:
    bins = [b for b in np.array_split(np.argsort(spread), 10) if len(b)]
    rms = [float(np.sqrt(np.mean(error[b] ** 2))) for b in bins]
    return [float(np.sqrt(np.mean(spread[b] ** 2))) for b in bins], rms
