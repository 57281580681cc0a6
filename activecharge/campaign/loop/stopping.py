"""When a campaign ends: budgets, targets, and rules that weigh errors against their noise."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from activecharge.campaign.loop.state import CampaignState
from activecharge.campaign.settings.campaign_options import Campaign
from activecharge.properties import PROPERTIES
from activecharge.records import BlindPair
from activecharge.report.metrics import mean_absolute, pair_errors
from activecharge.texts import milli, milli_unit

FOLLOWED = ("charges", "bec")
"""Properties whose errors tell whether a campaign still gains."""

FEWEST = 3
"""Frames on each side below which their scatter is not known."""


def why_no_more(state: CampaignState, labels: int, later: int = 0) -> str:
    """Clause that says why no further round may be chosen; empty if one may.

    Parameters
    ----------
    state : CampaignState
    labels : int
        Labels to count against the budget.
    later : int
        Selections that are made before it.
    """
    last = len(state.rounds) - 1
    limit = limit_reached(state.run.campaign, last + later, labels)
    if state.target or limit or last < 1 or state.rounds[last].choices:
        return state.target or limit
    return "no candidate was worth a label" if state.run.round(last).found_nothing() else ""


def may_select(state: CampaignState, later: int = 0) -> bool:
    """Whether another selection may be made, if need be `later` selections from now."""
    labels = state.dataset_size + state.dataset_pending
    return not why_no_more(state, labels + later * state.run.campaign.selection.batch, later)


def is_over(state: CampaignState) -> bool:
    """Whether nothing is left but to publish."""
    return not (may_select(state) or state.fresh or state.pending)


def limit_reached(campaign: Campaign, number: int, labels: int) -> str:
    """Clause that names what allows no round after `number`; empty if there may be one."""
    if campaign.stop.labels is not None and labels >= campaign.stop.labels:
        return f"the budget of {campaign.stop.labels} labels is spent"
    if number >= campaign.stop.rounds:
        return f"round {campaign.stop.rounds} was the last"
    if not campaign.explore:
        return "there are no sources under `explore`"
    return ""


def targets_reached(state: CampaignState, number: int) -> str:
    """Clause that says why a round's control labels end the campaign; empty if they do not."""
    stop = state.run.campaign.stop
    if not number:
        return ""
    control = control_pairs(state, number)
    expected = stop.expected.model_dump(exclude_none=True)
    reason = _errors_met(control, stop.target.model_dump(exclude_none=True)) or (
        expected_target(control, expected) if expected else ""
    )
    if not reason and stop.plateau is not None:
        every = [control_pairs(state, n) for n in range(1, number + 1)]
        reason = plateau(every, stop.plateau)
    return reason


def control_pairs(state: CampaignState, number: int) -> list[BlindPair]:
    """A round's control labels with what the committee that chose them said before."""
    return [pair for pair in state.blind_pairs(number) if pair.why == "control"]


def _errors_met(control: list[BlindPair], targets: dict[str, float]) -> str:
    if not targets:
        return ""
    blind = mean_absolute(pair_errors(control))
    errors = {name: blind[name] for name in targets if name in blind}
    if len(errors) < len(targets) or not all(errors[name] <= targets[name] for name in targets):
        return ""
    return "the control labels met the target: " + ", ".join(
        f"{name} {errors[name]:.4g} <= {targets[name]:.4g}" for name in targets
    )


def plateau(control: Sequence[Sequence[BlindPair]], span: int) -> str:
    """Clause that says the campaign gains no more; empty while it does, or may.

    The control labels of the last `span` rounds are compared with those of the `span` rounds
    before. There is no gain where their mean absolute error fell by less than one standard
    error of the difference (frames counting as independent, Welch), in all of `FOLLOWED`
    that the labels have.

    Parameters
    ----------
    control : sequence of sequence of BlindPair
        The control labels of all rounds up to now, in order; none where a round has none.
    span : int

    Returns
    -------
    str
    """
    if len(control) < 2 * span:
        return ""
    before, last = (
        [pair for pairs in part for pair in pairs]
        for part in (control[-2 * span : -span], control[-span:])
    )
    said = []
    for name in FOLLOWED:
        old, new = frame_errors(before, name), frame_errors(last, name)
        if not len(old) and not len(new):
            continue
        if min(len(old), len(new)) < FEWEST:
            return ""
        gain, noise = gain_and_noise(old, new)
        if not gain < noise:
            return ""
        size = f"{milli(gain)} ± {milli(noise)} {milli_unit(name)}"
        said.append(f"{PROPERTIES[name].symbol} by {size}")
    if not said:
        return ""
    rounds = f"{span} round{'s' if span > 1 else ''}"
    return f"in {rounds} the error of control labels fell by no more than noise: {', '.join(said)}"


def gain_and_noise(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """By how much the mean of a sample fell, and the standard error of that.

    Parameters
    ----------
    before, after : (F,), (G,)
        Errors of frames, at least two each.

    Returns
    -------
    tuple of float
        In the errors' unit; the gain is positive where errors fell.
    """
    variance = before.var(ddof=1) / len(before) + after.var(ddof=1) / len(after)
    return float(before.mean() - after.mean()), math.sqrt(variance)


def frame_errors(pairs: Sequence[BlindPair], name: str) -> np.ndarray:
    """Mean absolute error (F,) of each frame that has the property, in its unit."""
    found = (pair_errors([pair]).get(name) for pair in pairs)
    return np.array([entry.mae for entry in found if entry is not None])


def expected_target(control: Sequence[BlindPair], targets: Mapping[str, float]) -> str:
    """Clause that says a round's control labels met the targets; empty if they did not.

    A few labels may be near their predictions by luck, and expected errors may be wrong: both
    the expected and the actual root mean square error must be at the target or below.

    Parameters
    ----------
    control : sequence of BlindPair
        A round's control labels.
    targets : mapping of str to float
        By property name, in its unit, energies per atom; all must be met.

    Returns
    -------
    str
    """
    actual = pair_errors(control)
    said = []
    for name, target in targets.items():
        expected = expected_rms(control, name)
        if expected is None or name not in actual:
            return ""
        if not max(expected, actual[name].rmse) <= target:
            return ""
        said.append(f"{name} {expected:.4g} expected, {actual[name].rmse:.4g} found")
    if not said:
        return ""
    return "the calibrated errors of control labels met the target: " + ", ".join(said)


def expected_rms(pairs: Sequence[BlindPair], name: str) -> float | None:
    """Root mean square expected error over all atoms (or frames); None where one is missing."""
    parts = []
    for pair in pairs:
        if name not in pair.prediction.expected_error:
            return None
        scale = 1 / len(pair.label.candidate.atoms) if name == "energy" else 1.0
        parts.append(scale * np.atleast_1d(pair.prediction.expected_error[name]))
    if not parts:
        return None
    rms = float(np.sqrt(np.mean(np.concatenate(parts) ** 2)))
    return rms if math.isfinite(rms) else None
