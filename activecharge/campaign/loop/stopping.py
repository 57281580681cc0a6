"""When a campaign ends, and why."""

from activecharge.campaign.loop.plateau import expected_target, plateau
from activecharge.campaign.loop.state import CampaignState
from activecharge.campaign.settings.campaign_options import Campaign
from activecharge.records import BlindPair
from activecharge.report.campaign.summary import pair_errors


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
    blind = pair_errors(control)
    errors = {name: blind[name]["mae"] for name in targets if name in blind}
    if len(errors) < len(targets) or not all(errors[name] <= targets[name] for name in targets):
        return ""
    return "the control labels met the target: " + ", ".join(
        f"{name} {errors[name]:.4g} <= {targets[name]:.4g}" for name in targets
    )
