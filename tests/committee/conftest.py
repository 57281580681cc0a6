"""Small random committees, water frames, and scored pools made by hand."""

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule

from activecharge.committee.committee import Committee
from activecharge.model.model_options import ModelOptions
from activecharge.model.network import Architecture, ChargeModel
from activecharge.records import Candidate, Prediction, Scored


def random_model(seed: int, elements=("H", "O"), **options) -> ChargeModel:
    """An untrained model; float64, so that comparisons see the code and not its rounding."""
    torch.manual_seed(seed)
    chosen = ModelOptions(**{"channels": 4, "dtype": "float64"} | options)
    return ChargeModel(Architecture(chosen, elements, 10.0, (-13.0, -430.0)))


@pytest.fixture(scope="session")
def make_model():
    return random_model


@pytest.fixture(scope="session")
def committee() -> Committee:
    return Committee([random_model(seed) for seed in range(3)])


@pytest.fixture(scope="session")
def frames() -> list[Atoms]:
    """One to three molecules, free and periodic in turn."""
    rng = np.random.default_rng(5)
    made = []
    for index, count in enumerate((1, 3, 2, 2, 1, 3)):
        atoms = Atoms()
        for place in range(count):
            water = molecule("H2O")
            water.rotate(rng.uniform(0, 360), rng.normal(size=3))
            water.positions += [2.9 * place, *rng.uniform(0, 0.5, 2)]
            water.positions += rng.normal(0, 0.03, (3, 3))
            atoms += water
        if index % 2:
            atoms.set_cell([[9.0, 0.0, 0.0], [0.4, 6.5, 0.0], [-0.3, 0.2, 7.0]])
            atoms.pbc = True
        made.append(atoms)
    return made


@pytest.fixture(scope="session")
def make_scored():
    """A scored frame of given score, descriptor, largest spreads, and further facts."""

    def make(score=1.0, descriptor=(0.0,), hash="", source="clusters", error=None, **worst):
        candidate = Candidate(Atoms("OH2", positions=np.eye(3)), hash, source)
        said = Prediction({}, {}, np.array(descriptor, float))
        return Scored(candidate, said, score, worst, error or {})

    return make


@pytest.fixture(scope="session")
def make_pool(make_scored):
    """Frames of random score, spread and descriptor; the spread is no function of the score."""

    def make(count, seed=0, features=6):
        rng = np.random.default_rng(seed)
        return [
            make_scored(
                float(rng.gamma(2.0)), rng.normal(size=features), charges=float(rng.gamma(2.0))
            )
            for _ in range(count)
        ]

    return make
