"""What Born effective charges cost: coupled against independent, growth with size, memory.

Run `python tests/benchmarks/model_cost.py` (some minutes); figures go to docs/benchmarks.md. It
counts processor seconds, on one thread, and times both models in turn, so that other work on the
machine hardly matters.
"""

import math
import multiprocessing
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Collection

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from ase import Atoms
from ase.build import molecule

from activecharge.learning import train_heads
from activecharge.learning.batches import Batch
from activecharge.learning.fields import EVERY, Fields
from activecharge.learning.loss import active_weights, loss
from activecharge.learning.training_options import LossWeights
from activecharge.model.graph import Graph, build_graph, join
from activecharge.model.model_options import ModelOptions
from activecharge.model.network import Architecture, ChargeModel
from activecharge.model.shared import SharedBackbone
from activecharge.properties import PROPERTIES

SIZES = (33, 264, 891, 2112, 4125)
LARGEST = 19998
COUPLED = ("global", "local", "dipolar")
ELEMENTS = ("H", "O")
EVERYTHING = ("energy", "forces", "charges", "bec")
CHARGES = ("charges", "bec")
VOLUME = 29.97
"""Å³ a molecule, at 0.998 g/cm³."""


def box(atoms: int) -> Atoms:
    """Randomly turned molecules on a cubic grid with random vacancies, at water's density."""
    count = atoms // 3
    rng = np.random.default_rng(count)
    length, side = (count * VOLUME) ** (1 / 3), math.ceil(count ** (1 / 3))
    places = rng.permutation(np.array(list(np.ndindex(side, side, side))))[:count] + 0.5
    water = molecule("H2O")
    shape = water.positions - water.get_center_of_mass()
    turns = [np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(count)]
    positions = [
        shape @ turn + place * length / side for turn, place in zip(turns, places, strict=True)
    ]
    return Atoms("OHH" * count, np.concatenate(positions), cell=[length] * 3, pbc=True)


def make_model(coupling: str) -> ChargeModel:
    """Default settings; weights do not matter for the cost."""
    torch.manual_seed(0)
    options = ModelOptions(coupling=coupling)
    return ChargeModel(Architecture(options, ELEMENTS, 50.0, (-13.0, -2000.0)))


def make_graph(atoms: int) -> Graph:
    """In single precision."""
    return build_graph(box(atoms), ELEMENTS, ModelOptions().cutoff).to("cpu", torch.float32)


def ratios(first: Callable[[], object], second: Callable[[], object], repeats: int):
    """Median ratio of processor times, second over first, and the least time of each."""
    first(), second()
    pairs = [(_seconds(first), _seconds(second)) for _ in range(repeats)]
    least = [min(times) for times in zip(*pairs, strict=True)]
    return statistics.median(b / a for a, b in pairs), *least


def _seconds(function: Callable[[], object]) -> float:
    before = time.process_time()
    function()
    return time.process_time() - before


def inference() -> None:
    """Ratios at every size, of whole predictions and of charges alone."""
    print("| atoms | coupling | E, F, q, Z [s] | ratio | q, Z [s] | ratio |\n" + "| --- " * 6 + "|")
    independent = make_model("independent")
    for size in SIZES:
        graph = make_graph(size)
        repeats = max(5, 1000 // size)
        for name in COUPLED:
            row = f"| {size} | {name} |"
            model = make_model(name)
            for outputs in (EVERYTHING, CHARGES):
                ratio, _, cost = ratios(
                    lambda: independent(graph, outputs),  # noqa: B023
                    lambda: model(graph, outputs),  # noqa: B023
                    repeats,
                )
                row += f" {cost:.3g} | {ratio:.2f} |"
            print(row, flush=True)


def training() -> None:
    """Ratio of an optimizer step's cost on eight frames of bulk or of clusters."""
    print("| frames | coupling | step [s] | ratio |\n" + "| --- " * 4 + "|")
    for kind, size in (("8 boxes of 64 molecules", 192), ("8 clusters of 6 molecules", 18)):
        atoms = box(size)
        atoms.pbc = size > 100
        graph = build_graph(atoms, ELEMENTS, ModelOptions().cutoff).to("cpu", torch.float32)
        batch = _labelled(join([graph] * 8))
        independent = _step(make_model("independent"), batch)
        for name in COUPLED:
            ratio, _, cost = ratios(independent, _step(make_model(name), batch), 7)
            print(f"| {kind} | {name} | {cost:.3g} | {ratio:.2f} |", flush=True)


def dipoles() -> None:
    """Ratio of the cost of a step that also teaches the independent coupling's dipole."""
    print("| frames | step without [s] | with the dipole: ratio |\n" + "| --- " * 3 + "|")
    rng = np.random.default_rng(0)
    for kind, size in (
        ("8 boxes of 64 molecules", 192),
        ("8 clusters of 6 molecules", 18),
        ("8 clusters of 2 molecules", 6),
    ):
        atoms = box(size)
        atoms.pbc = size > 100
        graph = build_graph(atoms, ELEMENTS, ModelOptions().cutoff).to("cpu", torch.float32)
        known = _labelled(join([graph] * 8))
        targets = {name: value.double() for name, value in known.targets.items()}
        whole, model = Batch(known.graph, targets), make_model("independent")
        weights = active_weights(LossWeights(), model.architecture.options)
        in_fields = Fields(model.architecture.options, weights, [whole], rng)
        without = _step(make_model("independent"), known, {"dipole"})
        found = []
        for _ in range(EVERY):
            batch, field = in_fields(whole)
            field = None if field is None else field.float()
            step = _step(model, batch.to("cpu", torch.float32), field=field)
            ratio, cost, _ = ratios(without, step, 15)
            found.append(ratio)
        print(f"| {kind} | {cost:.3g} | {statistics.mean(found):.2f} |", flush=True)


def heads() -> None:
    """Ratio of a step of members on one backbone over that of one model, on clusters."""
    print("| coupling | members | ratio |\n" + "| --- " * 3 + "|")
    atoms = box(18)
    atoms.pbc = False
    graph = build_graph(atoms, ELEMENTS, ModelOptions().cutoff).to("cpu", torch.float32)
    batch = _labelled(join([graph] * 8))
    for name in ("independent", *COUPLED):
        for count in (2, 4):
            shared = SharedBackbone([make_model(name) for _ in range(count)])
            weights = active_weights(LossWeights(), shared.models[0].architecture.options)
            copies = torch.ones(count, 8, dtype=torch.float64)

            def together(shared=shared, weights=weights, copies=copies) -> None:
                shared.zero_grad()
                train_heads._loss(shared, batch, weights, copies, 0).backward()

            ratio, _, _ = ratios(_step(make_model(name), batch), together, 7)
            print(f"| {name} | {count} | {ratio:.2f} |", flush=True)


def _labelled(graph: Graph) -> Batch:
    """Everything labelled with ones; the dipole of boxes and the stress of clusters are not."""
    periodic = bool(graph.periodic.all())
    missing = "dipole" if periodic else "stress"
    targets = {}
    for name, spec in PROPERTIES.items():
        rows = len(graph.positions) if spec.per_atom else len(graph.counts)
        targets[name] = torch.full((rows, *spec.shape), math.nan if name == missing else 1.0)
    return Batch(graph, targets)


def _step(
    model: ChargeModel,
    batch: Batch,
    without: Collection[str] = (),
    field: torch.Tensor | None = None,
) -> Callable[[], object]:
    weights = active_weights(LossWeights(), model.architecture.options)
    weights = {name: weight for name, weight in weights.items() if name not in without}
    outputs = {name for name in weights if torch.isfinite(batch.targets[name]).any()}
    optimizer = torch.optim.Adam(model.parameters())

    def step() -> None:
        optimizer.zero_grad()
        loss(model(batch.graph, outputs, training=True, field=field), batch, weights).backward()
        optimizer.step()

    return step


def growth() -> None:
    """Exponent of the cost between 891 and 20 000 atoms, and memory, each in a fresh process."""
    print("| outputs | 891 atoms [s] | 19 998 atoms [s] | exponent | peak [GiB] |")
    print("| --- " * 5 + "|")
    for outputs in (("energy", "forces"), EVERYTHING):
        with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            (small, _), (large, peak) = pool.map(_measure, [(891, outputs), (LARGEST, outputs)], 1)
        exponent = math.log(large / small) / math.log(LARGEST / 891)
        names = ", ".join(outputs)
        print(f"| {names} | {small:.3g} | {large:.3g} | {exponent:.2f} | {peak:.1f} |", flush=True)


def _measure(task: tuple[int, tuple[str, ...]]) -> tuple[float, float]:
    """Least processor seconds of a prediction by the local coupling, and peak memory in GiB."""
    size, outputs = task
    torch.set_num_threads(1)
    model, graph = make_model("local"), make_graph(size)
    model(graph, outputs)
    least = min(_seconds(lambda: model(graph, outputs)) for _ in range(2 if size > 9999 else 7))
    return least, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    torch.set_num_threads(1)
    parts = {part.__name__: part for part in (inference, training, dipoles, heads, growth)}
    for name in sys.argv[1:] or parts:
        parts[name]()
        print()
