"""Blind pairs and campaigns shaped like those of water."""

import numpy as np
import pytest
from ase import Atoms

from activecharge.records import BlindPair, Candidate, Label, Prediction
from activecharge.report.campaign.campaign_summary import (
    CampaignSummary,
    ChosenFrame,
    QuarantinedFrame,
    RoundSummary,
)
from activecharge.report.metrics import pair_errors


@pytest.fixture
def make_pair():
    def make(seed=0, why="control", scale=0.01, only=None, error=None):
        """Two molecules, every component wrong by about `scale`, or by `error` exactly."""
        rng = np.random.default_rng(seed)
        atoms = Atoms("OHHOHH", positions=rng.uniform(0, 6, (6, 3)))
        n, oxygen = len(atoms), np.array(atoms.symbols) == "O"
        values = {
            "energy": np.asarray(-276.0),
            "forces": rng.normal(size=(n, 3)),
            "charges": np.where(oxygen, -0.56, 0.28) + 0.02 * rng.normal(size=n),
            "bec": np.where(oxygen, -0.7, 0.35)[:, None, None] * np.eye(3)
            + 0.1 * rng.normal(size=(n, 3, 3)),
        }
        values = {k: v for k, v in values.items() if only is None or k in only}
        mean = {
            k: v + (scale * rng.normal(size=v.shape) if error is None else error)
            for k, v in values.items()
        }
        std = {k: np.full(n, scale) if k != "energy" else np.asarray(scale) for k in values}
        candidate = Candidate(atoms, f"{seed:016x}", "clusters")
        label = Label(candidate, values, "tblite", {})
        return BlindPair(label, Prediction(mean, std, np.empty(0)), why)

    return make


@pytest.fixture
def make_summary(make_pair):
    def make(rounds=3, test=True, **pair_options):
        """Round n has n failures; the test set is the same in all."""
        test_pairs = tuple(make_pair(100 + i, "test", **pair_options) for i in range(3))
        done = []
        for index in range(rounds):
            why = ["control", "uncertain", "uncertain"] if index else ["initial"] * 4
            pairs = [make_pair(10 * index + i, w, **pair_options) for i, w in enumerate(why)]
            done.append(
                RoundSummary(
                    index=index,
                    labels=4 + 3 * index,
                    seconds={"explore": 3.0, "label": 10.0, "train": 60.0 * index},
                    pairs=tuple(pairs) if index else (),
                    test=pair_errors(test_pairs) if test else {},
                    chosen=tuple(make_chosen(index, i, w) for i, w in enumerate(why)),
                    quarantined=tuple(make_failure(i) for i in range(index)),
                )
            )
        return CampaignSummary(
            name="water",
            reference="tblite",
            coupling="independent",
            members=4,
            rounds=tuple(done),
            stop_reason="the budget is spent",
            test_pairs=test_pairs if test else (),
            run_dir="runs/water",
            versions={"numpy": "2.0"},
        )

    return make


def make_chosen(number, index, why):
    return ChosenFrame(
        hash=f"{number:08x}{index:08x}",
        formula=f"H{4 + 2 * index}O{2 + index}",
        source="clusters" if index else "dynamics",
        why=why,
        score=float(index) if number else None,
        worst="Z 41.0 me" if number else "",
    )


def make_failure(index):
    return QuarantinedFrame(f"{100 + index:016x}", "H4O2", "clusters", "no convergence")
