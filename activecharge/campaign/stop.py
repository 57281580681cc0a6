"""When a campaign ends, and why."""

from activecharge.campaign.config import Campaign
from activecharge.campaign.plateau import expected_target, plateau
from activecharge.campaign.rundir import RunDirectory
from activecharge.records import BlindPair, Label
from activecharge.report.metrics import PropertyErrors, pair_errors


def stop_reason(run: RunDirectory, number: int) -> str:
    """Why the campaign ends after round `number`, as a clause; empty if it goes on."""
    if number and run.round(number).found_nothing():
        return "no candidate was worth a label"
    labels = len(run.chosen_labels(number + 1))
    return targets_reached(run, number) or limit_reached(run.campaign, number, labels)


def limit_reached(campaign: Campaign, number: int, labels: int) -> str:
    """Clause that names what allows no round after `number`; empty if there may be one."""
    if campaign.stop.labels is not None and labels >= campaign.stop.labels:
        return f"the budget of {campaign.stop.labels} labels is spent"
    if number >= campaign.stop.rounds:
        return f"round {campaign.stop.rounds} was the last"
    if not campaign.explore:
        return "there are no sources under `explore`"
    return ""


def targets_reached(run: RunDirectory, number: int) -> str:
    """Clause that says why a round's control labels end the campaign; empty if they do not."""
    stop = run.campaign.stop
    if not number:
        return ""
    expected = stop.expected.model_dump(exclude_none=True)
    reason = _errors_met(run, number) or (
        expected_target(control_pairs(run, number), expected) if expected else ""
    )
    if not reason and stop.plateau is not None:
        control = [control_pairs(run, n) for n in range(1, number + 1)]
        reason = plateau(control, stop.plateau)
    return reason


def _errors_met(run: RunDirectory, number: int) -> str:
    targets = run.campaign.stop.target.model_dump(exclude_none=True)
    if not targets:
        return ""
    blind = control_errors(run, number)
    errors = {name: blind[name].mae for name in targets if name in blind}
    if len(errors) < len(targets) or not all(errors[name] <= targets[name] for name in targets):
        return ""
    return "the control labels met the target: " + ", ".join(
        f"{name} {errors[name]:.4g} <= {targets[name]:.4g}" for name in targets
    )


def control_errors(run: RunDirectory, number: int) -> dict[str, PropertyErrors]:
    """Errors on a round's control labels of the committee that chose them, by property."""
    return pair_errors(control_pairs(run, number))


def control_pairs(run: RunDirectory, number: int) -> list[BlindPair]:
    """A round's control labels with what the committee that chose them said before."""
    control = [item for item in run.round(number).read_selection() if item.why == "control"]
    labelled = [(item, run.labels.get(item.candidate.hash)) for item in control]
    return [
        BlindPair(label, item.prediction, item.why)
        for item, label in labelled
        if isinstance(label, Label) and item.prediction is not None
    ]
