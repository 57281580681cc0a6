"""The stages of a round. Each reads what it needs from the run directory and leaves its result
there, so that a campaign can be taken up at any of them."""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from activecharge.campaign.console import format_errors
from activecharge.campaign.crew import Crew
from activecharge.campaign.rundir import Chosen, RunDirectory
from activecharge.committee import disagreement, selection
from activecharge.dataset.export import export
from activecharge.dataset.predictions import write_pairs
from activecharge.dataset.splits import split
from activecharge.errors import UserError
from activecharge.learning.training_set import Member, TrainingSet
from activecharge.records import Candidate, Label, Prediction, Scored
from activecharge.report.metrics import errors
from activecharge.sampling.options import DynamicsOptions
from activecharge.sampling.sources import Sieve, draw


@dataclass(frozen=True)
class Done:
    """A finished stage: a line for people, and what the next stage takes."""

    text: str
    value: Any = None


def holdout(run: RunDirectory, crew: Crew, number: int) -> Done:
    """Label the fixed test set, before anything else and never to be trained on."""
    if not run.test.selection.exists():
        sieve = Sieve(run.campaign.sanity)
        rng = _random(run, 0, "test")
        drawn = [c for s in run.campaign.test for c in _draw(run, s, rng, sieve, [])]
        run.test.write_selection([Chosen(candidate, "test") for candidate in drawn])
    crew.label([item.candidate for item in run.test.read_selection()])
    return Done(f"{len(run.test_labels())} labels held out")


def begin(run: RunDirectory, crew: Crew, number: int) -> Done:
    """Choose the frames that the campaign starts from; all that the label budget allows."""
    sieve, rng = _sieve(run, 0), _random(run, 0, "initial")
    drawn = [c for s in run.campaign.initial for c in _draw(run, s, rng, sieve, [])]
    drawn = drawn[: run.campaign.stop.labels]
    run.round(0).write_selection([Chosen(candidate, "initial") for candidate in drawn])
    return Done(f"{len(drawn)} initial configurations")


def explore(run: RunDirectory, crew: Crew, number: int) -> Done:
    """Find candidates that are sane and not known yet."""
    folder = run.round(number)
    if folder.candidates.exists():
        found = folder.read_candidates()
        return Done(f"{len(found)} candidates, found before", found)
    known = [label.candidate.atoms for _, _, label in run.chosen_labels(number)]
    sieve = _sieve(run, number)
    stopped: Counter[str] = Counter()
    found = []
    for index, source in enumerate(run.campaign.explore):
        rng = _random(run, number, "explore", index)
        if not isinstance(source, DynamicsOptions):
            found += _draw(run, source, rng, sieve, known)
            continue
        for walk in crew.walk(number - 1, source, known, rng):
            stopped.update(walk.stopped)
            admitted = [sieve.admit(f, source.kind, dict(f.info)) for f in walk.frames]
            found += [candidate for candidate in admitted if candidate is not None]
    folder.write_candidates(found)
    run.journal.append("explored", round=number, refused=dict(sieve.refused), stopped=dict(stopped))
    kinds = Counter(candidate.source for candidate in found)
    text = ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "no candidates"
    refused = ", ".join(f"{count} {reason}" for reason, count in sieve.refused.items())
    runaway = ", ".join(f"{count} {reason}" for reason, count in stopped.items())
    text += f"; refused: {refused}" if refused else ""
    text += f"; walkers stopped: {runaway}" if runaway else ""
    return Done(text, found)


def score(run: RunDirectory, crew: Crew, number: int, candidates: Sequence[Candidate]) -> Done:
    """Rate candidates by how much the last committee disagrees on them."""
    options = run.campaign.selection
    predictions = crew.predict(number - 1, [c.atoms for c in candidates], "score")
    pool = disagreement.score(candidates, predictions, options.weights.model_dump(), options.reduce)
    spreads = {
        symbol: 1000 * float(np.median([scored.worst[name] for scored in pool]))
        for symbol, name in (("q", "charges"), ("Z", "bec"))
        if pool
    }
    text = ", ".join(f"{symbol} {value:.1f} me" for symbol, value in spreads.items())
    return Done(f"median spread of the worst atom: {text or 'no candidates'}", pool)


def select(run: RunDirectory, crew: Crew, number: int, pool: Sequence[Scored]) -> Done:
    """Choose what to label, within the label budget."""
    options, dataset = run.campaign.selection, run.chosen_labels(number)
    if (budget := run.campaign.stop.labels) is not None:
        batch = min(options.batch, budget - len(dataset))
        options = options.model_copy(update={"batch": batch})
    known = crew.predict(number - 1, [label.candidate.atoms for _, _, label in dataset], "compare")
    choices = selection.select(
        pool, options, _random(run, number, "select"), np.array([p.descriptor for p in known])
    )
    run.round(number).write_selection([_remember(choice) for choice in choices])
    counts = Counter(choice.why for choice in choices)
    chosen = ", ".join(f"{count} {why}" for why, count in counts.items()) or "none"
    return Done(f"{chosen} of {len(pool)}")


def label(run: RunDirectory, crew: Crew, number: int) -> Done:
    """Ask the reference for what the round chose."""
    candidates = [item.candidate for item in run.round(number).read_selection()]
    failures = crew.label(candidates)
    return Done(f"{len(candidates)} configurations, {len(failures)} newly quarantined")


def commit(run: RunDirectory, crew: Crew, number: int) -> Done:
    """Add the round's labels to the dataset and write it out for others to use."""
    dataset = run.chosen_labels(number + 1)
    labels = [label for _, _, label in dataset]
    if not labels:
        raise UserError(
            f"{run.path}: not one initial configuration got a label; read why in "
            f"{run.labels.quarantine}, mend the reference and start in a new run directory"
        )
    if _is_latest(run, number):
        export_dataset(run, run.dataset / "data.xyz")
    return Done(f"{len(labels)} labels in the dataset", labels)


def export_dataset(run: RunDirectory, path: Path) -> list[tuple[Path, str]]:
    """Write the dataset and the test set, each frame knowing its split, round and reason."""
    dataset, test = run.chosen_labels(run.rounds()), run.test_labels()
    labels = [label for _, _, label in dataset]
    extras = [{"round": number, "chosen": item.why} for number, item, _ in dataset]
    sides = _sides(run, labels) | {"test": list(range(len(labels), len(labels) + len(test)))}
    return export(labels + test, extras + [{"chosen": "test"}] * len(test), path, sides)


def train(run: RunDirectory, crew: Crew, number: int, labels: Sequence[Label]) -> Done:
    """Train the members, from where they stood a round before."""
    campaign = run.campaign

    def folder(of_round: int, index: int) -> str:
        return str(run.round(of_round).members / f"member-{index:02d}")

    members = [
        Member(
            index=index,
            seed=int(_random(run, 0, "member", index).integers(2**31)),
            directory=folder(number, index),
            start=folder(number - 1, index) if number else None,
        )
        for index in range(campaign.training.members)
    ]
    sides = _sides(run, labels)
    data = TrainingSet(
        train=tuple(labels[i] for i in sides["train"]),
        valid=tuple(labels[i] for i in sides["valid"]),
        elements=campaign.elements,
        model=campaign.model,
        training=campaign.training,
    )
    crew.train(number, data, members)
    if _is_latest(run, number):
        _publish(run, number)
    return Done(
        f"{len(members)} members on {len(data.train)} labels, {len(data.valid)} to validate"
    )


def test(run: RunDirectory, crew: Crew, number: int) -> Done:
    """Judge the round's committee by the fixed test set."""
    folder, labels = run.round(number), run.test_labels()
    if not labels:
        return Done("no test set")
    if not folder.test_errors.exists():
        predictions = crew.predict(number, [label.candidate.atoms for label in labels], "test")
        finite = [i for i, prediction in enumerate(predictions) if _is_finite(prediction)]
        write_pairs(
            folder.test_pairs, [labels[i] for i in finite], [predictions[i] for i in finite]
        )
        folder.write_test_errors(errors(labels, predictions))
    return Done("MAE " + format_errors(folder.read_test_errors()))


def _remember(choice: selection.Choice) -> Chosen:
    """What a round keeps of a choice; numbers that are not finite teach nobody anything."""
    scored = choice.scored
    if not _is_finite(scored.prediction):
        return Chosen(scored.candidate, choice.why)
    return Chosen(scored.candidate, choice.why, scored.prediction, scored.score, scored.worst)


def _is_finite(prediction: Prediction) -> bool:
    values = (*prediction.mean.values(), *prediction.std.values())
    return all(np.isfinite(value).all() for value in values)


def _is_latest(run: RunDirectory, number: int) -> bool:
    """Whether no later round exists; a resumed campaign passes through the former ones."""
    return number == run.rounds() - 1


def _publish(run: RunDirectory, number: int) -> None:
    """Copy the round's committee to where users look for the latest."""
    temporary = run.path / ".committee"
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.copytree(run.round(number).members, temporary)
    shutil.rmtree(run.committee, ignore_errors=True)
    temporary.rename(run.committee)


def _sides(run: RunDirectory, labels: Sequence[Label]) -> dict[str, list[int]]:
    share = run.campaign.training.validation
    hashes = [label.candidate.hash for label in labels]
    return split(hashes, {"train": 1 - share, "valid": share}, run.campaign.seed)


def _random(run: RunDirectory, number: int, purpose: str, index: int = 0) -> np.random.Generator:
    """Random numbers of one purpose, the same whenever and wherever it is taken up."""
    return np.random.default_rng([run.campaign.seed, number, index, *purpose.encode()])


def _sieve(run: RunDirectory, number: int) -> Sieve:
    """A sieve that knows the test set and all that former rounds chose, labelled or not."""
    sieve = Sieve(run.campaign.sanity)
    for folder in (run.test, *(run.round(former) for former in range(number))):
        for item in folder.read_selection():
            sieve.remember(item.candidate.atoms)
    return sieve


def _draw(run: RunDirectory, source, rng, sieve: Sieve, known) -> list[Candidate]:
    return list(draw(source, rng, elements=run.campaign.elements, known=known, sieve=sieve))
