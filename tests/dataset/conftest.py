"""Labels shaped like those of water, with every property."""

import numpy as np
import pytest
from ase import Atoms

from activecharge.records import Candidate, Label, Prediction


def eight(values):
    return np.round(np.asarray(values, dtype=float), 8)


@pytest.fixture
def make_label():
    def make(seed=0, molecules=1, periodic=False, **replaced):
        rng = np.random.default_rng(seed)
        n = 3 * molecules
        atoms = Atoms("OHH" * molecules, positions=eight(rng.uniform(0, 9, (n, 3))))
        if periodic:
            atoms.set_cell(eight(rng.normal(0, 0.3, (3, 3)) + 10 * np.eye(3)))
            atoms.pbc = True
        values = {
            "energy": eight(-137.9 * molecules + rng.normal()),
            "forces": eight(rng.normal(size=(n, 3))),
            "stress": eight(rng.normal(size=(3, 3))),
            "charges": eight(rng.normal(size=n)),
            "dipole": eight(rng.normal(size=3)),
            "bec": eight(rng.normal(size=(n, 3, 3))),
        }
        values.update(replaced)
        candidate = Candidate(atoms, f"{seed:016x}", "clusters", {"seed": seed, "parent": None})
        return Label(candidate, values, "tblite", {"method": "GFN2-xTB", "field": 5e-4})

    return make


@pytest.fixture
def make_prediction():
    def make(label, seed=1):
        rng = np.random.default_rng(seed)
        n = len(label.candidate.atoms)
        mean = {k: eight(v + 0.01 * rng.normal(size=v.shape)) for k, v in label.values.items()}
        per_atom = ("forces", "charges", "bec")
        std = {k: eight(rng.uniform(0, 0.1, n if k in per_atom else ())) for k in mean}
        return Prediction(mean, std, rng.normal(size=4))

    return make
