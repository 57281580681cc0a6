"""Labels that selection saves: campaigns on labelled pools, by strategy and seed.

Run `python tests/benchmarks/label_efficiency.py runs/pools runs/efficiency clusters`, with the
studies of your choice or none for all, after `label_pools.py`. Every campaign runs on one thread,
two at a time, and goes on where it was. `label_curves.py` makes tables and figures of them.
"""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ONLY_CHARGES = {"energy": 0, "forces": 0, "stress": 0, "dipole": 0}
"""Loss weights: nothing here is driven by forces, and training without them is twice as fast."""
STRATEGIES: dict[str, dict[str, Any]] = {
    "random": {"strategy": "random"},
    "farthest": {"strategy": "farthest"},
    "information": {"strategy": "logdet"},
    "worst_atom": {"strategy": "logdet", "reduce": "max"},
    "mean_atom": {"strategy": "logdet", "reduce": "mean"},
    "top": {"strategy": "top"},
    "threshold": {"strategy": "threshold", "threshold": {"charges": 0.02, "bec": 0.04}},
}
"""Settings of `selection`; `reduce` is `information` where it is not given."""
SHARED = ("test", "labels", "rounds/00")
"""Parts of a run directory that strategies have in common: those before the first selection."""


@dataclass(frozen=True)
class Study:
    """Campaigns on one pool, of all strategies and seeds.

    Attributes
    ----------
    pool : str
    initial, batch, rounds : int
        Labels at first and in each further round, and how many of those there are.
    candidates : int
        Frames of the pool, drawn anew, that a round may choose from.
    steps, warm_steps : int
        Of training. The first training is long and shared by all strategies, further ones are
        short beside it: errors are to fall by labels, not by steps.
    strategies, sources : tuple of str
        Of selection, and of spreads (`training.uncertainty`).
    seeds : int
    """

    pool: str
    initial: int
    batch: int
    rounds: int
    candidates: int
    steps: int
    warm_steps: int
    strategies: tuple[str, ...] = tuple(STRATEGIES)
    sources: tuple[str, ...] = ("heads",)
    seeds: int = 5

    def series(self) -> list["Series"]:
        """All campaigns but for their seeds, random selection first."""
        return [Series(strategy, source) for strategy in self.strategies for source in self.sources]


@dataclass(frozen=True)
class Series:
    """Campaigns that differ by their seed alone."""

    strategy: str
    source: str

    def folder(self, home: Path, seed: int) -> Path:
        """Where a campaign runs."""
        return home / f"{self.strategy}-{self.source}-{seed}"


TRAJECTORIES = Study("trajectories", 20, 30, 4, candidates=600, steps=2500, warm_steps=500)
STUDIES = {
    "clusters": Study("clusters", 20, 16, 4, candidates=600, steps=2500, warm_steps=500),
    "trajectories": TRAJECTORIES,
    "boxes": Study("boxes", 12, 8, 4, candidates=150, steps=2000, warm_steps=400),
    "sources": replace(
        TRAJECTORIES,
        strategies=("random", "information"),
        sources=("committee", "last_layer"),
        seeds=3,
    ),
}


def campaign(study: Study, series: Series, seed: int, home: Path) -> dict[str, Any]:
    """Settings of a campaign on a labelled pool, of which each round offers a random part."""
    pool = {"kind": "file", "path": str(home / "pool.extxyz")}
    return {
        "name": f"{study.pool}-{series.strategy}-{series.source}-{seed}",
        "seed": seed,
        "reference": {"kind": "recorded", "file": str(home / "all.extxyz")},
        "training": {
            "uncertainty": series.source,
            "members": 3,
            "steps": study.steps,
            "warm_steps": study.warm_steps,
            "evaluate_every": 200,
            "patience": 100,
            "weights": ONLY_CHARGES,
        },
        "sanity": {"allow_dissociated": True},
        "initial": [{**pool, "count": study.initial}],
        "test": [{"kind": "file", "path": str(path)} for path in test_files(home)],
        "explore": [{**pool, "count": study.candidates}],
        "selection": {"batch": study.batch, **STRATEGIES[series.strategy]},
        "stop": {"rounds": study.rounds},
        "executor": {"kind": "inline"},
    }


def test_files(home: Path) -> list[Path]:
    """Labelled test sets that belong to a pool."""
    return sorted(p for p in home.glob("*.extxyz") if p.stem not in ("pool", "all"))


def prepare(home: Path) -> None:
    """One file with all labels, for the `recorded` reference."""
    if not (home / "all.extxyz").exists():
        files = [home / "pool.extxyz", *test_files(home)]
        (home / "all.extxyz").write_text("".join(path.read_text() for path in files))


def finished(folder: Path) -> bool:
    """Whether a campaign has run to its end."""
    journal = folder / "journal.jsonl"
    if not journal.exists():
        return False
    return json.loads(journal.read_text().splitlines()[-1])["event"] == "stopped"


def run(study: Study, series: Series, seed: int, pool: Path, home: Path) -> None:
    """Run a campaign to its end, or go on with it; strategies begin where random's began."""
    folder = series.folder(home, seed)
    if finished(folder):
        return
    home.mkdir(parents=True, exist_ok=True)
    if series.strategy != "random" and not folder.exists():
        begun = Series("random", series.source).folder(home, seed)
        for part in SHARED:
            shutil.copytree(begun / part, folder / part)
    file = Path(f"{folder}.yaml")
    file.write_text(json.dumps(campaign(study, series, seed, pool), indent=2))
    command = [sys.executable, "-m", "activecharge", "run", str(file), "--run-dir", str(folder)]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    with Path(f"{folder}.log").open("a") as log:
        subprocess.run(command, stdout=log, stderr=log, env=one_thread, check=True)
    print(folder.name, "done", file=sys.stderr, flush=True)


def main() -> None:
    """Run what is missing, random selection first, then seed by seed."""
    pools, out = (Path(word).absolute() for word in sys.argv[1:3])
    for name in sys.argv[3:] or STUDIES:
        study = STUDIES[name]
        prepare(pools / study.pool)
        control = [series for series in study.series() if series.strategy == "random"]
        others = [series for series in study.series() if series.strategy != "random"]
        with ThreadPoolExecutor(2) as workers:
            for part in (control, others):
                todo = [(series, seed) for seed in range(study.seeds) for series in part]
                for done in [
                    workers.submit(run, study, *which, pools / study.pool, out / name)
                    for which in todo
                ]:
                    done.result()


if __name__ == "__main__":
    main()
