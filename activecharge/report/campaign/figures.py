"""The figures of a report: each draws one PNG, or nothing where there is nothing to show."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
from ase.formula import Formula

from activecharge.properties import PROPERTIES
from activecharge.records import BlindPair
from activecharge.report.campaign.summary import CampaignSummary, Curve
from activecharge.report.drawing.axes import BELOW, identity, log_ticks, solid_legend, stacked
from activecharge.report.drawing.style import (
    GREY,
    TITLES,
    WHY,
    WHY_WORDS,
    canvas,
    element_colours,
    milli,
    milli_unit,
    time_unit,
)
from activecharge.report.metrics import Matched, match

_SHOWN = ("charges", "bec", "forces")
_MOST_POINTS = 20_000
"""More dots than this hide one another; every n-th is drawn then."""


def learning_curve(summary: CampaignSummary, path: Path) -> bool:
    """Draw the error of q, Z and F against the number of labels.

    Parameters
    ----------
    summary : CampaignSummary
    path : pathlib.Path
        The PNG.

    Returns
    -------
    bool
        Whether there was anything to draw.
    """
    curves = {
        name: {
            why: _positive(
                summary.test_curve(name) if why == "test" else summary.blind_curve(name, why)
            )
            for why in WHY_WORDS
        }
        for name in _SHOWN
    }
    shown = [name for name in _SHOWN if any(curves[name].values())]
    if not shown:
        return False
    with canvas(path, len(shown), (0.6 + 3.7 * len(shown), 3.6)) as axes:
        for axis, name in zip(axes, shown, strict=True):
            for (why, curve), marker in zip(curves[name].items(), "osD^v", strict=True):
                if curve:
                    labels, mae = np.transpose(curve)
                    axis.plot(
                        labels, 1000 * mae, marker=marker, color=WHY[why], label=WHY_WORDS[why]
                    )
            log_ticks(axis.yaxis)
            axis.set(title=TITLES[name], xlabel="labels known to the committee")
            axis.set_ylabel(f"mean absolute error [{milli_unit(name)}]")
            axis.locator_params(axis="x", integer=True, min_n_ticks=1)
        fullest = max(axes, key=lambda axis: len(axis.lines))
        fullest.legend()
    return True


def parity(summary: CampaignSummary, path: Path) -> bool:
    """Draw predicted against reference q and Z, coloured by element.

    Parameters, returns: as `learning_curve`.
    """
    pairs, _ = summary.honest_pairs()
    matches = _matches(pairs)
    if not matches:
        return False
    with canvas(path, len(matches), (0.4 + 4.4 * len(matches), 4.5)) as axes:
        for axis, (name, found) in zip(axes, matches.items(), strict=True):
            for symbol, colour in element_colours(found.symbols.tolist()).items():
                of = found.symbols == symbol
                x, y = found.reference[of].ravel(), found.predicted[of].ravel()
                mae = milli(float(np.nanmean(np.abs(y - x))))
                text = f"{symbol}: MAE {mae} {milli_unit(name)}"
                axis.scatter(*_thin(x, y), s=7, alpha=0.5, lw=0, color=colour, label=text)
            identity(axis, found.reference, found.predicted)
            symbol, unit = PROPERTIES[name].symbol, PROPERTIES[name].unit
            axis.set(title=TITLES[name], aspect="equal")
            axis.set(xlabel=f"reference {symbol} [{unit}]", ylabel=f"predicted {symbol} [{unit}]")
            solid_legend(axis)
    return True


def disagreement(summary: CampaignSummary, path: Path) -> bool:
    """Draw each atom's actual error of q and Z against the committee's spread.

    The line joins root mean square errors of atoms of like spread, in ten bins of equal
    population; for a calibrated committee it follows the identity. Dots far below the
    smallest spread lie outside the frame but count in the line.

    Parameters, returns: as `learning_curve`.
    """
    matches = {
        name: found
        for name, found in _matches([*summary.blind_pairs(), *summary.test_pairs]).items()
        if (found.spread > 0).any()
    }
    if not matches:
        return False
    with canvas(path, len(matches), (0.4 + 4.4 * len(matches), 4.5)) as axes:
        for axis, (name, found) in zip(axes, matches.items(), strict=True):
            drawn = found.spread > 0
            deviation = (found.predicted - found.reference)[drawn]
            error = 1000 * np.sqrt(np.nanmean(deviation**2, axis=1))
            spread, symbols = 1000 * found.spread[drawn], found.symbols[drawn]
            for symbol, colour in element_colours(symbols.tolist()).items():
                dots = _thin(spread[symbols == symbol], error[symbols == symbol])
                axis.scatter(*dots, s=7, alpha=0.4, lw=0, color=colour, label=symbol)
            axis.plot(*_binned(spread, error), "o-", color="#111827", label="r.m.s. error")
            limits = (0.4 * np.quantile(spread, 0.01), 1.3 * max(spread.max(), error.max()))
            for line in (axis.xaxis, axis.yaxis):
                log_ticks(line, limits)
            identity(axis, np.array(limits))
            symbol, unit = PROPERTIES[name].symbol, milli_unit(name)
            axis.set(title=TITLES[name], aspect="equal")
            axis.set(xlabel=f"spread of {symbol} in the committee [{unit}]")
            axis.set(ylabel=f"actual error of {symbol} [{unit}]")
            solid_legend(axis)
    return True


def selection(summary: CampaignSummary, path: Path) -> bool:
    """Draw what was chosen for labelling, round by round: source, reason and size.

    Parameters, returns: as `learning_curve`.
    """
    rounds = [r for r in summary.rounds if r.chosen]
    if not rounds:
        return False
    index = np.array([r.index for r in rounds])
    with canvas(path, 3, (11.7, 3.6)) as axes:
        words = {"source": "chosen by source", "why": "chosen by reason"}
        for axis, (key, title) in zip(axes[:2], words.items(), strict=True):
            kinds = list(dict.fromkeys(str(c[key]) for r in rounds for c in r.chosen))
            counts = {k: [sum(c[key] == k for c in r.chosen) for r in rounds] for k in kinds}
            stacked(axis, index, counts, WHY if key == "why" else {})
            axis.set(title=title, xlabel="round", ylabel="configurations")
            axis.locator_params(axis="y", integer=True, min_n_ticks=1)
        # A fixed, even sideways shift keeps equal sizes apart and the figure reproducible.
        for why in dict.fromkeys(str(c["why"]) for r in rounds for c in r.chosen):
            points = [
                (r.index + 0.6 * (i + 0.5) / len(r.chosen) - 0.3, len(Formula(c["formula"])))
                for r in rounds
                for i, c in enumerate(r.chosen)
                if c["why"] == why
            ]
            axes[2].scatter(
                *np.transpose(points), s=16, alpha=0.7, lw=0, color=WHY.get(why, GREY), label=why
            )
        axes[2].set(title="chosen by size", xlabel="round", ylabel="atoms in the configuration")
        axes[2].set_ylim(bottom=0)
        axes[2].locator_params(integer=True, min_n_ticks=1)
        solid_legend(axes[2], **BELOW)
    return True


def time(summary: CampaignSummary, path: Path) -> bool:
    """Draw the wall time of each stage, round by round.

    Parameters, returns: as `learning_curve`.
    """
    rounds = [r for r in summary.rounds if r.seconds]
    if not rounds:
        return False
    scale, unit = time_unit(max(sum(r.seconds.values()) for r in rounds))
    # The first round has no committee yet; a later one shows all stages in their order.
    fullest_first = sorted(rounds, key=lambda r: -len(r.seconds))
    stages = dict.fromkeys(stage for r in fullest_first for stage in r.seconds)
    heights = {s: [r.seconds.get(s, 0.0) / scale for r in rounds] for s in stages}
    with canvas(path, 1, (9.2, 3.6)) as (axis,):
        stacked(axis, np.array([r.index for r in rounds]), heights, {})
        axis.set(title="wall time by stage", xlabel="round", ylabel=f"time [{unit}]")
    return True


FIGURES: dict[str, Callable[[CampaignSummary, Path], bool]] = {
    "learning_curve.png": learning_curve,
    "parity.png": parity,
    "disagreement.png": disagreement,
    "selection.png": selection,
    "time.png": time,
}
"""All figures by file name, in the order of the report."""


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


def _thin(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    step = 1 + len(x) // _MOST_POINTS
    return x[::step], y[::step]


def _binned(spread: np.ndarray, error: np.ndarray) -> tuple[list[float], list[float]]:
    bins = [b for b in np.array_split(np.argsort(spread), 10) if len(b)]
    rms = [float(np.sqrt(np.mean(error[b] ** 2))) for b in bins]
    return [float(np.sqrt(np.mean(spread[b] ** 2))) for b in bins], rms
