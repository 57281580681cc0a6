"""What a run directory tells: summaries for the report, the stop rules and `status`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from activecharge.campaign.calibrate import calibration_record
from activecharge.campaign.crew import Crew
from activecharge.campaign.rundir import Chosen, RunDirectory
from activecharge.campaign.stages import Done
from activecharge.committee.selection.novelty import variety
from activecharge.dataset.manifest import versions
from activecharge.dataset.predictions import read_pairs
from activecharge.properties import PROPERTIES
from activecharge.records import BlindPair, Failure, Label
from activecharge.report.campaign.campaign_summary import (
    CampaignSummary,
    ChosenFrame,
    QuarantinedFrame,
    RoundSummary,
)
from activecharge.report.campaign.page import write_report
from activecharge.texts import quantity


def report_campaign(run: RunDirectory, crew: Crew, number: int, reason: str) -> Done:
    """Write the report of what there is up to now."""
    written = write_report(campaign_summary(run, reason), run.report)
    return Done(f"{written[0][0]}")


def campaign_summary(run: RunDirectory, reason: str) -> CampaignSummary:
    """All rounds, with the last committee's predictions of the test set."""
    campaign = run.campaign
    rounds = tuple(round_summary(run, number) for number in range(run.rounds()))
    pairs: tuple[BlindPair, ...] = ()
    for number in reversed(range(run.rounds())):
        if (path := run.round(number).test_pairs).exists():
            pairs = tuple(BlindPair(label, said, "test") for label, said in read_pairs(path))
            break
    return CampaignSummary(
        name=campaign.name,
        reference=campaign.level_of_theory,
        coupling=campaign.model.coupling,
        members=campaign.training.models,
        rounds=rounds,
        stop_reason=reason,
        test_pairs=pairs,
        test_quarantined=_quarantined(_results(run, run.test.read_selection())),
        calibration=calibration_record(run),
        run_dir=str(run.path),
        versions=versions(),
    )


def round_summary(run: RunDirectory, number: int) -> RoundSummary:
    """One round: what was chosen, what came of it, how good the committee was and became."""
    folder = run.round(number)
    chosen = folder.read_selection()
    results = _results(run, chosen)
    said_by = next((item.committee for item in chosen if item.committee is not None), None)
    return RoundSummary(
        index=number,
        labels=_learnt(run, number),
        seconds=_seconds(run, number),
        pairs=tuple(
            BlindPair(label, item.prediction, item.why)
            for item, label in zip(chosen, results, strict=True)
            if isinstance(label, Label) and item.prediction is not None
        ),
        test=folder.read_test_errors(),
        chosen=tuple(_describe(item) for item in chosen),
        seen=None if said_by is None else _learnt(run, said_by),
        sources=tuple(folder.read_sources()),
        quarantined=_quarantined(results),
    )


def _results(run: RunDirectory, chosen: Sequence[Chosen]) -> list[Label | Failure | None]:
    """What came of each chosen frame; None where its label is not made yet."""
    return [run.labels.get(item.candidate.hash) for item in chosen]


def _quarantined(results: Sequence[Label | Failure | None]) -> tuple[QuarantinedFrame, ...]:
    """Those that could not be labelled."""
    return tuple(
        QuarantinedFrame(
            hash=failure.candidate.hash,
            formula=failure.candidate.atoms.get_chemical_formula(),
            source=variety(failure.candidate),
            reason=failure.reason,
        )
        for failure in results
        if isinstance(failure, Failure)
    )


def _learnt(run: RunDirectory, number: int) -> int:
    """Labels that a round's committee was given, or would have been."""
    if lesson := run.round(number).read_lesson():
        return len(lesson.labels)
    labelled, _ = run.labels.names()
    return sum(name in labelled for n in range(number + 1) for name in run.round(n).read_hashes())


def _seconds(run: RunDirectory, number: int) -> dict[str, float]:
    """Wall time by stage; a stage that was taken up again counts all its finished passes."""
    total: dict[str, float] = defaultdict(float)
    for event in run.journal.events():
        if event["event"] == "stage" and event["round"] == number:
            total[event["stage"]] += event["seconds"]
    return dict(total)


def _describe(item: Chosen) -> ChosenFrame:
    """A chosen configuration as the report shows it."""
    worst, largest = item.worst, ""
    if item.score is not None and worst:
        name = max(worst, key=lambda n: worst[n] / PROPERTIES[n].tolerance)
        largest = quantity(name, worst[name])
    return ChosenFrame(
        hash=item.candidate.hash,
        formula=item.candidate.atoms.get_chemical_formula(),
        source=item.candidate.source,
        why=item.why,
        score=item.score if worst else None,
        worst=largest,
        cause=_cause(item.cause),
    )


def _cause(cause: Mapping[str, Any]) -> str:
    """The atom and the property of `Chosen.cause`; empty where no atom is named."""
    if "atom" not in cause:
        return ""
    return f"{PROPERTIES[cause['property']].symbol} of {cause['element']} {cause['atom']}"
