"""Three sources of uncertainty on the same labels: quality, coverage and cost.

Run `python tests/benchmarks/uncertainty.py [seeds]` (six processor minutes a seed); figures go to
docs/uncertainty.md. Costs are processor seconds on one thread, so that other work on the machine
hardly matters.
"""

import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from ase import Atoms

from activecharge.committee.calibration.blind import blind
from activecharge.committee.calibration.calibration import Calibration
from activecharge.committee.calibration.reliability import judge, reliability, spearman
from activecharge.committee.committee import Committee
from activecharge.dataset.identity import content_hash
from activecharge.learning.trainer import train_member
from activecharge.learning.training_options import TrainingOptions
from activecharge.learning.training_set import Member, TrainingSet, trainings
from activecharge.model.model_options import ModelOptions
from activecharge.records import BlindPair, Candidate, Label
from activecharge.reference.codes.tblite.tblite import label
from activecharge.reference.failure import ReferenceFailure
from activecharge.reference.reference_options import TbliteOptions
from activecharge.sampling.builders.liquid import build_clusters
from activecharge.sampling.source_options import ClustersOptions

KINDS = ("committee", "heads", "last_layer")
MEMBERS = 4
SHIFTED = ("hot", "compressed", "dissociating", "larger")
COUNTS = {"train": 200, "valid": 24, "control": 100, "same": 120, **dict.fromkeys(SHIFTED, 60)}
PROPERTIES = {"charges": "q", "bec": "Z"}
STEPS = 1000


def clusters(count: int, rng: np.random.Generator, **options: Any) -> Iterator[Atoms]:
    """Clusters of 1 to 6 molecules by the project's builder, unless `options` say otherwise."""
    chosen = ClustersOptions(**({"molecules": (1, 6), "count": count} | options))
    return build_clusters(chosen, rng)


def hot(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    """Every coordinate displaced by 0.1 to 0.16 Å: bonds as at some thousand kelvin."""
    atoms.positions += rng.uniform(0.10, 0.16) * rng.standard_normal(atoms.positions.shape)
    return atoms


def compressed(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    """Molecules moved together by 10 to 20 % as they are."""
    molecules = atoms.positions.reshape(-1, 3, 3)
    shift = (1 - rng.uniform(0.1, 0.2)) * molecules[:, :1] - molecules[:, :1]
    atoms.positions += np.broadcast_to(shift, molecules.shape).reshape(-1, 3)
    return atoms


def dissociating(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    """One hydrogen pulled out along its bond to 1.2 to 1.9 Å."""
    oxygen = 3 * int(rng.integers(len(atoms) // 3))
    hydrogen = oxygen + int(rng.integers(1, 3))
    bond = atoms.positions[hydrogen] - atoms.positions[oxygen]
    stretched = bond / np.linalg.norm(bond) * rng.uniform(1.2, 1.9)
    atoms.positions[hydrogen] = atoms.positions[oxygen] + stretched
    return atoms


def frames(name: str, rng: np.random.Generator) -> Iterator[Atoms]:
    """Endless configurations of a set."""
    change = {"hot": hot, "compressed": compressed, "dissociating": dissociating}.get(name)
    while True:
        options = {"molecules": (10, 14)} if name == "larger" else {}
        if name == "compressed":
            options = {"molecules": (2, 6)}
        for atoms in clusters(1, rng, **options):
            yield change(atoms, rng) if change else atoms


def labelled(name: str, seed: int) -> list[Label]:
    """As many labels of a set as it has; what does not converge is left out."""
    rng = np.random.default_rng([seed, *name.encode()])
    found: list[Label] = []
    for atoms in frames(name, rng):
        if len(found) == COUNTS[name]:
            break
        try:
            values = label(atoms, TbliteOptions())
        except ReferenceFailure:
            continue
        found.append(Label(Candidate(atoms, content_hash(atoms), name), values, "tblite", {}))
    return found


@dataclass(frozen=True)
class Trained:
    """A source of uncertainty, calibrated, and what it cost in processor seconds."""

    committee: Committee
    training: float


def train(kind: str, sets: dict[str, list[Label]], seed: int, folder: Path) -> Trained:
    """Train on the same labels and calibrate on the same control labels."""
    options = TrainingOptions(uncertainty=kind, members=MEMBERS, steps=STEPS, patience=100)
    data = TrainingSet(
        tuple(sets["train"]), tuple(sets["valid"]), ("H", "O"), ModelOptions(), options
    )
    every = [
        Member(i, 100 * seed + i, str(folder / f"member-{i:02d}")) for i in range(options.models)
    ]
    before = time.process_time()
    for member in trainings(every, options):
        train_member(data, member)
    cost = time.process_time() - before
    committee = Committee.load(folder)
    committee.calibration = Calibration.fit(pairs(committee, sets["control"]))
    return Trained(committee, cost)


def pairs(committee: Committee, labels: list[Label]) -> list[BlindPair]:
    """Labels beside predictions that never saw them."""
    said = committee.predict([x.candidate.atoms for x in labels], PROPERTIES)
    return [BlindPair(x, p, "control") for x, p in zip(labels, said, strict=True)]


def quality(committee: Committee, labels: list[Label]) -> dict[str, float]:
    """MAE, rank correlation of spread and error within elements, coverage of 90 % bounds."""
    found = pairs(committee, labels)
    rows = {
        row.property: row
        for row in reliability([judge(committee.calibration, found)])
        if row.element == "all"
    }
    result = {}
    for name, symbol in PROPERTIES.items():
        entries = blind(name, found)
        ranks = [
            spearman(of.spread, of.error)
            for element in ("H", "O")
            for of in [entries.where(entries.element == element)]
        ]
        result[f"{symbol} error"] = 1000 * float(np.sqrt(np.mean(entries.error**2)))
        result[f"{symbol} expected"] = 1000 * rows[name].expected
        result[f"{symbol} rank H"], result[f"{symbol} rank O"] = ranks
        result[f"{symbol} rank"] = rows[name].spearman
        result[f"{symbol} 90 %"] = 100 * rows[name].coverage[0.9].share
    return result


def prediction_costs(sources: dict[str, Committee], labels: list[Label]) -> dict[str, list[float]]:
    """Processor seconds of predicting q and Z, and everything, relative to one bare model."""
    atoms = [x.candidate.atoms for x in labels]
    bare = Committee([sources["last_layer"].members[0]] * 2)  # its backbone is passed once
    bare._source = _Bare(sources["last_layer"].members[0])
    costs: dict[str, list[float]] = {kind: [] for kind in sources}
    for outputs in (("charges", "bec"), None):
        calls = {"bare": bare, **sources}
        for source in calls.values():
            source.predict(atoms, outputs)
        times: dict[str, list[float]] = {kind: [] for kind in calls}
        for _ in range(5):
            for kind, source in calls.items():
                before = time.process_time()
                source.predict(atoms, outputs)
                times[kind].append(time.process_time() - before)
        for kind in sources:
            ratios = [a / b for a, b in zip(times[kind], times["bare"], strict=True)]
            costs[kind].append(statistics.median(ratios))
    return costs


class _Bare:
    """One model without any spread."""

    def __init__(self, model):
        self.model = model

    def __call__(self, graph, wanted):
        from activecharge.committee.estimates import Estimate

        found = {n: v.double().numpy() for n, v in self.model(graph, wanted).items()}
        return Estimate({n: found[n] for n in wanted}, {}, found["descriptor"])


def run(seed: int) -> list[dict[str, Any]]:
    """Rows of figures of one seed, which labels, resampling and weights follow."""
    torch.set_num_threads(1)
    sets = {name: labelled(name, seed) for name in COUNTS}
    rows: list[dict[str, Any]] = []
    trained: dict[str, Trained] = {}
    with tempfile.TemporaryDirectory() as home:
        for kind in KINDS:
            trained[kind] = train(kind, sets, seed, Path(home) / kind)
            for name in ("same", *SHIFTED):
                figures = quality(trained[kind].committee, sets[name])
                rows.append({"kind": kind, "set": name, "seed": seed, **figures})
                print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    costs = prediction_costs(
        {k: t.committee for k, t in trained.items()}, sets["same"] + sets["larger"]
    )
    for row in rows:
        row["training"] = trained[row["kind"]].training / trained["last_layer"].training
        row["q, Z"], row["all"] = costs[row["kind"]]
    return rows


def table(rows: list[dict[str, Any]], columns: list[str], sets: tuple[str, ...]) -> None:
    """Medians over seeds, with the range in brackets, as Markdown."""
    print("| " + " | ".join(["source", "frames", *columns]) + " |")
    print("| --- " * (len(columns) + 2) + "|")
    for name in sets:
        for kind in KINDS:
            of = [row for row in rows if (row["kind"], row["set"]) == (kind, name)]
            cells = []
            for column in columns:
                values = [row[column] for row in of]
                cells.append(
                    f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"
                )
            print(f"| {kind} | {name} | " + " | ".join(cells) + " |")
    print()


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with multiprocessing.get_context("spawn").Pool(min(count, os.cpu_count() or 1)) as pool:
        figures = [row for rows in pool.imap(run, range(count), chunksize=1) for row in rows]
    every = ("same", *SHIFTED)
    table(figures, [f"{s} {w}" for s in ("q", "Z") for w in ("error", "expected")], every)
    table(figures, [f"{s} {w}" for s in ("q", "Z") for w in ("rank", "rank H", "rank O")], every)
    table(figures, ["q 90 %", "Z 90 %"], every)
    table(figures, ["training", "q, Z", "all"], ("same",))
