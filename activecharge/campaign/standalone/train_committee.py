"""Train a committee, apart from any campaign."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from activecharge.campaign.loop.outcomes import TrainingBegan
from activecharge.campaign.loop.teaching import training_set
from activecharge.campaign.loop.work import MemberSettings
from activecharge.campaign.loop.work import train as train_member
from activecharge.campaign.monitor.console import TRAINING, Console
from activecharge.campaign.standalone.frames_of import labels_of
from activecharge.campaign.standalone.judge import check_labels
from activecharge.dataset.judging.left_out import left_out
from activecharge.errors import UserError
from activecharge.execution.groups import all_values
from activecharge.execution.opening import local_workers, open_executor
from activecharge.execution.resources import Slot
from activecharge.execution.tasks import WorkGroup
from activecharge.formats import COMMITTEE
from activecharge.learning.training_options import TrainingOptions
from activecharge.learning.training_set import Member, TrainingSet, trainings
from activecharge.model.model_options import ModelOptions
from activecharge.records import Label


def train(
    data: Path | str | Sequence[Label],
    out: Path | str,
    model: ModelOptions | None = None,
    training: TrainingOptions | None = None,
    workers: int = 1,
    seed: int = 0,
    quiet: bool = True,
) -> TrainingSet:
    """Train a committee on labelled frames.

    Parameters
    ----------
    data : path-like or sequence of Label
        Labelled extxyz file, or labels.
    out : path-like
        Folder to write; `Committee.load` opens it.
    model : ModelOptions, optional
    training : TrainingOptions, optional
    workers : int
        Members in training at a time, one CPU each.
    seed : int
        Of everything random.
    quiet : bool
        Show no progress.

    Returns
    -------
    TrainingSet
        What taught the members, and what validated them.

    Raises
    ------
    UserError
        If the folder holds a committee, or the labels lack what the settings ask for.
    """
    out = Path(out)
    labels = labels_of(data)
    check_labels(labels, data if isinstance(data, Path | str) else "labels")
    if any(out.glob("member-*")):
        raise UserError(f"{out}: holds a committee already; choose another folder for -o")
    elements = sorted({s for label in labels for s in label.candidate.atoms.symbols})
    training = training or TrainingOptions()
    lesson = training_set(labels, elements, model or ModelOptions(), training, seed)
    _train_together(lesson, out, workers, seed, quiet)
    return lesson


def _train_together(lesson: TrainingSet, out: Path, workers: int, seed: int, quiet: bool) -> None:
    """All members come to their place together: half a committee would look like a whole one."""
    parts = out / ".training"
    shutil.rmtree(parts, ignore_errors=True)
    _train(lesson, parts, workers, seed, quiet)
    COMMITTEE.write(out)
    for folder in sorted(parts.glob("member-*")):
        folder.rename(out / folder.name)
    parts.rmdir()


def _train(lesson: TrainingSet, parts: Path, workers: int, seed: int, quiet: bool) -> None:
    """Train all members into folders below `parts`."""
    count = lesson.training.models
    seeds = np.random.default_rng(seed).integers(2**31, size=count)
    every = [Member(i, int(seeds[i]), str(parts / f"member-{i:02d}")) for i in range(count)]
    members = trainings(every, lesson.training)
    names = tuple(Path(member.directory).name for member in members)
    group = WorkGroup(train_member, members, Slot(), MemberSettings(lesson, Slot()))
    with Console(quiet) as console, open_executor(local_workers(workers)) as executor:
        for line in left_out((*lesson.train, *lesson.valid)):
            console.line(line)
        console.tell(TrainingBegan(parts, names, lesson.training.steps))
        all_values(executor, group, TRAINING, console.working)
