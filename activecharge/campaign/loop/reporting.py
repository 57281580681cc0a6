"""What a campaign has come to: errors on the test set, and the summary that the report shows."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from activecharge.campaign.loop.calibrating import calibration_record, test_pairs
from activecharge.campaign.loop.outcomes import Tested
from activecharge.campaign.loop.state import CampaignState
from activecharge.committee.selection.choose import is_finite
from activecharge.committee.selection.novelty import variety
from activecharge.dataset.manifest import versions
from activecharge.dataset.predictions import write_pairs
from activecharge.properties import PROPERTIES
from activecharge.records import Choice, Prediction
from activecharge.report.campaign.summary import CampaignSummary, RoundSummary
from activecharge.report.metrics import errors


def judge(state: CampaignState, number: int, predictions: Sequence[Prediction]) -> Tested:
    """Keep the errors of a round's committee on the fixed test set."""
    folder, labels = state.run.round(number), state.test_labels()
    finite = [i for i, prediction in enumerate(predictions) if is_finite(prediction)]
    write_pairs(folder.test_pairs, [labels[i] for i in finite], [predictions[i] for i in finite])
    folder.write_test_errors(errors(labels, predictions))
    return Tested({name: found["mae"] for name, found in folder.read_test_errors().items()})


def campaign_summary(state: CampaignState, reason: str) -> CampaignSummary:
    """All rounds, with the newest tested committee's predictions of the test set."""
    campaign, seconds = state.run.campaign, _seconds(state)
    return CampaignSummary(
        name=campaign.name,
        reference=campaign.level_of_theory,
        coupling=campaign.model.coupling,
        members=campaign.training.models,
        rounds=tuple(
            round_summary(state, found.number, seconds[found.number]) for found in state.rounds
        ),
        stop_reason=reason,
        test_pairs=tuple(test_pairs(state)[1]),
        calibration=calibration_record(state),
        run_dir=str(state.run.path),
        versions=versions(),
    )


def round_summary(
    state: CampaignState, number: int, seconds: dict[str, float] | None = None
) -> RoundSummary:
    """One round: what was chosen, what came of it, how good the committee was and became.

    Parameters
    ----------
    state : CampaignState
    number : int
    seconds : dict of str to float, optional
        Wall time by stage [s].
    """
    found, folder = state.rounds[number], state.run.round(number)
    failed = [c for c in found.choices if c.candidate.hash in state.failures]
    varieties = Counter(variety(choice.candidate) for choice in failed)
    return RoundSummary(
        index=number,
        labels=_learnt(state, number),
        failures=len(failed),
        seconds=seconds or {},
        pairs=tuple(state.blind_pairs(number)),
        test=folder.read_test_errors(),
        chosen=tuple(_describe(choice) for choice in found.choices),
        seen=None if found.chosen_by is None else _learnt(state, found.chosen_by),
        sources=tuple(row | {"failed": varieties[row["source"]]} for row in folder.read_sources()),
    )


def _learnt(state: CampaignState, number: int) -> int:
    """Labels that a round's committee was given, or would have been."""
    if number in state.inputs:
        return len(state.inputs[number].labels)
    return len(state.rows(number + 1))


def _seconds(state: CampaignState) -> dict[int, dict[str, float]]:
    """Wall time by round and stage; a stage that was taken up again counts all finished passes."""
    total: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for event in state.run.journal.events():
        if event["event"] == "stage":
            total[event["round"]][event["stage"]] += event["seconds"]
    return {number: dict(found) for number, found in total.items()} | {
        found.number: {} for found in state.rounds if found.number not in total
    }


def _describe(choice: Choice) -> dict[str, Any]:
    """A chosen configuration as the report shows it."""
    facts: dict[str, Any] = {
        "hash": choice.candidate.hash,
        "formula": choice.candidate.atoms.get_chemical_formula(),
        "source": choice.candidate.source,
        "why": choice.why,
    }
    worst = choice.worst
    if choice.score is not None and worst:
        name = max(worst, key=lambda n: worst[n] / PROPERTIES[n].tolerance)
        spec = PROPERTIES[name]
        facts["score"] = choice.score
        facts["worst"] = f"{spec.symbol} {1000 * worst[name]:.0f} m{spec.unit}"
    if "atom" in choice.cause:
        spec = PROPERTIES[choice.cause["property"]]
        facts["cause"] = f"{spec.symbol} of {choice.cause['element']} {choice.cause['atom']}"
    return facts
