"""What was chosen and where the time went, round by round: panels of a report's figures."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from ase.formula import Formula

from activecharge.report.campaign.campaign_summary import (
    CampaignSummary,
    ChosenFrame,
    RoundSummary,
)
from activecharge.report.drawing.axes import legend_below, stacked
from activecharge.report.drawing.figure import Panel
from activecharge.report.drawing.style import GREY, STAGES, WHY, time_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def selection(summary: CampaignSummary) -> list[Panel]:
    """What was chosen for labelling, round by round: source, reason and size."""
    rounds = [r for r in summary.rounds if r.chosen]
    if not rounds:
        return []

    def bars(title: str, kind: Callable[[ChosenFrame], str], colours: dict[str, str]) -> Panel:
        def draw(axis: "Axes") -> None:
            kinds = dict.fromkeys(kind(c) for r in rounds for c in r.chosen)
            counts = {k: [sum(kind(c) == k for c in r.chosen) for r in rounds] for k in kinds}
            stacked(axis, np.array([r.index for r in rounds]), counts, colours)
            axis.set(title=title, xlabel="round", ylabel="configurations")
            axis.locator_params(axis="y", integer=True, min_n_ticks=1)

        return draw

    return [
        bars("chosen by source", lambda chosen: chosen.source, {}),
        bars("chosen by reason", lambda chosen: chosen.why, WHY),
        lambda axis: _sizes(axis, rounds),
    ]


def times(summary: CampaignSummary) -> list[Panel]:
    """The wall time of each stage, round by round."""
    rounds = [r for r in summary.rounds if r.seconds]
    if not rounds:
        return []
    scale, unit = time_unit(max(sum(r.seconds.values()) for r in rounds))
    known = dict.fromkeys(stage for r in rounds for stage in r.seconds)
    stages = [*(s for s in STAGES if s in known), *(s for s in known if s not in STAGES)]
    heights = {s: [r.seconds.get(s, 0.0) / scale for r in rounds] for s in stages}

    def draw(axis: "Axes") -> None:
        stacked(axis, np.array([r.index for r in rounds]), heights, STAGES)
        axis.set(title="wall time by stage", xlabel="round", ylabel=f"time [{unit}]")

    return [draw]


def _sizes(axis: "Axes", rounds: list[RoundSummary]) -> None:
    """A dot for each configuration's size.

    A fixed, even shift sideways keeps equal sizes apart and the figure reproducible.
    """
    for why in dict.fromkeys(c.why for r in rounds for c in r.chosen):
        points = [
            (r.index + 0.6 * (i + 0.5) / len(r.chosen) - 0.3, len(Formula(c.formula)))
            for r in rounds
            for i, c in enumerate(r.chosen)
            if c.why == why
        ]
        x, y = np.transpose(points)
        axis.scatter(x, y, s=16, alpha=0.7, lw=0, color=WHY.get(why, GREY), label=why)
    axis.set(title="chosen by size", xlabel="round", ylabel="atoms in the configuration")
    axis.set_ylim(bottom=0)
    axis.locator_params(integer=True, min_n_ticks=1)
    legend_below(axis)
