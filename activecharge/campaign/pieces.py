"""The loop's pieces on their own: label, train, predict, evaluate and select with plain files."""

import hashlib
import json
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from activecharge.campaign import work
from activecharge.campaign.config import ExecutorOptions
from activecharge.campaign.console import Console
from activecharge.campaign.executor import Lost, Slot, open_executor
from activecharge.campaign.judge import check_labels
from activecharge.campaign.store import LabelStore
from activecharge.campaign.strict import strict
from activecharge.committee import disagreement
from activecharge.committee.selection import choose as selection
from activecharge.committee.selection.selection_options import SelectionOptions
from activecharge.dataset.candidates import candidate_to_atoms
from activecharge.dataset.extxyz import read_labels, write_labels
from activecharge.dataset.frames import write_frames
from activecharge.dataset.identity import content_hash
from activecharge.dataset.judging.left_out import left_out
from activecharge.dataset.predictions import put_prediction, write_predictions
from activecharge.dataset.splits import split
from activecharge.errors import UserError
from activecharge.learning.training_options import TrainingOptions
from activecharge.learning.training_set import Member, TrainingSet, trainings
from activecharge.model.model_options import ModelOptions
from activecharge.records import Candidate, Failure, Label
from activecharge.reference.failure import too_many
from activecharge.reference.reference_options import GateOptions, ReferenceOptions
from activecharge.report.metrics import errors
from activecharge.sampling.pool import read_pool


def label_file(
    frames: Path,
    out: Path,
    reference: ReferenceOptions,
    gates: GateOptions,
    workers: int,
    console: Console,
) -> tuple[int, list[Failure]]:
    """Label every configuration of a file once; finished labels survive a kill.

    They wait in the folder `<out>.parts` for the same reference to go on.

    What failed runs leave behind is kept in `<out>.failed`.

    Returns
    -------
    int, list of Failure
        Labels written to `out`, and what could not be labelled.

    Raises
    ------
    UserError
        If a larger share of the labels failed than the reference is allowed.
    """
    candidates = {c.hash: c for c in _candidates(frames)}
    parts = out.with_name(f"{out.name}.parts")
    settings = reference.model_dump_json() + gates.model_dump_json()
    folder = parts / hashlib.sha256(settings.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    store = LabelStore(folder)
    done = {name: store.get(name) for name in candidates}
    todo = [candidates[name] for name, result in done.items() if not isinstance(result, Label)]
    failed = out.with_name(f"{out.name}.failed")
    shared = work.LabelWork(reference, gates, 1, folder, failed)
    options = ExecutorOptions(kind="ray" if workers > 1 else "inline", cpus=workers)
    failures: list[Failure] = []
    with open_executor(options) as executor, console.progress("label", len(todo)) as advance:
        for index, result in executor.map(work.label, todo, Slot(), shared):
            if isinstance(result, Lost):
                result = Failure(todo[index], result.reason)
            done[result.candidate.hash] = result
            if isinstance(result, Failure):
                failures.append(result)
                tried = sum(known is not None for known in done.values())
                if reason := too_many(failures, tried, reference.max_failed_share):
                    raise UserError(f"{reason}; {failed} has the input and output of failed runs")
            advance()
    labels = [result for result in done.values() if isinstance(result, Label)]
    if labels:
        write_labels(out, labels)
    shutil.rmtree(parts, ignore_errors=True)
    return len(labels), failures


def train_file(
    data: Path,
    out: Path,
    model: ModelOptions,
    training: TrainingOptions,
    workers: int,
    seed: int,
    console: Console,
) -> int:
    """Train a committee on a labelled extxyz file; returns how many labels taught it."""
    labels = read_labels(data, rehash=True)
    check_labels(labels, data)
    for line in left_out(labels):
        console.line(line)
    elements = sorted({s for label in labels for s in label.candidate.atoms.symbols})
    if any(out.glob("member-*")):
        raise UserError(f"{out}: holds a committee already; choose another folder for -o")
    share = training.validation
    sides = split([x.candidate.hash for x in labels], {"train": 1 - share, "valid": share}, seed)
    shared = (
        TrainingSet(
            train=tuple(labels[i] for i in sides["train"]),
            valid=tuple(labels[i] for i in sides["valid"]),
            elements=tuple(elements),
            model=model,
            training=training,
        ),
        Slot(),
    )
    seeds = np.random.default_rng(seed).integers(2**31, size=training.models)
    names = [f"member-{index:02d}" for index in range(training.models)]
    # Members come to their place together: half a committee would look like a whole one.
    parts = out / ".training"
    shutil.rmtree(parts, ignore_errors=True)
    members = trainings(
        [Member(index, int(seeds[index]), str(parts / name)) for index, name in enumerate(names)],
        training,
    )
    options = ExecutorOptions(kind="ray" if workers > 1 else "inline", cpus=workers)
    with (
        open_executor(options) as executor,
        console.training(parts, names[: len(members)], training, warm=False) as look,
    ):
        for index, result in executor.map(work.train, members, Slot(), shared, look):
            if isinstance(result, Lost):
                raise UserError(f"training {names[index]}: {result.reason}")
    for name in names:
        (parts / name).rename(out / name)
    parts.rmdir()
    return len(sides["train"])


def predict_file(committee: Path, frames: Path, out: Path, device: str = "cpu") -> int:
    """Write a committee's means and spreads for every frame of a file; returns how many."""
    from activecharge.committee.committee import Committee

    members = Committee.load(committee, device)
    pool = read_pool(frames, members.elements)
    write_predictions(out, pool, members.predict(pool))
    return len(pool)


def evaluate_file(committee: Path, labelled: Path, device: str = "cpu") -> dict[str, dict]:
    """Errors of a committee on labelled frames, see `activecharge.report.metrics.errors`."""
    from activecharge.committee.committee import Committee

    members = Committee.load(committee, device)
    labels = read_labels(labelled, members.elements)
    predictions = members.predict([label.candidate.atoms for label in labels])
    return errors(labels, predictions)


def select_file(
    committee: Path, pool: Path, out: Path, options: SelectionOptions, seed: int
) -> Sequence[selection.Choice]:
    """Write the frames of a pool that are most worth labelling, with why and the spreads."""
    from activecharge.committee.committee import Committee

    members = Committee.load(committee)
    candidates = _candidates(pool, members.elements)
    predictions = members.predict([c.atoms for c in candidates])
    weights = options.weights.model_dump()
    scored = disagreement.score(candidates, predictions, weights, options.reduce)
    choices = selection.select(scored, options, np.random.default_rng(seed))
    frames = []
    for choice in choices:
        frame = candidate_to_atoms(choice.scored.candidate)
        frame.info["chosen"], frame.info["score"] = choice.why, choice.scored.score
        frame.info["cause"] = json.dumps(strict(choice.scored.cause))
        put_prediction(frame, choice.scored.prediction)
        frames.append(frame)
    write_frames(out, frames)
    return choices


def _candidates(path: Path, elements: Collection[str] | None = None) -> list[Candidate]:
    return [
        Candidate(atoms, content_hash(atoms), "file", {"file": path.name, "frame": index})
        for index, atoms in enumerate(read_pool(path, elements))
    ]
