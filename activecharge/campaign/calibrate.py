"""Each round's calibration, and how well it came true on labels made after it."""

from dataclasses import replace

from activecharge.campaign.rundir import RunDirectory
from activecharge.committee.calibration.calibration import CALIBRATION, Calibration
from activecharge.committee.calibration.error_model import FEWEST_FRAMES
from activecharge.committee.calibration.reliability import Judged, judge, reliability
from activecharge.dataset.predictions import read_pairs
from activecharge.properties import PROPERTIES
from activecharge.records import BlindPair, Reliability
from activecharge.report.campaign.campaign_summary import CalibrationRecord

RECENCY = 0.6
"""Weight of a round's pairs relative to those of the round after it: they are of another, worse
committee. At this value four control labels a round suffice for 90 % bounds after five rounds."""


def calibrate_round(run: RunDirectory, number: int) -> str:
    """Calibrate the committee that round `number` trains, by all blind pairs up to its labels.

    The file lies beside the round's members, so that every later prediction of theirs, and
    whoever copies their folder, has it. The same labels give the same bytes.

    Parameters
    ----------
    run : RunDirectory
        With all labels of the round.
    number : int

    Returns
    -------
    str
        A line for people.
    """
    lesson = run.round(number).read_lesson()
    learnt = None if lesson is None else set(lesson.labels)
    pairs = [
        pair
        for pair in aged(blind_pairs(run, number + 1 if learnt is None else None), number)
        if learnt is None or pair.label.candidate.hash in learnt
    ]
    calibration = Calibration.fit(pairs)
    calibration.save(run.round(number).members / CALIBRATION)
    control = sum(pair.control for pair in pairs)
    if not calibration.fits:
        return (
            f"not calibrated yet: {len(pairs)} labels were predicted before training on them, "
            f"{FEWEST_FRAMES} are needed"
        )
    known = ", ".join(PROPERTIES[name].symbol for name in calibration.fits)
    text = f"{known} calibrated on {len(pairs)} blind labels, {control} of them control"
    return text if control else f"{text}; without control labels no bounds are claimed"


def calibration_record(run: RunDirectory) -> CalibrationRecord:
    """How well expected errors and bounds came true, for the report.

    Each round's control labels are judged by the calibration of the committee that predicted
    them, which was made without them; so are those of the fixed test set.

    Parameters
    ----------
    run : RunDirectory

    Returns
    -------
    CalibrationRecord
    """
    found = blind_pairs(run)
    if not found:
        return CalibrationRecord()
    judged: dict[int, list[dict[str, Judged]]] = {}
    for (number, said_by), pairs in found.items():
        control = [pair for pair in pairs if pair.control]
        if verdict := judge(_calibration(run, said_by), control):
            judged.setdefault(number, []).append(verdict)
    return CalibrationRecord(
        blind=sum(map(len, found.values())),
        rounds={number: tuple(reliability(verdicts)) for number, verdicts in judged.items()},
        control=tuple(reliability([v for verdicts in judged.values() for v in verdicts])),
        test=tuple(_on_the_test_set(run)),
    )


def _on_the_test_set(run: RunDirectory) -> list[Reliability]:
    for number in reversed(range(run.rounds())):
        if (path := run.round(number).test_pairs).exists():
            pairs = [BlindPair(label, said, "test") for label, said in read_pairs(path)]
            return reliability([judge(_calibration(run, number), pairs)])
    return []


def blind_pairs(
    run: RunDirectory, rounds: int | None = None
) -> dict[tuple[int, int], list[BlindPair]]:
    """Labels with predictions made before training on them.

    Parameters
    ----------
    run : RunDirectory
    rounds : int, optional
        Only those of so many first rounds.

    Returns
    -------
    dict of (int, int) to list of BlindPair
        By the round they were chosen in and the round of the committee that spoke.
    """
    found: dict[tuple[int, int], list[BlindPair]] = {}
    for number, item, label in run.chosen_labels(run.rounds() if rounds is None else rounds):
        if item.prediction is not None:
            said_by = number - 1 if item.committee is None else item.committee
            pair = BlindPair(label, item.prediction, item.why)
            found.setdefault((number, said_by), []).append(pair)
    return found


def aged(found: dict[tuple[int, int], list[BlindPair]], number: int) -> list[BlindPair]:
    """What `blind_pairs` gave, weighted for the committee of round `number` by `RECENCY`."""
    return [
        replace(pair, weight=RECENCY ** max(number - 1 - said_by, 0))
        for (_, said_by), pairs in found.items()
        for pair in pairs
    ]


def _calibration(run: RunDirectory, number: int) -> Calibration:
    path = run.round(number).members / CALIBRATION
    return Calibration.load(path) if path.exists() else Calibration()
