"""What stages brought, in words."""

from collections.abc import Mapping

from activecharge.campaign.loop import outcomes
from activecharge.committee.calibration.error_model import FEWEST_FRAMES
from activecharge.properties import PROPERTIES
from activecharge.texts import headline


def stage_text(outcome: outcomes.Outcome) -> str:
    """One line for people."""
    match outcome:
        case outcomes.Drawn(frames):
            return f"{frames} initial configurations"
        case outcomes.Labelled(frames, failed):
            return f"{frames} configurations, {failed} without a label"
        case outcomes.Walked(frames):
            return f"{frames} frames of dynamics"
        case outcomes.Explored():
            return _explored(outcome)
        case outcomes.Spreads(median):
            return f"median spread of the worst atom: {headline(median) or 'no candidates'}"
        case outcomes.Selected(choices, candidates, committee):
            chosen = _counts(choices) or "none"
            return f"{chosen} of {candidates}, by the committee of round {committee}"
        case outcomes.Committed(labels):
            return f"{labels} labels in the dataset"
        case outcomes.Trained(models, labels, validation, calibration):
            taught = f"{models} on {labels} labels, {validation} to validate"
            return f"{taught}; {_calibrated(calibration)}"
        case outcomes.Tested(errors):
            return f"MAE {headline(errors)}" if errors else "no test set"
        case outcomes.Reported(path):
            return path
    raise AssertionError(f"an outcome without words: {outcome}")


def _explored(found: outcomes.Explored) -> str:
    text = _counts(found.candidates) or "no candidates"
    if found.before:
        return f"{text}, found before"
    text += f"; refused: {_counts(found.refused)}" if found.refused else ""
    return text + (f"; walkers stopped: {_counts(found.stopped)}" if found.stopped else "")


def _calibrated(found: outcomes.Calibrated) -> str:
    if not found.properties:
        return (
            f"not calibrated yet: {found.blind} labels were predicted before training on them, "
            f"{FEWEST_FRAMES} are needed"
        )
    symbols = ", ".join(PROPERTIES[name].symbol for name in found.properties)
    text = f"{symbols} calibrated on {found.blind} blind labels, {found.control} of them control"
    return text if found.control else f"{text}; without control labels no bounds are claimed"


def _counts(counts: Mapping[str, int]) -> str:
    """Such as "3 uncertain, 1 control"."""
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())
