"""From labels to a committee: what members learn from, and where users find the newest."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from activecharge.campaign.disk.round_folder import TrainingInputs
from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop.outcomes import Calibrated, Trained, TrainingBegan
from activecharge.campaign.loop.state import CampaignState
from activecharge.campaign.loop.work import MemberSettings, train
from activecharge.dataset.export import export
from activecharge.dataset.exporting.training_codes import export_for
from activecharge.dataset.splits import split
from activecharge.execution.dispatcher import Steps, do
from activecharge.execution.tasks import WorkGroup
from activecharge.formats import COMMITTEE
from activecharge.learning.training_options import TrainingOptions
from activecharge.learning.training_set import Member, TrainingSet, trainings
from activecharge.model import ARCHITECTURE
from activecharge.model.model_options import ModelOptions
from activecharge.records import Label


@dataclass(frozen=True)
class RoundTraining:
    """The training of a round: what it learns from, which members are
    still to be trained, and in how many optimizer steps."""

    data: TrainingSet
    missing: tuple[Member, ...]
    steps: int

    def began(self, folder: Path) -> TrainingBegan:
        """What to tell of its beginning."""
        names = tuple(Path(member.directory).name for member in self.missing)
        return TrainingBegan(folder, names, self.steps)

    def outcome(self, calibrated: Calibrated) -> Trained:
        """What to tell of its end."""
        models, data = self.data.training.models_text, self.data
        return Trained(models, len(data.train), len(data.valid), calibrated)


def begin_training(state: CampaignState) -> int:
    """Write down what the next committee learns from, or go on with one; returns its round."""
    number = state.interrupted
    if number is not None:
        state.begin_training(number, state.inputs[number])
        return number
    run, number = state.run, len(state.rounds) - 1
    if state.trained == number:
        # The last round had its committee before all labels were in, and no other will be chosen:
        # a round without a choice takes the one that knows them all.
        number += 1
        run.round(number).candidates.unlink(missing_ok=True)
        run.round(number).write_selection([])
        state.add_round([])
    names = tuple(row.label.candidate.hash for row in state.rows())
    inputs = TrainingInputs(names, state.committee)
    shutil.rmtree(run.round(number).members, ignore_errors=True)
    run.round(number).write_inputs(inputs)
    state.begin_training(number, inputs)
    return number


def training_of(state: CampaignState, number: int) -> RoundTraining:
    """What a round's committee learns from, and what is left of its training."""
    campaign, inputs = state.run.campaign, state.inputs[number]
    labels = [state.labels[name] for name in inputs.labels if name in state.labels]
    data = training_set(labels, campaign.elements, campaign.model, campaign.training, campaign.seed)
    missing = tuple(untrained(members(state, number, inputs.start)))
    training = campaign.training
    return RoundTraining(
        data, missing, training.steps if inputs.start is None else training.warm_steps
    )


def train_members(state: CampaignState, number: int, training: RoundTraining) -> Steps[None]:
    """Train those members of a round, in parallel."""
    slot = state.run.campaign.executor.member_slot
    COMMITTEE.write(state.run.round(number).members)
    yield from do(WorkGroup(train, training.missing, slot, MemberSettings(training.data, slot)))
    state.run.round(number).write_checksums()


def set_aside_damaged(run: RunDirectory) -> list[str]:
    """Have members of the newest committee trained again whose files were damaged.

    Returns
    -------
    list of str
        A sentence on each.
    """
    for number in reversed(range(run.rounds())):
        folder = run.round(number)
        if folder.members.exists():
            return [
                f"{folder.members / name}: not as it was written; it is kept in "
                f"{folder.path / 'damaged'} and trained again"
                for name in folder.set_aside_damaged()
            ]
    return []


def training_set(
    labels: Sequence[Label],
    elements: Sequence[str],
    model: ModelOptions,
    training: TrainingOptions,
    seed: int,
) -> TrainingSet:
    """What a committee learns from and validates by."""
    sides = sides_of(labels, training.validation, seed)
    return TrainingSet(
        train=tuple(labels[i] for i in sides["train"]),
        valid=tuple(labels[i] for i in sides["valid"]),
        elements=tuple(elements),
        model=model,
        training=training,
    )


def sides_of(labels: Sequence[Label], validation: float, seed: int) -> dict[str, list[int]]:
    """Indices of the labels that teach ("train") and of those that validate ("valid")."""
    hashes = [label.candidate.hash for label in labels]
    return split(hashes, {"train": 1 - validation, "valid": validation}, seed)


def members(state: CampaignState, number: int, start: int | None) -> list[Member]:
    """The members that a round trains, from where those of round `start` stood.

    Those that share a backbone come as one, see `activecharge.learning.training_set.trainings`.
    """
    run, training = state.run, state.run.campaign.training

    def folder(of_round: int, index: int) -> str:
        return str(run.round(of_round).members / f"member-{index:02d}")

    every = [
        Member(
            index=index,
            seed=int(state.random(0, "member", index).integers(2**31)),
            directory=folder(number, index),
            start=None if start is None else folder(start, index),
        )
        for index in range(training.models)
    ]
    return trainings(every, training)


def untrained(found: Sequence[Member]) -> list[Member]:
    """Those members whose checkpoints are not there yet."""

    def is_trained(member: Member) -> bool:
        return (Path(member.directory) / ARCHITECTURE).exists()

    return [m for m in found if not all(map(is_trained, (m, *m.others)))]


def publish_committee(state: CampaignState, number: int) -> None:
    """Copy a round's committee to where users look for the latest."""
    run = state.run
    temporary = run.path / ".committee"
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.copytree(run.round(number).members, temporary)
    shutil.rmtree(run.committee, ignore_errors=True)
    temporary.rename(run.committee)


def export_dataset(state: CampaignState, path: Path) -> list[tuple[Path, str]]:
    """Write the dataset and the test set, each frame knowing its split, round and reason."""
    labels, extras, sides = _whole(state)
    return export(labels, extras, path, sides)


def export_dataset_for(code: str, state: CampaignState, path: Path) -> list[tuple[Path, str]]:
    """Write the same for a training code, see `activecharge.dataset.exporting.training_codes`."""
    labels, _, sides = _whole(state)
    return export_for(code, labels, path, sides)


def _whole(
    state: CampaignState,
) -> tuple[list[Label], list[dict[str, Any]], dict[str, list[int]]]:
    """All labels, what else to say of each, and their indices by split."""
    rows, test = state.rows(), state.test_labels()
    labels = [row.label for row in rows]
    extras: list[dict[str, Any]] = [{"round": row.round, "chosen": row.choice.why} for row in rows]
    campaign = state.run.campaign
    sides = sides_of(labels, campaign.training.validation, campaign.seed)
    sides |= {"test": list(range(len(labels), len(labels) + len(test)))}
    return labels + test, extras + [{"chosen": "test"}] * len(test), sides
