"""When a campaign ends, and why."""

from activecharge.campaign.rundir import RunDirectory
from activecharge.campaign.summary import round_summary


def stop_reason(run: RunDirectory, number: int) -> str:
    """Why the campaign ends after round `number`, as a clause; empty if it goes on."""
    campaign = run.campaign
    labels = len(run.chosen_labels(number + 1))
    if number and not run.round(number).read_selection():
        return "no candidate was worth a label"
    if reached := _targets_reached(run, number):
        return reached
    if campaign.stop.labels is not None and labels >= campaign.stop.labels:
        return f"the budget of {campaign.stop.labels} labels is spent"
    if number >= campaign.stop.rounds:
        return f"round {campaign.stop.rounds} was the last"
    if not campaign.explore:
        return "there are no sources under `explore`"
    return ""


def _targets_reached(run: RunDirectory, number: int) -> str:
    """Clause that names the targets met by this round's control labels; empty if not all are."""
    targets = run.campaign.stop.target.model_dump(exclude_none=True)
    blind = round_summary(run, number).blind("control") if targets and number else {}
    if not targets or not blind:
        return ""
    errors = {name: blind[name]["mae"] for name in targets if name in blind}
    if len(errors) < len(targets) or not all(errors[name] <= targets[name] for name in targets):
        return ""
    return "the control labels met the target: " + ", ".join(
        f"{name} {errors[name]:.4g} <= {targets[name]:.4g}" for name in targets
    )
