"""Small labels to learn from."""

from dataclasses import replace

import numpy as np
from ase import Atoms
from ase.build import molecule

from activecharge.learning.trainer import Member, TrainingSet, train_member
from activecharge.learning.training_options import TrainingOptions
from activecharge.model.model_options import ModelOptions
from activecharge.properties import PROPERTIES
from activecharge.records import Candidate, Label, MemberResult

ELEMENTS = ("H", "O")
TINY = ModelOptions(cutoff=3.5, channels=4, radial=4)


def waters(count: int, seed: int, cell: float | None = None) -> Atoms:
    """Randomly turned, bent molecules on a grid; periodic if given a cell length in Å."""
    rng = np.random.default_rng(seed)
    atoms = Atoms()
    for place in [(0, 0, 0), (2.9, 0, 0), (0, 2.9, 0), (0, 0, 2.9)][:count]:
        water = molecule("H2O")
        water.rotate(rng.uniform(0, 360), rng.normal(size=3))
        water.positions += place - water.get_center_of_mass() + rng.normal(0, 0.06, (3, 3))
        atoms += water
    if cell:
        atoms.set_cell([cell] * 3)
        atoms.pbc = True
    return atoms


def synthetic(atoms: Atoms, seed: int = 0, without: tuple[str, ...] = ()) -> Label:
    """A label of the right shapes: neutral charges, other values drawn at random."""
    rng = np.random.default_rng(seed)
    values = {}
    for name, spec in PROPERTIES.items():
        shape = ((len(atoms),) if spec.per_atom else ()) + spec.shape
        values[name] = rng.normal(0, 5 * spec.tolerance, shape)
    values["charges"] += np.where(atoms.symbols == "O", -0.6, 0.3)
    values["energy"] += -14.0 * len(atoms)
    for name in (*without, "dipole" if atoms.pbc.all() else "stress"):
        values.pop(name, None)
    return Label(Candidate(atoms, f"frame{seed}", "test"), values, "random", {})


def mixed_labels() -> tuple[Label, ...]:
    """Free clusters with all they can have, and boxes without Born effective charges."""
    free = [synthetic(waters(1 + seed % 3, seed), seed) for seed in range(4)]
    boxes = [synthetic(waters(2, seed, cell=5.2), seed, without=("bec",)) for seed in range(4, 7)]
    return (*free, *boxes)


def training_set(labels, model: ModelOptions = TINY, valid: int = 1, **options) -> TrainingSet:
    settings = {"steps": 20, "evaluate_every": 10, "batch_size": 4} | options
    return TrainingSet(
        train=tuple(labels[:-valid]),
        valid=tuple(labels[-valid:]),
        elements=ELEMENTS,
        model=model,
        training=TrainingOptions(**settings),
    )


def train(data: TrainingSet, directory, seed: int = 0, start=None, **changes) -> MemberResult:
    member = Member(0, seed, str(directory), str(start) if start else None)
    return train_member(replace(data, **changes), member)
