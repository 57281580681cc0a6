"""Each round's calibration, and how well it came true on labels made after it."""

from collections.abc import Iterable
from dataclasses import replace

from activecharge.campaign.loop.outcomes import Calibrated
from activecharge.campaign.loop.state import CampaignState
from activecharge.committee.calibration.calibration import CALIBRATION, Calibration
from activecharge.committee.calibration.reliability import Judged, judge, reliability
from activecharge.dataset.predictions import read_pairs
from activecharge.records import BlindPair, Reliability
from activecharge.report.campaign.campaign_summary import CalibrationRecord

RECENCY = 0.6
"""Weight of a round's pairs relative to those of the round after it: they are of another, worse
committee. At this value four control labels a round suffice for 90 % bounds after five rounds."""


def calibrate(state: CampaignState, number: int) -> Calibrated:
    """Calibrate the committee that round `number` trains, by all blind pairs it learns from.

    The file lies beside the round's members, so that every later prediction of theirs, and
    whoever copies their folder, has it. The same labels give the same bytes.
    """
    learnt = set(state.inputs[number].labels)
    pairs = [
        pair for pair in aged(blind_pairs(state), number) if pair.label.candidate.hash in learnt
    ]
    calibration = Calibration.fit(pairs)
    calibration.save(state.run.round(number).members / CALIBRATION)
    control = sum(pair.control for pair in pairs)
    return Calibrated(tuple(calibration.fits), len(pairs), control)


def calibration_record(state: CampaignState) -> CalibrationRecord:
    """How well expected errors and bounds came true, for the report.

    Each round's control labels are judged by the calibration of the committee that predicted
    them, which was made without them; so are those of the fixed test set.
    """
    found = blind_pairs(state)
    if not found:
        return CalibrationRecord()
    judged: dict[int, list[dict[str, Judged]]] = {}
    for (number, said_by), pairs in found.items():
        control = [pair for pair in pairs if pair.control]
        if verdict := judge(_calibration(state, said_by), control):
            judged.setdefault(number, []).append(verdict)
    return CalibrationRecord(
        blind=sum(map(len, found.values())),
        rounds={number: tuple(reliability(verdicts)) for number, verdicts in judged.items()},
        control=tuple(reliability([v for verdicts in judged.values() for v in verdicts])),
        test=tuple(_on_the_test_set(state)),
    )


def test_pairs(state: CampaignState) -> tuple[int, list[BlindPair]]:
    """The newest committee that was tested, and what it said of the test set; none before one."""
    for number in reversed(range(len(state.rounds))):
        if (path := state.run.round(number).test_pairs).exists():
            return number, [BlindPair(label, said, "test") for label, said in read_pairs(path)]
    return 0, []


def blind_pairs(state: CampaignState) -> dict[tuple[int, int], list[BlindPair]]:
    """Labels with predictions made before training on them.

    Returns
    -------
    dict of (int, int) to list of BlindPair
        By the round they were chosen in and the round of the committee that spoke.
    """
    found: dict[tuple[int, int], list[BlindPair]] = {}
    for row in state.rows():
        choice = row.choice
        if choice.prediction is not None and choice.committee is not None:
            pair = BlindPair(row.label, choice.prediction, choice.why)
            found.setdefault((row.round, choice.committee), []).append(pair)
    return found


def aged(found: dict[tuple[int, int], list[BlindPair]], number: int) -> Iterable[BlindPair]:
    """What `blind_pairs` gave, weighted for the committee of round `number` by `RECENCY`."""
    return [
        replace(pair, weight=RECENCY ** max(number - 1 - said_by, 0))
        for (_, said_by), pairs in found.items()
        for pair in pairs
    ]


def _on_the_test_set(state: CampaignState) -> list[Reliability]:
    number, pairs = test_pairs(state)
    return reliability([judge(_calibration(state, number), pairs)]) if pairs else []


def _calibration(state: CampaignState, number: int) -> Calibration:
    path = state.run.round(number).members / CALIBRATION
    return Calibration.load(path) if path.exists() else Calibration()
