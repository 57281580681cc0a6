"""What dynamics with a bias or in a field finds, against plain dynamics.

A committee learns from 60 clusters of water labelled by GFN2-xTB. Walkers start from them; frames
of the second half of every trajectory are labelled, too, and compared with what the committee said.

Run `activecharge run tests/benchmarks/exploration.yaml`, then
`OMP_NUM_THREADS=1 python tests/benchmarks/exploration.py runs/exploration`.
"""

import sys

import numpy as np
import torch

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop.state import CampaignState
from activecharge.campaign.loop.walk_starts import walk_starts
from activecharge.campaign.loop.work import CommitteeAtWork, WalkSettings, walk
from activecharge.campaign.settings.rules import outputs
from activecharge.committee.committee import Committee
from activecharge.committee.selection.novelty import distances
from activecharge.dataset.identity import canonical, content_hash
from activecharge.execution.resources import Slot
from activecharge.records import Candidate, Label
from activecharge.reference.reference_options import GateOptions, TbliteOptions
from activecharge.reference.run import label_candidate
from activecharge.report.metrics import errors
from activecharge.sampling.source_options import DynamicsOptions

FRAMES = 40
"""Frames of each kind that are labelled."""

KINDS: dict[str, dict] = {
    "300 K": {},
    "300 K, bias by q": {"bias": {}},
    "300 K, bias by Z": {"bias": {"property": "bec"}},
    "300 K, bias by q, 1 eV": {"bias": {"energy": 1.0, "reach": 3.0, "max_force": 2.0}},
    "300 K, field 0.2 V/Å": {"fields": (0.2,)},
    "600 K": {"temperatures": (600.0,)},
}


def explore(run: RunDirectory, settings: dict) -> tuple[list, dict]:
    """Frames of the second half of each trajectory, and why walkers stopped."""
    options = DynamicsOptions(**{"temperatures": (300.0,), "walkers": 12, "steps": 200} | settings)
    known = [row.label.candidate.atoms for row in CampaignState(run).rows()]
    starts = walk_starts(run.campaign, options, known, np.random.default_rng(3))
    asked = CommitteeAtWork(run.committee, Slot(1, 0), outputs(run.campaign.training))
    shared = WalkSettings(asked, options, run.campaign.sanity)
    walks = [walk(shared, start) for start in starts]
    stopped: dict[str, int] = {}
    for found in walks:
        for reason, count in found.stopped.items():
            stopped[reason] = stopped.get(reason, 0) + count
    frames = [f for w in walks for f in w.frames]
    late = [f for f in frames if f.info["step"] > options.steps / 2] or frames
    chosen = np.linspace(0, len(late) - 1, min(FRAMES, len(late))).astype(int)
    return [late[index] for index in chosen], stopped


def describe(committee: Committee, frames: list, space: np.ndarray) -> str:
    """Distance from what is known, spreads and errors of frames, which are labelled for it."""
    said = committee.predict(frames)
    candidates = [Candidate(canonical(f), content_hash(f), "dynamics") for f in frames]
    results = [label_candidate(c, TbliteOptions(), GateOptions()) for c in candidates]
    pairs = [(r, p) for r, p in zip(results, said, strict=True) if isinstance(r, Label)]
    found = errors([label for label, _ in pairs], [p for _, p in pairs])
    row = [float(np.median(distances(np.array([p.descriptor for p in said]), space)))]
    for name in ("charges", "bec", "forces"):
        spread = np.sqrt(np.mean(np.concatenate([p.std[name] for p in said]) ** 2))
        row += [1000 * float(spread), 1000 * found[name].rmse]
    return "".join(f"{value:10.2f}" for value in row) + f"{len(pairs):6}/{len(frames)}"


def main() -> None:
    """Print a line a kind; spreads and errors are root mean squares over atoms."""
    torch.set_num_threads(1)
    run = RunDirectory.open(sys.argv[1])
    committee = Committee.load(run.committee)
    known = [row.label.candidate.atoms for row in CampaignState(run).rows()]
    space = np.array([p.descriptor for p in committee.predict(known, ("charges",))])
    head = ("distance", "spread q", "error q", "spread Z", "error Z", "spread F", "error F")
    print(f"{'':26}" + "".join(f"{word:>10}" for word in head) + "  labels  stopped")
    for name, settings in KINDS.items():
        frames, stopped = explore(run, settings)
        print(f"{name:26}{describe(committee, frames, space)}  {stopped or ''}", flush=True)


if __name__ == "__main__":
    main()
