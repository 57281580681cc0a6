"""What a step of `simulate` costs beside one of ASE's dynamics with the whole committee.

Run `python tests/benchmarks/simulate_cost.py` (some minutes). 192 atoms, four members of default
size in single precision, one thread. Processor seconds are counted and all ways take turns, so that
other work on the machine hardly matters. Weights are random: what a step costs does not depend
on them, as long as atoms stay near their places, for which they are made small.
"""

import os
import statistics
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from ase import Atoms, units
from ase.build import molecule
from ase.md.verlet import VelocityVerlet

from activecharge.calculator import ChargeCalculator
from activecharge.committee.committee import Committee
from activecharge.model.model_options import ModelOptions
from activecharge.model.network import Architecture, ChargeModel
from activecharge.simulation.committee_forces import CommitteeForces
from activecharge.simulation.stage_options import NveStage
from activecharge.simulation.stepping.integrating import Ledger, Stepper
from activecharge.simulation.stepping.motion import Motion
from activecharge.simulation.stepping.pulling import Request

MEMBERS, MOLECULES, STEPS, ROUNDS = 4, 64, 8, 5
SAMPLE_EVERY = 4
"""Born effective charges of all members are had in every fourth step, as by default."""


def box() -> Atoms:
    """Randomly turned molecules on a grid, at water's density."""
    rng, side = np.random.default_rng(0), round(MOLECULES ** (1 / 3))
    length = (MOLECULES * 29.97) ** (1 / 3)
    atoms = Atoms(cell=[length] * 3, pbc=True)
    for place in np.ndindex(side, side, side):
        water = molecule("H2O")
        water.rotate(rng.uniform(0, 360), rng.normal(size=3))
        water.positions += np.array(place) * length / side
        atoms += water
    return atoms


def make_committee(coupling: str) -> Committee:
    members = []
    for seed in range(MEMBERS):
        torch.manual_seed(seed)
        options = ModelOptions(coupling=coupling)
        model = ChargeModel(Architecture(options, ("H", "O"), 50.0, (-13.0, -430.0)))
        with torch.no_grad():
            for layer in (model.energy.last, model.pair_energy.last):
                layer.weight *= 1e-3
            model.pair_charges.scale(1e-2)
        members.append(model)
    return Committee(members)


def ase_step(committee: Committee):
    """Seconds a step of ASE's dynamics, everything computed."""
    atoms = box()
    everything = list(ChargeCalculator(committee).implemented_properties)
    atoms.calc = ChargeCalculator(committee, outputs=everything)
    dynamics = VelocityVerlet(atoms, 0.5 * units.fs)
    dynamics.run(1)
    return lambda: dynamics.run(STEPS)


def our_step(committee: Committee, driver: int | None, everyone: bool = True):
    """Seconds a step of `simulate`."""
    atoms = box()
    motion = Motion(
        atoms.positions[None].copy(),
        np.zeros((1, len(atoms), 3)),
        atoms.cell.array[None].copy(),
        atoms.get_masses(),
    )
    motion.velocities = motion.draw(300.0, np.random.default_rng(0))
    forces = CommitteeForces(committee, [atoms], [driver], 0.5, everyone)
    stage, done = NveStage(steps=10**6), [0]
    stepper = Stepper(
        stage,
        motion,
        forces,
        0.5,
        300.0,
        (0,),
        SAMPLE_EVERY,
        forces(motion.positions, motion.cells, Request()),
        Ledger(*(np.zeros(1) for _ in range(3))),
    )

    def run() -> None:
        for step in stepper.steps(done[0]):
            done[0] = step
            if step % STEPS == 0:
                return

    return run


def seconds(work) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) / STEPS


def main() -> None:
    torch.set_num_threads(1)
    for coupling in sys.argv[1:] or ("independent", "local"):
        committee = make_committee(coupling)
        ways = {
            "ASE, all": ase_step(committee),
            "mean": our_step(committee, None),
            "one, Z of all": our_step(committee, 0),
            "one alone": our_step(committee, 0, everyone=False),
        }
        for work in ways.values():
            work()
        times = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, work in ways.items():
                times[name].append(seconds(work))
        whole = times["ASE, all"]
        for name, found in times.items():
            ratios = [a / b for a, b in zip(found, whole, strict=True)]
            print(
                f"{coupling:<12} {name:<13} {statistics.median(found) * 1e3:6.0f} ms a step, "
                f"{statistics.median(ratios):.3f} of ASE's ({min(ratios):.3f} to {max(ratios):.3f})"
            )


if __name__ == "__main__":
    main()
