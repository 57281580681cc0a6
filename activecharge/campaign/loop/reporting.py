"""What a campaign has come to: errors on the test set, and the summary that the report shows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from activecharge.campaign.loop.calibrating import calibration_record, test_pairs
from activecharge.campaign.loop.outcomes import Tested
from activecharge.campaign.loop.state import CampaignState
from activecharge.committee.selection.choose import is_finite
from activecharge.committee.selection.novelty import variety
from activecharge.dataset.manifest import versions
from activecharge.dataset.predictions import write_pairs
from activecharge.properties import PROPERTIES
from activecharge.records import Choice, Prediction
from activecharge.report.campaign.campaign_summary import (
    CampaignSummary,
    ChosenFrame,
    QuarantinedFrame,
    RoundSummary,
)
from activecharge.report.metrics import errors, mean_absolute
from activecharge.strict_json import Json
from activecharge.texts import quantity


def judge(state: CampaignState, number: int, predictions: Sequence[Prediction]) -> Tested:
    """Keep the errors of a round's committee on the fixed test set."""
    folder, labels = state.run.round(number), state.test_labels()
    finite = [i for i, prediction in enumerate(predictions) if is_finite(prediction)]
    write_pairs(folder.test_pairs, [labels[i] for i in finite], [predictions[i] for i in finite])
    found = errors(labels, predictions)
    folder.write_test_errors(found)
    return Tested(mean_absolute(found))


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
        test_quarantined=_quarantined(state, state.test or ()),
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
    return RoundSummary(
        index=number,
        labels=_learnt(state, number),
        seconds=seconds or {},
        pairs=tuple(state.blind_pairs(number)),
        test=folder.read_test_errors(),
        chosen=tuple(_describe(choice) for choice in found.choices),
        seen=None if found.chosen_by is None else _learnt(state, found.chosen_by),
        sources=tuple(folder.read_sources()),
        quarantined=_quarantined(state, found.choices),
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


def _quarantined(state: CampaignState, choices: Sequence[Choice]) -> tuple[QuarantinedFrame, ...]:
    """Those of the chosen frames that could not be labelled."""
    failures = (state.failures.get(choice.candidate.hash) for choice in choices)
    return tuple(
        QuarantinedFrame(
            hash=failure.candidate.hash,
            formula=failure.candidate.atoms.get_chemical_formula(),
            source=variety(failure.candidate),
            reason=failure.reason,
        )
        for failure in failures
        if failure is not None
    )


def _describe(choice: Choice) -> ChosenFrame:
    """A chosen configuration as the report shows it."""
    worst, largest = choice.worst, ""
    if choice.score is not None and worst:
        name = max(worst, key=lambda n: worst[n] / PROPERTIES[n].tolerance)
        largest = quantity(name, worst[name])
    return ChosenFrame(
        hash=choice.candidate.hash,
        formula=choice.candidate.atoms.get_chemical_formula(),
        source=choice.candidate.source,
        why=choice.why,
        score=choice.score if worst else None,
        worst=largest,
        cause=_cause(choice.cause),
    )


def _cause(cause: Mapping[str, Json]) -> str:
    """The atom and the property of `Choice.cause`; empty where no atom is named."""
    if "atom" not in cause:
        return ""
    return f"{PROPERTIES[str(cause['property'])].symbol} of {cause['element']} {cause['atom']}"
