"""Labels that selection saves: campaigns on labelled pools, by strategy and seed.

Run `python tests/benchmarks/label_efficiency.py runs/pools runs/efficiency [clusters] [boxes]`
after `label_pools.py`; every campaign runs on one thread, two at a time, and goes on where it was.
`label_curves.py` makes tables and figures of them.
"""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SEEDS = range(5)
MODEL = {"channels": 16, "cutoff": 5.0}
ONLY_CHARGES = {"energy": 0, "forces": 0, "stress": 0, "dipole": 0}
"""Loss weights: nothing here is driven by forces, and training without them is twice as fast."""

STRATEGIES: dict[str, dict[str, Any]] = {
    "random": {"selection": {"strategy": "random"}},
    "farthest": {"selection": {"strategy": "farthest"}},
    "top": {"selection": {"strategy": "top"}},
    "threshold": {
        "selection": {"strategy": "threshold", "threshold": {"charges": 0.03, "bec": 0.06}}
    },
    "logdet": {"selection": {"strategy": "logdet"}},
}
SHARED = ("test", "labels", "rounds/00")
"""Parts of a run directory that a seed's campaigns with the same training have in common."""

HEADS = {**STRATEGIES["logdet"], "training": {"uncertainty": "heads"}}
LAST_LAYER = {**STRATEGIES["logdet"], "training": {"uncertainty": "last_layer"}}

STUDIES: dict[str, dict[str, Any]] = {
    "clusters": {
        "variants": STRATEGIES | {"logdet, heads": HEADS, "logdet, last layer": LAST_LAYER},
        "initial": 40,
        "candidates": 1000,
        "batch": 30,
        "rounds": 6,
    },
    "boxes": {
        "variants": STRATEGIES,
        "initial": 20,
        "candidates": 150,
        "batch": 15,
        "rounds": 5,
    },
}


def campaign(study: str, variant: str, seed: int, pools: Path) -> dict[str, Any]:
    """A campaign on a labelled pool, of which each round offers a random part."""
    what = STUDIES[study]
    home = pools / study
    chosen = what["variants"][variant]
    return {
        "name": f"{study}-{variant}-{seed}",
        "seed": seed,
        "reference": {"kind": "recorded", "file": str(home / "all.extxyz")},
        "model": MODEL,
        "training": {
            "members": 3,
            "steps": 600,
            "warm_steps": 180,
            "weights": ONLY_CHARGES,
            **chosen.get("training", {}),
        },
        "sanity": {"allow_dissociated": True},
        "initial": [{"kind": "file", "path": str(home / "pool.extxyz"), "count": what["initial"]}],
        "test": [{"kind": "file", "path": str(path)} for path in test_files(home)],
        "explore": [
            {"kind": "file", "path": str(home / "pool.extxyz"), "count": what["candidates"]}
        ],
        "selection": {"batch": what["batch"], **chosen["selection"]},
        "stop": {"rounds": what["rounds"]},
        "executor": {"kind": "inline"},
    }


def test_files(home: Path) -> list[Path]:
    """Labelled test sets of a study."""
    return sorted(p for p in home.glob("*.extxyz") if p.stem not in ("pool", "all"))


def prepare(home: Path) -> None:
    """One file with all labels, for the `recorded` reference."""
    files = [home / "pool.extxyz", *test_files(home)]
    (home / "all.extxyz").write_text("".join(path.read_text() for path in files))


def run(study: str, variant: str, seed: int, pools: Path, out: Path) -> None:
    """Run a campaign to its end, or go on with it; strategies begin where random's began."""
    folder = run_folder(out, study, variant, seed)
    journal = folder / "journal.jsonl"
    if journal.exists() and json.loads(journal.read_text().splitlines()[-1])["event"] == "stopped":
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    begun = run_folder(out, study, "random", seed)
    if variant in STRATEGIES and variant != "random" and not folder.exists():
        for part in SHARED:
            shutil.copytree(begun / part, folder / part)
    file = folder.with_suffix(".yaml")
    file.write_text(json.dumps(campaign(study, variant, seed, pools), indent=2))
    command = [sys.executable, "-m", "activecharge", "run", str(file), "--run-dir", str(folder)]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    with folder.with_suffix(".log").open("a") as log:
        subprocess.run(command, stdout=log, stderr=log, env=one_thread, check=True)
    print(folder.name, "done", file=sys.stderr, flush=True)


def run_folder(out: Path, study: str, variant: str, seed: int) -> Path:
    """Where a campaign runs."""
    return out / study / f"{variant.replace(', ', '-').replace(' ', '_')}-{seed}"


def main() -> None:
    """Run what is missing."""
    pools, out = (Path(word).absolute() for word in sys.argv[1:3])
    studies = sys.argv[3:] or list(STUDIES)
    for study in studies:
        prepare(pools / study)
    with ThreadPoolExecutor(2) as workers:
        for study in studies:
            others = [variant for variant in STUDIES[study]["variants"] if variant != "random"]
            first = [("random", seed) for seed in SEEDS]
            for todo in (first, [(variant, seed) for seed in SEEDS for variant in others]):
                for done in [workers.submit(run, study, *which, pools, out) for which in todo]:
                    done.result()


if __name__ == "__main__":
    main()
