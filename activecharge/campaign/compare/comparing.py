"""Train the couplings on the same labels with the same seeds, and set them side by side."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from activecharge.campaign.compare import compare_work
from activecharge.campaign.compare.compare_work import Data, Scheme, Stopwatch, Trial
from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop import exploring
from activecharge.campaign.loop.labelling import label_waiting, no_labels
from activecharge.campaign.loop.outcomes import TrainingBegan
from activecharge.campaign.loop.state import CampaignState
from activecharge.campaign.loop.teaching import training_set
from activecharge.campaign.monitor.console import TRAINING, Console
from activecharge.campaign.precheck import precheck
from activecharge.campaign.settings.campaign_options import Campaign
from activecharge.dataset.manifest import versions
from activecharge.errors import UserError
from activecharge.execution.executor import Executor
from activecharge.execution.groups import all_values
from activecharge.execution.opening import open_executor
from activecharge.execution.tasks import WorkGroup
from activecharge.files import write_json
from activecharge.learning.training_options import LossWeights
from activecharge.learning.training_set import Member
from activecharge.model import ARCHITECTURE
from activecharge.model.coulomb.convergence import converge
from activecharge.model.model_options import Coupling, ModelOptions
from activecharge.report.couplings.comparison import Comparison, Cost, Outcome, group_of
from activecharge.report.couplings.couplings_page import comparison_text, write_comparison
from activecharge.report.couplings.couplings_results import results
from activecharge.strict_json import Json, strict

NOTES = {
    "independent": "Z from a tensor head of its own.",
    "global": "Z from the charges and one screening factor for all atoms.",
    "local": "Z from the charges and a screening factor for each atom, from its environment.",
    "dipolar": "Z from the charges and atomic dipoles.",
    "latent": "Charges learnt from energies, forces and stresses alone: neither q nor Z was "
    "taught.",
}


def compare(campaign: Campaign, directory: Path, quiet: bool = False) -> tuple[Json, str]:
    """Compare the couplings of a campaign, or go on where a former comparison stopped.

    Labels of `initial` and `test` are shared with `activecharge run` in the same directory.
    What is on disk is not made again: labels, trained models, timings.

    Returns
    -------
    dict, str
        All numbers, and the closing words.

    Raises
    ------
    UserError
        If there is nothing to judge by, a source is no good, or the directory is in use, cannot
        be written or belongs to another campaign.
    """
    if not campaign.test:
        raise UserError("test: a comparison is judged by held-out frames; name sources of them")
    precheck(campaign, directory)
    with (
        Console(quiet) as console,
        RunDirectory.writing(directory, campaign) as run,
        open_executor(campaign.executor.workplace(campaign.cluster)) as executor,
    ):
        folder = run.path / "compare"
        data = _label(CampaignState(run), executor, console)
        _tell(console, campaign, data)
        _check_same_frames(folder / "frames.json", data)
        trials = _trials(campaign, folder / "models")
        _train(executor, console, folder / "models", data, trials)
        judging = WorkGroup(compare_work.judge, trials, data.slot, data)
        outcomes = all_values(executor, judging, "judge", console.working)
        predicting, training = _time(executor, folder / "cost.json", campaign, data, trials)
        comparison = _comparison(campaign, data, outcomes, predicting, training)
        facts = strict(results(comparison))
        written = [
            *write_comparison(comparison, folder),
            (write_json(folder / "results.json", facts), "all numbers"),
        ]
    files = (f"{path}  {meaning}" for path, meaning in written)
    return facts, "\n".join([comparison_text(comparison), "", *files])


def schemes(campaign: Campaign) -> list[Scheme]:
    """The ways to learn charges that a campaign compares."""
    # Models are judged one by one; where spreads come from does not matter.
    training = campaign.training.model_copy(update={"uncertainty": "committee"})
    found = [
        Scheme(name, NOTES[name], _model(campaign.model, name), training)
        for name in campaign.compare.couplings
    ]
    if campaign.compare.latent:
        untaught = LossWeights.model_validate(
            training.weights.model_dump() | {"charges": 0, "dipole": 0, "bec": 0}
        )
        lesson = training.model_copy(update={"weights": untaught})
        # Nothing teaches a screening factor here, so the charges alone make Z.
        alone = _model(campaign.model, "global", charges="latent", screening=1.0)
        found.append(Scheme("latent", NOTES["latent"], alone, lesson))
    return found


def _model(options: ModelOptions, coupling: Coupling, **changes: object) -> ModelOptions:
    """The same model with another coupling; only the global one has a say in its factor."""
    screening = options.screening if coupling == "global" else "learned"
    changed = {"coupling": coupling, "screening": screening} | changes
    return ModelOptions.model_validate(options.model_dump() | changed)


def _label(state: CampaignState, executor: Executor, console: Console) -> Data:
    """Label the campaign's initial and held-out frames."""
    exploring.draw_test(state)
    exploring.draw_initial(state)
    label_waiting(state, executor, console.tell)
    labels, test = [row.label for row in state.rows(1)], state.test_labels()
    campaign = state.run.campaign
    if not labels or not test:
        raise no_labels(state, "test" if labels else "initial")
    lesson = training_set(
        labels, campaign.elements, campaign.model, campaign.training, campaign.seed
    )
    return Data(
        train=lesson.train,
        valid=lesson.valid,
        test=tuple(test),
        elements=lesson.elements,
        slot=campaign.executor.member_slot,
    )


def _tell(console: Console, campaign: Campaign, data: Data) -> None:
    sums = converge(campaign.model.cutoff, campaign.model.coulomb_accuracy)
    console.line(f"Coulomb sums: {sums}")
    console.line(
        f"{len(data.train)} labels to learn from, {len(data.valid)} to validate, "
        f"{len(data.test)} to judge by"
    )


def _check_same_frames(path: Path, data: Data) -> None:
    """Refuse to set models side by side that learnt from different labels."""
    now = {
        side: [label.candidate.hash for label in getattr(data, side)]
        for side in ("train", "valid", "test")
    }
    if not path.exists():
        write_json(path, now)
    elif json.loads(path.read_text(encoding="utf-8")) != now:
        raise UserError(
            f"{path}: the labels are others than those the models here learnt from; "
            f"delete {path.parent} to train them all again"
        )


def _trials(campaign: Campaign, folder: Path) -> list[Trial]:
    """Every scheme with every seed; equal numbers mean equal seeds."""
    trials = []
    for scheme in schemes(campaign):
        for index in range(campaign.compare.seeds):
            rng = np.random.default_rng([campaign.seed, index, *b"compare"])
            place = folder / scheme.name / f"seed-{index:02d}"
            member = Member(index, int(rng.integers(2**31)), str(place))
            trials.append(Trial(scheme, member))
    return trials


def _train(
    executor: Executor, console: Console, folder: Path, data: Data, trials: Sequence[Trial]
) -> None:
    """Train those models whose checkpoints are not there yet."""
    missing = [t for t in trials if not (Path(t.member.directory) / ARCHITECTURE).exists()]
    if not missing:
        return
    folder.mkdir(parents=True, exist_ok=True)  # workers elsewhere must find it, not make their own
    names = tuple(Path(t.member.directory).relative_to(folder).as_posix() for t in missing)
    console.tell(TrainingBegan(folder, names, missing[0].scheme.training.steps))
    group = WorkGroup(compare_work.train, missing, data.slot, data)
    all_values(executor, group, TRAINING, console.working)


def _time(
    executor: Executor, path: Path, campaign: Campaign, data: Data, trials: Sequence[Trial]
) -> tuple[list[Cost], list[Cost]]:
    """Time one model of each scheme, all in one process; measured once."""
    if not path.exists():
        firsts = tuple(trial for trial in trials if trial.member.index == 0)
        boxes = campaign.compare.boxes if {"H", "O"} <= set(campaign.elements) else ()
        watch = Stopwatch(firsts, boxes, campaign.seed)
        group = WorkGroup(compare_work.time_all, [watch], data.slot, data)
        [timed] = all_values(executor, group, "timing")
        write_json(path, [[vars(cost) for cost in costs] for costs in timed])
    predicting, training = json.loads(path.read_text(encoding="utf-8"))
    return [Cost(**cost) for cost in predicting], [Cost(**cost) for cost in training]


def _comparison(
    campaign: Campaign,
    data: Data,
    outcomes: Sequence[Outcome],
    predicting: Sequence[Cost],
    training: Sequence[Cost],
) -> Comparison:
    kinds = Counter(group_of(label) for label in data.train + data.valid)
    return Comparison(
        name=campaign.name,
        reference=campaign.level_of_theory,
        labels=data.test,
        outcomes=tuple(outcomes),
        predicting=tuple(predicting),
        training=tuple(training),
        counts=dict(sorted(kinds.items(), reverse=True)),
        notes={scheme.name: scheme.note for scheme in schemes(campaign)},
        versions=versions(),
    )
