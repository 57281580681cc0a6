"""What a large campaign asks of its own process: 10 000 candidates scored, 2 000 labels kept.

Run `python tests/benchmarks/memory.py`. Labels are made up, so that it takes minutes; they lie in
the run directory as a reference would have left them. Figures go to docs/scaling.md.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.launch import run as go
from activecharge.campaign.loop.exploring import draw_initial
from activecharge.campaign.loop.state import CampaignState
from activecharge.campaign.settings.reading import load_campaign
from activecharge.records import Candidate, Label

CAMPAIGN = """\
seed: 1
model: {{channels: 2, correlation: 1, radial: 4}}
training: {{members: 2, steps: 10, warm_steps: 5, evaluate_every: 10}}
initial: [{{kind: clusters, molecules: [4, 8], count: {labels}}}]
explore: [{{kind: clusters, molecules: [4, 8], count: {candidates}}}]
selection: {{batch: 20}}
stop: {{rounds: 1}}
schedule: {{kind: {schedule}}}
"""


def made_up(candidate: Candidate) -> Label:
    """A label of fixed charges, with all that tight binding would give."""
    numbers, positions = candidate.atoms.numbers, candidate.atoms.positions
    charges = np.where(numbers == 8, -0.6, 0.3)
    values = {
        "energy": np.array(-14.0 * (numbers == 8).sum()),
        "forces": np.zeros_like(positions),
        "charges": charges,
        "dipole": charges @ positions,
        "bec": charges[:, None, None] * np.eye(3),
    }
    return Label(candidate, values, "made up", {})


def main() -> None:
    """Run the campaign; print the memory of this process, and how fast `status` answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=2000)
    parser.add_argument("--candidates", type=int, default=10_000)
    parser.add_argument("--schedule", default="streaming")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        file, run = Path(name) / "campaign.yaml", Path(name) / "run"
        file.write_text(CAMPAIGN.format(**vars(given)))
        campaign = load_campaign(file)
        with RunDirectory.writing(run, campaign) as directory:
            state = CampaignState(directory)
            draw_initial(state)
            for candidate in state.pending.values():
                directory.labels.put(made_up(candidate))
        print(f"before the campaign: {_peak():.2f} GiB", flush=True)
        go(campaign, run, quiet=False)
        print(f"{given.schedule}: at most {_peak():.2f} GiB in this process")
        for _ in range(3):
            before, begun = _processor(), time.monotonic()
            command = [sys.executable, "-m", "activecharge", "status", str(run)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            wall, spent = time.monotonic() - begun, _processor() - before
            print(f"status: {wall:.2f} s, of which {spent:.2f} s of a processor")


def _peak() -> float:
    """Most memory that this process has had [GiB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def _processor() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
