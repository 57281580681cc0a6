"""The stages of a round, one after another. Each reads what it needs from the run directory and
leaves its result there, so that a campaign can be taken up at any of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from activecharge.campaign import exploration, steps
from activecharge.campaign.calibrate import calibrate_round
from activecharge.campaign.crew import Crew
from activecharge.campaign.rundir import RunDirectory
from activecharge.campaign.steps import export_dataset
from activecharge.errors import UserError
from activecharge.records import Candidate, Label, Scored
from activecharge.report.metrics import mean_absolute
from activecharge.sampling.source_options import DynamicsOptions
from activecharge.texts import headline


@dataclass(frozen=True)
class Done:
    """A finished stage: a line for people, and what the next stage takes."""

    text: str
    value: Any = None


def holdout(run: RunDirectory, crew: Crew, number: int) -> Done:
    """Label the fixed test set, before anything else and never to be trained on."""
    crew.label(exploration.draw_test(run))
    return Done(f"{len(run.test_labels())} labels held out")


def begin(run: RunDirectory, crew: Crew, number: int) -> Done:
    """Choose the frames that the campaign starts from."""
    return Done(f"{len(exploration.draw_initial(run))} initial configurations")


def explore(run: RunDirectory, crew: Crew, number: int) -> Done:
    """Find candidates that are sane and not known yet."""
    known, walks = [], []
    if not run.round(number).candidates.exists():
        known = [label.candidate.atoms for _, _, label in run.chosen_labels(number)]
        for index, source in enumerate(run.campaign.explore):
            if isinstance(source, DynamicsOptions):
                rng = exploration.random(run, number, "explore", index)
                walks.append(crew.walk(number - 1, source, known, rng))
    found, text = exploration.gather(run, number, known, walks)
    return Done(text, found)


def score(run: RunDirectory, crew: Crew, number: int, candidates: Sequence[Candidate]) -> Done:
    """Rate candidates by how much the last committee disagrees on them."""
    predictions = crew.predict(number - 1, [c.atoms for c in candidates], "score")
    pool, text = steps.rate(run, candidates, predictions)
    return Done(text, pool)


def select(run: RunDirectory, crew: Crew, number: int, pool: Sequence[Scored]) -> Done:
    """Choose what to label, within the label budget."""
    dataset, budget = run.chosen_labels(number), run.campaign.stop.labels
    known = crew.predict(number - 1, [label.candidate.atoms for _, _, label in dataset], "compare")
    room = None if budget is None else budget - len(dataset)
    return Done(steps.choose(run, number, pool, known, room))


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
        raise no_labels(run)
    if _is_latest(run, number):
        export_dataset(run, run.dataset / "data.xyz")
    return Done(f"{len(labels)} labels in the dataset", labels)


def train(run: RunDirectory, crew: Crew, number: int, labels: Sequence[Label]) -> Done:
    """Train the members, from where they stood a round before."""
    members = steps.members(run, number, number - 1 if number else None)
    data = steps.training_set(run, labels)
    calibrated = calibrate_round(run, number)
    crew.train(number, data, members)
    if _is_latest(run, number):
        steps.publish(run, number)
    taught = f"{len(data.train)} labels, {len(data.valid)} to validate"
    return Done(f"{data.training.models_text} on {taught}; {calibrated}")


def test(run: RunDirectory, crew: Crew, number: int) -> Done:
    """Judge the round's committee by the fixed test set."""
    folder, labels = run.round(number), run.test_labels()
    if not labels:
        return Done("no test set")
    if folder.test_errors.exists():
        return Done("MAE " + headline(mean_absolute(folder.read_test_errors())))
    predictions = crew.predict(number, [label.candidate.atoms for label in labels], "test")
    return Done(steps.judge(run, number, predictions))


def no_labels(run: RunDirectory) -> UserError:
    """The sentence for a campaign that has nothing to learn from."""
    return UserError(
        f"{run.path}: not one initial configuration got a label; read why in "
        f"{run.labels.quarantine}, mend the reference and start in a new run directory"
    )


def _is_latest(run: RunDirectory, number: int) -> bool:
    """Whether no later round exists; a resumed campaign passes through the former ones."""
    return number == run.rounds() - 1
