"""Labelled pools and test sets for `label_efficiency.py`, by the program's builders and dynamics.

Free clusters are labelled by GFN2-xTB, periodic boxes by GFN1-xTB. All pools are ordinary water
with a few frames of each unusual kind; test sets are as the pool, or of one unusual kind, and
`larger` and `bulk` are like nothing in the pool. Of the two pools of clusters, `clusters` is
diverse (two fifths are built) and has broken bonds; `trajectories` is what dynamics of whole
molecules visits, and shares the other test sets.

Run `activecharge run tests/benchmarks/label_pools.yaml` for the committee that drives the dynamics,
then `python tests/benchmarks/label_pools.py runs/label_pools runs/pools` (one hour on two cores;
stopped, it goes on where it was).
"""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase import Atoms

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop.walk_starts import walk_starts
from activecharge.campaign.loop.work import CommitteeAtWork, WalkSettings, walk
from activecharge.campaign.settings.rules import outputs
from activecharge.campaign.standalone.label_frames import label
from activecharge.dataset.frames import write_frames
from activecharge.execution.resources import Slot
from activecharge.reference.reference_options import TbliteOptions
from activecharge.sampling.sieve import Sieve, draw
from activecharge.sampling.source_options import (
    BoxesOptions,
    ClustersOptions,
    CompressedOptions,
    DissociatedOptions,
    DynamicsOptions,
)

SMALL = ClustersOptions(molecules=(1, 6))
PAIRS = ClustersOptions(molecules=(2, 6))
LARGE = ClustersOptions(molecules=(7, 9))
BOXES = BoxesOptions(molecules=(5, 8), density_spread=0.05)
WARM, HOT = (250.0, 300.0, 350.0), (800.0, 1000.0, 1200.0)
FRAMES = 10
"""Frames of each trajectory, 15 fs apart, the first after 150 fs."""


@dataclass(frozen=True)
class Recipe:
    """How many frames, and of each kind its share (of any sum) and its source's settings."""

    count: int
    kinds: dict[str, tuple[float, Any]]


@dataclass(frozen=True)
class Study:
    """A pool and its test sets.

    Attributes
    ----------
    method : str
        Reference that labels them.
    sets : dict of str to Recipe
    taken : tuple of str
        Further test sets, those of `clusters`.
    """

    method: str
    sets: dict[str, Recipe]
    taken: tuple[str, ...] = ()


def moving(source: Any, temperatures: tuple[float, ...]) -> DynamicsOptions:
    """Dynamics from a source, long enough to forget how the builder placed molecules."""
    return DynamicsOptions(starts=source, temperatures=temperatures, steps=600, interval=30)


RARE: dict[str, Any] = {
    "hot": moving(PAIRS, HOT),
    "compressed": CompressedOptions(of=PAIRS),
    "dissociated": DissociatedOptions(of=PAIRS),
}
AS_POOL = {
    "warm": (55.0, moving(SMALL, WARM)),
    "built": (37.0, SMALL),
    **{kind: (2.0, source) for kind, source in RARE.items()},
    "large": (2.0, LARGE),
}
AS_TRAJECTORIES = {
    "warm": (91.0, moving(SMALL, WARM)),
    **{kind: (3.0, RARE[kind]) for kind in ("hot", "compressed")},
    "large": (3.0, LARGE),
}
RARE_BOXES: dict[str, Any] = {
    "hot": moving(BOXES, HOT),
    "compressed": CompressedOptions(of=BOXES),
}
AS_BOXES = {
    "warm": (60.0, moving(BOXES, WARM)),
    "built": (32.0, BOXES),
    **{kind: (4.0, source) for kind, source in RARE_BOXES.items()},
}
BULK = {"warm": (1.0, moving(BOXES, WARM)), "built": (1.0, BOXES)}

STUDIES = {
    "clusters": Study(
        "GFN2-xTB",
        {
            "pool": Recipe(3250, AS_POOL),
            "same": Recipe(200, AS_POOL),
            **{kind: Recipe(80, {kind: (1.0, source)}) for kind, source in RARE.items()},
            "larger": Recipe(60, {"larger": (1.0, ClustersOptions(molecules=(10, 14)))}),
            "bulk": Recipe(24, BULK),
        },
    ),
    "trajectories": Study(
        "GFN2-xTB",
        {"pool": Recipe(3350, AS_TRAJECTORIES), "same": Recipe(200, AS_TRAJECTORIES)},
        taken=("hot", "compressed", "larger", "bulk"),
    ),
    "boxes": Study(
        "GFN1-xTB",
        {
            "pool": Recipe(310, AS_BOXES),
            "same": Recipe(40, AS_BOXES),
            **{kind: Recipe(24, {kind: (1.0, source)}) for kind, source in RARE_BOXES.items()},
        },
    ),
}


def trajectories(
    run: RunDirectory, options: DynamicsOptions, count: int, rng: np.random.Generator
) -> Iterator[Atoms]:
    """Frames of the second half of trajectories, from as many walkers as `count` frames take."""
    options = options.model_copy(update={"walkers": max(1, round(count / FRAMES))})
    asked = CommitteeAtWork(run.committee, Slot(1, 0), outputs(run.campaign.training))
    shared = WalkSettings(asked, options, run.campaign.sanity)
    for start in walk_starts(run.campaign, options, [], rng):
        for frame in walk(shared, start).frames:
            if frame.info["step"] > options.steps / 2:
                yield frame


def frames(run: RunDirectory, recipe: Recipe, rng: np.random.Generator) -> list[Atoms]:
    """Distinct, sane frames of a set, `info` telling their kind."""
    sieve = Sieve(run.campaign.sanity)
    whole = sum(share for share, _ in recipe.kinds.values())
    found = []
    for kind, (share, source) in recipe.kinds.items():
        count = round(recipe.count * share / whole)
        if isinstance(source, DynamicsOptions):
            moved = trajectories(run, source, count, rng)
            drawn = [sieve.admit(f, "dynamics", dict(f.info)) for f in moved]
        else:
            source = source.model_copy(update={"count": count})
            elements = run.campaign.elements
            drawn = list(draw(source, rng, elements=elements, known=[], sieve=sieve))
        for candidate in drawn:
            if candidate is not None:
                candidate.atoms.info["kind"] = kind
                found.append(candidate.atoms)
    return found


def main() -> None:
    """Draw each set, then label it."""
    torch.set_num_threads(1)
    run, home = RunDirectory.open(sys.argv[1]), Path(sys.argv[2])
    todo = []
    for study, what in STUDIES.items():
        (home / study).mkdir(parents=True, exist_ok=True)
        for name, recipe in what.sets.items():
            raw, out = (home / study / f"{name}{end}" for end in (".raw.xyz", ".extxyz"))
            if not raw.exists():
                drawn = frames(run, recipe, np.random.default_rng([7, *f"{study}/{name}".encode()]))
                write_frames(raw, drawn)
                print(f"{raw}: {len(drawn)} frames")
            todo.append((raw, out, TbliteOptions(method=what.method, periodic_bec=True)))
    for raw, out, reference in todo:
        if not out.exists():
            found = label(raw, out, reference, workers=2, quiet=False)
            print(f"{out}: {len(found.labels)} labels, {len(found.failures)} frames without")
    for study, what in STUDIES.items():
        for name in what.taken:
            shutil.copyfile(home / "clusters" / f"{name}.extxyz", home / study / f"{name}.extxyz")


if __name__ == "__main__":
    main()
