"""What the stages of both schedules are made of: choosing, teaching, judging, publishing."""

import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from activecharge.campaign.console import format_errors
from activecharge.campaign.exploration import counts_text, random
from activecharge.campaign.resources import Slot
from activecharge.campaign.rounds import Chosen
from activecharge.campaign.rundir import RunDirectory
from activecharge.campaign.uncertainty import outputs
from activecharge.campaign.work import CommitteeWork
from activecharge.committee import disagreement
from activecharge.committee.selection import choose as selection
from activecharge.committee.selection import novelty
from activecharge.committee.selection.selection_options import SelectionOptions
from activecharge.dataset.export import export
from activecharge.dataset.predictions import write_pairs
from activecharge.dataset.splits import split
from activecharge.learning.training_set import Member, TrainingSet, trainings
from activecharge.model import ARCHITECTURE
from activecharge.records import Candidate, Label, Prediction, Scored
from activecharge.report.metrics import errors

FRAMES_PER_TASK = 64
"""Fixed, so that results do not depend on how many CPUs there are."""


# -- selection ---------------------------------------------------------------------------


def chunks(frames: Iterable[Any]) -> list[list[Any]]:
    """Cut into the pieces that one prediction task takes."""
    rest = iter(frames)
    found = []
    while chunk := list(islice(rest, FRAMES_PER_TASK)):
        found.append(chunk)
    return found


def rate(
    run: RunDirectory, candidates: Sequence[Candidate], predictions: Sequence[Prediction]
) -> tuple[list[Scored], str]:
    """Rate candidates by how much a committee disagrees on them, with a line for people."""
    options = run.campaign.selection
    pool = disagreement.score(candidates, predictions, options.weights.model_dump(), options.reduce)
    spreads = {
        symbol: 1000 * float(np.median([scored.worst[name] for scored in pool]))
        for symbol, name in (("q", "charges"), ("Z", "bec"))
        if all(name in scored.worst for scored in pool) and pool
    }
    text = ", ".join(f"{symbol} {value:.1f} me" for symbol, value in spreads.items())
    return pool, f"median spread of the worst atom: {text or 'no candidates'}"


def choose(
    run: RunDirectory,
    number: int,
    pool: Sequence[Scored],
    known: Sequence[Prediction],
    room: int | None,
    committee: int | None = None,
) -> str:
    """Keep what a round labels, and say what it is in a line for people.

    Parameters
    ----------
    run : RunDirectory
    number : int
        The round.
    pool : sequence of Scored
    known : sequence of Prediction
        Of the frames chosen before.
    room : int or None
        Labels that the budget leaves; None for any number.
    committee : int, optional
        Round of the committee that chooses, where it is not the round before.
    """
    options: SelectionOptions = run.campaign.selection
    if room is not None:
        options = options.model_copy(update={"batch": min(options.batch, room)})
    descriptors = np.array([prediction.descriptor for prediction in known])
    choices = selection.select(pool, options, random(run, number, "select"), descriptors)
    # The selection comes last: where it is, nothing of this is done again.
    run.round(number).write_sources(novelty.tally(pool, choices, descriptors))
    run.round(number).write_selection([_remember(choice, committee) for choice in choices])
    return f"{counts_text(Counter(choice.why for choice in choices)) or 'none'} of {len(pool)}"


# -- committees --------------------------------------------------------------------------


def committee(run: RunDirectory, number: int, slot: Slot) -> CommitteeWork:
    """The committee of a round, ready to predict all that the campaign teaches."""
    return CommitteeWork(run.round(number).members, slot, outputs(run.campaign.training))


def training_set(run: RunDirectory, labels: Sequence[Label]) -> TrainingSet:
    """What a committee learns from and validates by."""
    campaign, sides = run.campaign, _sides(run, labels)
    return TrainingSet(
        train=tuple(labels[i] for i in sides["train"]),
        valid=tuple(labels[i] for i in sides["valid"]),
        elements=campaign.elements,
        model=campaign.model,
        training=campaign.training,
    )


def members(run: RunDirectory, number: int, start: int | None) -> list[Member]:
    """The members that a round trains, from where those of round `start` stood.

    Those that share a backbone come as one, see `activecharge.learning.training_set.trainings`.
    """

    def folder(of_round: int, index: int) -> str:
        return str(run.round(of_round).members / f"member-{index:02d}")

    every = [
        Member(
            index=index,
            seed=int(random(run, 0, "member", index).integers(2**31)),
            directory=folder(number, index),
            start=None if start is None else folder(start, index),
        )
        for index in range(run.campaign.training.models)
    ]
    return trainings(every, run.campaign.training)


def untrained(found: Sequence[Member]) -> list[Member]:
    """Those members whose checkpoints are not there yet."""

    def is_trained(member: Member) -> bool:
        return (Path(member.directory) / ARCHITECTURE).exists()

    return [m for m in found if not all(map(is_trained, (m, *m.others)))]


def judge(run: RunDirectory, number: int, predictions: Sequence[Prediction]) -> str:
    """Keep the errors of a round's committee on the fixed test set."""
    folder, labels = run.round(number), run.test_labels()
    finite = [i for i, prediction in enumerate(predictions) if _is_finite(prediction)]
    write_pairs(folder.test_pairs, [labels[i] for i in finite], [predictions[i] for i in finite])
    folder.write_test_errors(errors(labels, predictions))
    return "MAE " + format_errors(folder.read_test_errors())


def publish(run: RunDirectory, number: int) -> None:
    """Copy the round's committee to where users look for the latest."""
    temporary = run.path / ".committee"
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.copytree(run.round(number).members, temporary)
    shutil.rmtree(run.committee, ignore_errors=True)
    temporary.rename(run.committee)


def export_dataset(run: RunDirectory, path: Path) -> list[tuple[Path, str]]:
    """Write the dataset and the test set, each frame knowing its split, round and reason."""
    dataset, test = run.chosen_labels(run.rounds()), run.test_labels()
    labels = [label for _, _, label in dataset]
    extras = [{"round": number, "chosen": item.why} for number, item, _ in dataset]
    sides = _sides(run, labels) | {"test": list(range(len(labels), len(labels) + len(test)))}
    return export(labels + test, extras + [{"chosen": "test"}] * len(test), path, sides)


def _remember(choice: selection.Choice, committee: int | None) -> Chosen:
    """What a round keeps of a choice; numbers that are not finite teach nobody anything."""
    scored = choice.scored
    if not _is_finite(scored.prediction):
        return Chosen(scored.candidate, choice.why, committee=committee)
    return Chosen(
        candidate=scored.candidate,
        why=choice.why,
        prediction=scored.prediction,
        score=scored.score,
        worst=scored.worst,
        committee=committee,
        cause=scored.cause,
    )


def _is_finite(prediction: Prediction) -> bool:
    values = (*prediction.mean.values(), *prediction.std.values())
    return all(np.isfinite(value).all() for value in values)


def _sides(run: RunDirectory, labels: Sequence[Label]) -> dict[str, list[int]]:
    share = run.campaign.training.validation
    hashes = [label.candidate.hash for label in labels]
    return split(hashes, {"train": 1 - share, "valid": share}, run.campaign.seed)
