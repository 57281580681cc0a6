"""Comparisons of couplings with errors that are known."""

import numpy as np
from ase import Atoms

from activecharge.records import Candidate, Label, Prediction
from activecharge.report.couplings.comparison import Comparison, Cost, Outcome

SHIFTS = {"independent": 0.01, "global": 0.03, "local": 0.02}
"""Error of every component of a scheme's first seed; the second's is twice as large."""


def make_label(index: int, molecules: int, periodic: bool, bec: bool = True) -> Label:
    rng = np.random.default_rng(index)
    atoms = Atoms("OHH" * molecules, positions=rng.uniform(0, 6, (3 * molecules, 3)))
    if periodic:
        atoms.set_cell([6, 6, 6])
        atoms.pbc = True
    n = len(atoms)
    values = {
        "energy": np.asarray(-138.0 * molecules),
        "forces": rng.normal(size=(n, 3)),
        "charges": rng.normal(size=n),
    }
    if bec:
        values["bec"] = rng.normal(size=(n, 3, 3))
    return Label(Candidate(atoms, f"{index:016x}", "clusters"), values, "tblite", {})


def make_outcome(scheme: str, seed: int, labels: tuple[Label, ...]) -> Outcome:
    shift = SHIFTS[scheme] * (1 + seed)
    predictions, screening = [], []
    for label in labels:
        n = len(label.candidate.atoms)
        mean = {name: value + shift for name, value in label.values.items()}
        mean.setdefault("bec", np.zeros((n, 3, 3)))
        predictions.append(Prediction(mean, {}, np.empty(0)))
        if scheme == "global":
            screening.append(np.full(n, 0.9 + 0.1 * seed))
        elif scheme == "local":
            oxygen = label.candidate.atoms.numbers == 8
            screening.append(np.where(oxygen, 1.2, 0.8) + 0.01 * n)
    return Outcome(scheme, seed, tuple(predictions), tuple(screening))


def make_comparison(
    sizes=(1, 2, 2), boxes=2, bulk_bec=True, seeds=2, schemes=tuple(SHIFTS), cost=True
):
    labels = tuple(make_label(i, n, periodic=False) for i, n in enumerate(sizes))
    labels += tuple(make_label(50 + i, 4, True, bulk_bec) for i in range(boxes))
    outcomes = [make_outcome(s, seed, labels) for s in schemes for seed in range(seeds)]
    factors = {"independent": 1, "global": 2, "local": 3}
    predicting = [Cost(s, n, 0.001 * n * factors[s]) for s in schemes for n in (33, 99)]
    training = [Cost(s, 60, 0.1 * factors[s]) for s in schemes]
    return Comparison(
        name="water",
        reference="tblite GFN1-xTB",
        labels=labels,
        outcomes=tuple(outcomes),
        predicting=tuple(predicting) if cost else (),
        training=tuple(training) if cost else (),
        counts={"clusters": 30, "bulk": 6},
        notes={scheme: f"What {scheme} is." for scheme in schemes},
        versions={"numpy": "2.0"},
    )
