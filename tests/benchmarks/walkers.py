"""Walkers in one batch through the network against walkers one by one; and what a field and a bias
cost.

Run `OMP_NUM_THREADS=1 python tests/benchmarks/walkers.py [DEVICE]`.
"""

import sys
import time

import numpy as np
import torch

from activecharge.committee.bias import SpreadBias
from activecharge.committee.committee import Committee
from activecharge.model.model_options import ModelOptions
from activecharge.model.network import Architecture, ChargeModel
from activecharge.sampling.builders.liquid import build_boxes, build_clusters
from activecharge.sampling.dynamics.langevin import walk
from activecharge.sampling.source_options import (
    BoxesOptions,
    ClustersOptions,
    DynamicsOptions,
    SanityOptions,
)

MEMBERS, STEPS = 4, 20
BATCHES = (1, 4, 12, 48)
LOOSE = {"forces": 1e9, "charges": 1e9, "bec": 1e9}
SANITY = SanityOptions(min_oh=0, min_oo=0, min_hh=0, allow_dissociated=True, max_gap=1e6)


def make_committee(coupling: str, device: str) -> Committee:
    """Default models with random weights, their energies too small to move anything far."""
    members = []
    for seed in range(MEMBERS):
        torch.manual_seed(seed)
        options = ModelOptions(coupling=coupling)
        model = ChargeModel(Architecture(options, ("H", "O"), 10.0, (-13.0, -430.0)))
        with torch.no_grad():
            for head in (model.energy, model.pair_energy):
                head.last.weight *= 0.01
            model.pair_charges.scale(0.01)
        members.append(model.to(device))
    return Committee(members)


def steps_per_second(committee, starts, batch, push=None, field=None) -> float:
    """Walker-steps a second of processor time on CPUs, of wall time elsewhere."""
    clock = time.process_time if committee.members[0].backbone.to_cartesian.is_cpu else time.time
    options = DynamicsOptions(steps=STEPS, interval=STEPS, timestep=1e-3, limits=LOOSE)
    parts = [starts[first : first + batch] for first in range(0, len(starts), batch)]
    begin = 0.0
    for warm in (True, False):
        begin = clock()
        for part in parts[:1] if warm else parts:
            walk(
                part,
                [300.0] * len(part),
                committee.predict,
                options,
                SANITY,
                np.random.default_rng(0),
                fields=[field] * len(part),
                push=push,
            )
    return len(starts) * STEPS / (clock() - begin)


def main() -> None:
    """Print two tables."""
    torch.set_num_threads(1)
    device = sys.argv[1] if len(sys.argv) > 1 else "cpu"
    rng = np.random.default_rng(0)
    systems = {
        "clusters of 4": (
            list(build_clusters(ClustersOptions(count=48, molecules=(4, 4)), rng)),
            BATCHES,
        ),
        "boxes of 32": (
            list(build_boxes(BoxesOptions(count=12, molecules=(32, 32)), rng)),
            BATCHES[:3],
        ),
    }
    committee = make_committee("independent", device)
    print("walker-steps a second, by walkers in a batch")
    for name, (starts, batches) in systems.items():
        rates = [steps_per_second(committee, starts[: max(4, b)], b) for b in batches]
        text = "  ".join(f"{b}: {rate:.0f}" for b, rate in zip(batches, rates, strict=True))
        print(f"{name:14} {text}  ({rates[-1] / rates[0]:.1f} times)", flush=True)
    print("cost of a step, 12 walkers in a batch, in plain steps")
    starts, field = systems["clusters of 4"][0][:12], np.array([0.0, 0.0, 0.1])
    for coupling in ("independent", "dipolar"):
        committee = make_committee(coupling, device)
        plain = steps_per_second(committee, starts, 12)
        costs = {"field": plain / steps_per_second(committee, starts, 12, field=field)}
        for name in ("charges", "bec"):
            push = SpreadBias(committee, name, 0.3, 3.0, starts[:4])
            costs[f"bias by {name}"] = plain / steps_per_second(committee, starts, 12, push=push)
        text = "  ".join(f"{kind}: {cost:.2f}" for kind, cost in costs.items())
        print(f"{coupling:14} {text}", flush=True)


if __name__ == "__main__":
    main()
