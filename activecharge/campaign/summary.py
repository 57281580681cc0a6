"""What a run directory tells: summaries for the report, the stop rules and `status`."""

from collections import Counter, defaultdict
from typing import Any

from activecharge.campaign.calibrate import calibration_record
from activecharge.campaign.crew import Crew
from activecharge.campaign.rundir import Chosen, RunDirectory
from activecharge.campaign.stages import Done
from activecharge.committee.selection.novelty import variety
from activecharge.dataset.manifest import versions
from activecharge.dataset.predictions import read_pairs
from activecharge.properties import PROPERTIES
from activecharge.records import Failure, Label
from activecharge.report.campaign.page import write_report
from activecharge.report.campaign.summary import CampaignSummary, Pair, RoundSummary


def report_campaign(run: RunDirectory, crew: Crew, number: int, reason: str) -> Done:
    """Write the report of what there is up to now."""
    written = write_report(campaign_summary(run, reason), run.report)
    return Done(f"{written[0][0]}")


def campaign_summary(run: RunDirectory, reason: str) -> CampaignSummary:
    """All rounds, with the last committee's predictions of the test set."""
    campaign = run.campaign
    rounds = tuple(round_summary(run, number) for number in range(run.rounds()))
    pairs: tuple[Pair, ...] = ()
    for number in reversed(range(run.rounds())):
        if (path := run.round(number).test_pairs).exists():
            pairs = tuple(Pair(label, said, "test") for label, said in read_pairs(path))
            break
    return CampaignSummary(
        name=campaign.name,
        reference=campaign.level_of_theory,
        coupling=campaign.model.coupling,
        members=campaign.training.models,
        rounds=rounds,
        stop_reason=reason,
        test_pairs=pairs,
        calibration=calibration_record(run),
        run_dir=str(run.path),
        versions=versions(),
    )


def round_summary(run: RunDirectory, number: int) -> RoundSummary:
    """One round: what was chosen, what came of it, how good the committee was and became."""
    folder = run.round(number)
    chosen = folder.read_selection()
    results = [run.labels.get(item.candidate.hash) for item in chosen]
    failed = Counter(
        variety(item.candidate)
        for item, result in zip(chosen, results, strict=True)
        if isinstance(result, Failure)
    )
    said_by = next((item.committee for item in chosen if item.committee is not None), None)
    return RoundSummary(
        index=number,
        labels=_learnt(run, number),
        failures=sum(isinstance(result, Failure) for result in results),
        seconds=_seconds(run, number),
        pairs=tuple(
            Pair(result, item.prediction, item.why)
            for item, result in zip(chosen, results, strict=True)
            if isinstance(result, Label) and item.prediction is not None
        ),
        test=folder.read_test_errors(),
        chosen=tuple(_describe(item) for item in chosen),
        seen=None if said_by is None else _learnt(run, said_by),
        sources=tuple(row | {"failed": failed[row["source"]]} for row in folder.read_sources()),
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


def _describe(item: Chosen) -> dict[str, Any]:
    """A chosen configuration as the report shows it."""
    facts: dict[str, Any] = {
        "hash": item.candidate.hash,
        "formula": item.candidate.atoms.get_chemical_formula(),
        "source": item.candidate.source,
        "why": item.why,
    }
    worst = item.worst
    if item.score is not None and worst:
        name = max(worst, key=lambda n: worst[n] / PROPERTIES[n].tolerance)
        spec = PROPERTIES[name]
        facts["score"] = item.score
        facts["worst"] = f"{spec.symbol} {1000 * worst[name]:.0f} m{spec.unit}"
    if "atom" in item.cause:
        spec = PROPERTIES[item.cause["property"]]
        facts["cause"] = f"{spec.symbol} of {item.cause['element']} {item.cause['atom']}"
    return facts
