"""The work of a comparison: train a model, judge it, time them all."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from activecharge.campaign.loop import work
from activecharge.execution.resources import Slot
from activecharge.learning.training_options import TrainingOptions
from activecharge.learning.training_set import Member, TrainingSet
from activecharge.model.model_options import ModelOptions
from activecharge.records import Label, MemberResult, Prediction
from activecharge.report.couplings.comparison import COMPARED, Cost, Outcome
from activecharge.sampling.source_options import BoxesOptions

if TYPE_CHECKING:
    from activecharge.model.network import ChargeModel

REPEATS = 5
"""Times each timed call is done; the shortest counts, since other load only ever adds."""


@dataclass(frozen=True)
class Scheme:
    """One way to learn charges."""

    name: str
    note: str
    model: ModelOptions
    training: TrainingOptions


@dataclass(frozen=True)
class Trial:
    """One training of a scheme."""

    scheme: Scheme
    member: Member


@dataclass(frozen=True)
class Data:
    """Labels to learn from and labels to be judged by, and where the work runs."""

    train: tuple[Label, ...]
    valid: tuple[Label, ...]
    test: tuple[Label, ...]
    elements: tuple[str, ...]
    slot: Slot


def train(data: Data, trial: Trial) -> MemberResult:
    """Train one model."""
    lesson = TrainingSet(
        train=data.train,
        valid=data.valid,
        elements=data.elements,
        model=trial.scheme.model,
        training=trial.scheme.training,
    )
    return work.train(work.MemberSettings(lesson, data.slot), trial.member)


def judge(data: Data, trial: Trial) -> Outcome:
    """What one model says of the held-out frames."""
    from activecharge.model.graph import build_graph

    model, options = _load(data, trial), trial.scheme.model
    sums = (options.cutoff, options.coulomb_accuracy)
    predictions, screening = [], []
    for label in data.test:
        graph = build_graph(label.candidate.atoms, data.elements, *sums)
        found = model(graph.to(model.backbone.to_cartesian.device, model.dtype), COMPARED)
        values = {name: tensor.double().cpu().numpy() for name, tensor in found.items()}
        values["energy"] = values["energy"][0]
        predictions.append(Prediction({name: values[name] for name in COMPARED}, {}, np.empty(0)))
        if "screening" in values:
            screening.append(values["screening"])
    return Outcome(trial.scheme.name, trial.member.index, tuple(predictions), tuple(screening))


@dataclass(frozen=True)
class Stopwatch:
    """What to time: a model of each scheme, on boxes of water and on training frames."""

    trials: tuple[Trial, ...]
    boxes: tuple[int, ...]
    seed: int


def time_all(data: Data, watch: Stopwatch) -> tuple[list[Cost], list[Cost]]:
    """Time predictions by size, and training steps, of all schemes in turn in this process."""
    models = {trial.scheme.name: _load(data, trial) for trial in watch.trials}
    predicting = []
    for count in watch.boxes:
        calls = _predictions(models, data, count, watch.seed)
        best = _shortest(calls)
        predicting += [Cost(name, 3 * count, seconds) for name, seconds in best.items()]
    steps, atoms = _training_steps(watch.trials, models, data)
    training = [Cost(name, atoms, seconds) for name, seconds in _shortest(steps).items()]
    return predicting, training


def _predictions(
    models: "dict[str, ChargeModel]", data: Data, count: int, seed: int
) -> dict[str, Callable[[], object]]:
    """Predictions of a box of `count` molecules at the density of water."""
    from activecharge.model.graph import build_graph
    from activecharge.sampling.builders.liquid import build_boxes

    options = BoxesOptions(count=1, molecules=(count, count), density_spread=0)
    box = next(build_boxes(options, np.random.default_rng([seed, count])))

    def call(model: "ChargeModel") -> Callable[[], object]:
        graph = build_graph(box, data.elements, model.architecture.options.cutoff)
        graph = graph.to(model.backbone.to_cartesian.device, model.dtype)
        # Fetching the results waits for a GPU to be done.
        return lambda: [tensor.cpu() for tensor in model(graph, COMPARED).values()]

    return {name: call(model) for name, model in models.items()}


def _training_steps(
    trials: Sequence[Trial], models: "dict[str, ChargeModel]", data: Data
) -> tuple[dict[str, Callable[[], object]], int]:
    """Loss and gradient of a batch with frames of all sizes, and the number of its atoms."""
    from activecharge.learning.batches import Batch, join_batches, make_batch
    from activecharge.learning.loss import active_weights, loss

    ordered = sorted(data.train, key=lambda label: len(label.candidate.atoms))

    def call(trial: Trial, model: "ChargeModel", batch: Batch) -> Callable[[], object]:
        weights = active_weights(trial.scheme.training.weights, trial.scheme.model)
        wanted = {name for name in weights if batch.targets[name].isfinite().any()}

        def step() -> float:
            model.zero_grad()
            value = loss(model(batch.graph, wanted, training=True), batch, weights)
            value.backward()
            return float(value.detach())

        return step

    steps, atoms = {}, 0
    for trial in trials:
        size = min(trial.scheme.training.batch_size, len(ordered))
        picked = [ordered[i] for i in np.linspace(0, len(ordered) - 1, size).astype(int)]
        atoms = sum(len(label.candidate.atoms) for label in picked)
        model, cutoff = models[trial.scheme.name], trial.scheme.model.cutoff
        batch = join_batches([make_batch(label, data.elements, cutoff) for label in picked])
        batch = batch.to(model.backbone.to_cartesian.device, model.dtype)
        steps[trial.scheme.name] = call(trial, model.train(), batch)
    return steps, atoms


def _shortest(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Shortest time of each call in s, the calls taking turns so that all see the same load."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(1 + REPEATS):  # the first calls build what later ones find
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def _load(data: Data, trial: Trial) -> "ChargeModel":
    from activecharge.model.checkpoint import load_model

    return load_model(Path(trial.member.directory), work.device_of(data.slot))
