"""A campaign on 1 000 label workers and 64 GPUs, simulated: the same scheduler, virtual clocks.

Run `python tests/benchmarks/scaling.py`; the figure goes to docs/scaling.png and the numbers to
docs/scaling.md.
"""

import sys
import time
from pathlib import Path

import numpy as np

from activecharge.campaign.loop.schedule import drive
from activecharge.execution.resources import Slot

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
from simulated import SimulatedCampaign, SimulatedExecutor

LABEL_NODES, WORKERS_PER_NODE, GPU_NODES, GPUS_PER_NODE = 125, 8, 16, 4
MINUTE, HOUR = 60.0, 3600.0
FIGURE = Path(__file__).parents[2] / "docs" / "scaling.png"


def around(mean: float, spread: float):
    """Log-normal durations of a mean and a relative spread."""
    sigma = np.sqrt(np.log(1 + spread**2))
    return lambda rng: float(rng.lognormal(np.log(mean) - sigma**2 / 2, sigma))


def campaign(**changes) -> SimulatedCampaign:
    """Labels of an hour, a few of which take many; members of one and a half; walks of minutes."""
    settings = {
        "label_slot": Slot(4, custom=(("label_node", 1.0),)),
        "member_slot": Slot(4, 1.0),
        "initial": 4000,
        "batch": 1000,
        "budget": 60_000,
        "members": 16,
        "walks": 1450,
        "chunks": 160,
        "durations": {
            "label": around(HOUR, 0.6),
            "walk": around(2 * MINUTE, 0.3),
            "gather": around(1 * MINUTE, 0.1),
            "predict": around(10.0, 0.2),
            "choose": around(1 * MINUTE, 0.1),
            "train": around(1.5 * HOUR, 0.1),
        },
    }
    return SimulatedCampaign(**(settings | changes))


def cluster(seed: int = 0) -> SimulatedExecutor:
    """CPU nodes for labels, and nodes with GPUs."""
    cpu = {"CPU": 4.0 * WORKERS_PER_NODE, "label_node": float(WORKERS_PER_NODE)}
    gpu = {"CPU": 64.0, "GPU": float(GPUS_PER_NODE)}
    return SimulatedExecutor([cpu] * LABEL_NODES + [gpu] * GPU_NODES, np.random.default_rng(seed))


def busy(executor: SimulatedExecutor, name: str, times: np.ndarray) -> np.ndarray:
    """How much of a resource is in use, averaged between each two of `times`."""
    total = np.zeros(len(times) - 1)
    for span in executor.spans:
        amount = span.needs.get(name, 0.0)
        if amount:
            begin, end = np.maximum(span.begin, times[:-1]), np.minimum(span.end, times[1:])
            total += amount * np.maximum(end - begin, 0.0)
    return total / np.diff(times)


def main() -> None:
    """Simulate, print shares and draw them."""
    plan, executor = campaign(), cluster()
    start = time.process_time()
    drive(plan, executor)
    spent = time.process_time() - start
    labels = [span for span in executor.spans if span.kind == "label"]
    last_begun, last_end = max(s.begin for s in labels), max(s.end for s in labels)
    first_walk = min(s.begin for s in executor.spans if s.kind == "walk")
    explored = max(s.end for s in executor.spans if s.kind == "walk")
    workers, gpus = LABEL_NODES * WORKERS_PER_NODE, GPU_NODES * GPUS_PER_NODE
    shares = {
        "label workers, first label to last started": busy(
            executor, "label_node", np.array([0.0, last_begun])
        )[0]
        / workers,
        "label workers, with the last ones running out": busy(
            executor, "label_node", np.array([0.0, last_end])
        )[0]
        / workers,
        "GPUs, first to last exploration": busy(executor, "GPU", np.array([first_walk, explored]))[
            0
        ]
        / gpus,
    }
    for name, share in shares.items():
        print(f"{name}: {share:.1%}")
    print(
        f"{len(labels)} labels, {plan.rounds} rounds, {plan.committees} committees in "
        f"{last_end / HOUR:.0f} h; at most {plan.most_waiting} labels waited; "
        f"{len(executor.spans)} tasks took the scheduler {spent:.0f} s, "
        f"{1000 * spent / len(executor.spans):.2f} ms each"
    )
    draw(executor, last_end)


def draw(executor: SimulatedExecutor, end: float) -> None:
    """Both kinds of workers over time."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    times = np.arange(0.0, end + 1, 10 * MINUTE)
    middle = (times[1:] + times[:-1]) / 2 / HOUR
    figure, axes = plt.subplots(figsize=(8, 3.2), layout="constrained")
    for name, number, text in (
        ("label_node", LABEL_NODES * WORKERS_PER_NODE, "1 000 label workers"),
        ("GPU", GPU_NODES * GPUS_PER_NODE, "64 GPUs"),
    ):
        axes.plot(middle, 100 * busy(executor, name, times) / number, label=text, lw=1.2)
    axes.axhline(95, color="0.6", ls="--", lw=0.8)
    axes.set(xlabel="time (h)", ylabel="busy (%)", ylim=(0, 102), xlim=(0, end / HOUR))
    axes.legend(loc="lower center", frameon=False)
    figure.savefig(FIGURE, dpi=150)


if __name__ == "__main__":
    main()
