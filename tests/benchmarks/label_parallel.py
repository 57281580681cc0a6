"""How well labels run in parallel: 64 clusters of six molecules with tblite, on Ray and inline.

Run `python tests/benchmarks/label_parallel.py` on a machine with two free cores; figures go to
docs/benchmarks.md. Starting Ray and the workers' reference processes is not counted: a campaign
pays it once.
"""

import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from activecharge.campaign.loop import work
from activecharge.dataset.identity import content_hash
from activecharge.execution.executor import Executor
from activecharge.execution.groups import all_values
from activecharge.execution.opening import Workplace, open_executor
from activecharge.execution.resources import Slot
from activecharge.execution.tasks import WorkGroup
from activecharge.records import Candidate, Label
from activecharge.reference.reference_options import GateOptions, TbliteOptions
from activecharge.sampling.builders.liquid import build_clusters
from activecharge.sampling.source_options import ClustersOptions

COUNT, MOLECULES, CPUS, REPEATS = 64, 6, 2, 7


def candidates(count: int, seed: int) -> list[Candidate]:
    """Clusters that nobody has seen before."""
    options = ClustersOptions(count=count, molecules=(MOLECULES, MOLECULES))
    frames = build_clusters(options, np.random.default_rng(seed))
    return [Candidate(atoms, content_hash(atoms), "cluster") for atoms in frames]


def seconds(executor: Executor, folder: Path, items: list[Candidate]) -> float:
    """Wall time of labelling `items` and keeping the labels."""
    folder.mkdir()
    shared = work.LabelSettings(TbliteOptions(), GateOptions(), 1, folder, folder / "failed")
    start = time.perf_counter()
    results = all_values(executor, WorkGroup(work.label, items, Slot(), shared), "label")
    assert all(isinstance(result, Label) for result in results)
    return time.perf_counter() - start


def main() -> None:
    """Print wall times and the share of ideal, the median over repeats."""
    items = candidates(COUNT, seed=0)
    shares = []
    with (
        tempfile.TemporaryDirectory() as name,
        open_executor(Workplace()) as alone,
        open_executor(Workplace("ray", cpus=CPUS)) as parallel,
    ):
        folder = Path(name)
        for executor in (alone, parallel):
            seconds(executor, folder / f"warm-{executor is alone}", candidates(8 * CPUS, seed=1))
        for repeat in range(REPEATS):
            one = seconds(alone, folder / f"alone-{repeat}", items)
            two = seconds(parallel, folder / f"parallel-{repeat}", items)
            shares.append(one / two / CPUS)
            print(f"inline {one:.2f} s, Ray on {CPUS} CPUs {two:.2f} s: {shares[-1]:.0%} of ideal")
    print(f"median {statistics.median(shares):.0%} of ideal")


if __name__ == "__main__":
    main()
