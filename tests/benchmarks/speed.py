"""What a training step, a prediction and a walker's step cost, against MACE's own module.

Run `python tests/benchmarks/speed.py [CASE ...]` (some minutes). Every case is timed in processor
seconds on one thread, all of them in turn within one process, many times over, so that other work
on the machine hardly matters: what counts are ratios. With `--before FOLDER`, an older tree of the
program is measured beside this one, each case in both in turn. Figures go to docs/benchmarks.md.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
from ase import Atoms
from ase.build import molecule

ELEMENTS = ("H", "O")
CLUSTERS = (1, 2, 3, 3, 4, 4, 5, 5)
"""Molecules of the eight clusters of a step: 81 atoms."""

BOX = 64
ENERGIES = ("energy", "forces")
CHARGES = ("energy", "forces", "charges", "bec")
SIZES = {"1x16": (1, 16), "2x64": (2, 64)}
"""Interactions and channels."""

VOLUME = 29.97
"""Å³ a molecule, at 0.998 g/cm³."""

WALKERS, WALK = 12, 5


def waters(count: int, seed: int, periodic: bool = False) -> Atoms:
    """Randomly turned molecules on a cubic grid at water's density."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(count ** (1 / 3)))
    length = (count * VOLUME) ** (1 / 3)
    spacing = length / side if periodic else VOLUME ** (1 / 3)
    atoms = Atoms()
    for place in list(np.ndindex(side, side, side))[:count]:
        water = molecule("H2O")
        water.rotate(rng.uniform(0, 360), rng.normal(size=3))
        water.positions += spacing * np.array(place) - water.get_center_of_mass()
        atoms += water
    if periodic:
        atoms.set_cell([length] * 3)
        atoms.pbc = True
    return atoms


def frames(kind: str) -> list[Atoms]:
    """Those of a step: eight clusters, or two boxes of 64 molecules."""
    if kind == "boxes":
        return [waters(BOX, seed, periodic=True) for seed in range(2)]
    return [waters(count, seed) for seed, count in enumerate(CLUSTERS)]


def cases() -> dict[str, Callable[[], Callable[[], float]]]:
    """Makers of what can be timed, by name; each gives what one call does, in units of work."""
    made: dict[str, Callable[[], Callable[[], float]]] = {}
    for size in SIZES:
        for kind in ("clusters", "boxes"):
            if (size, kind) == ("2x64", "boxes"):
                continue
            made[f"mace E F {size} {kind}"] = lambda s=size, k=kind: mace_step(s, k)
            made[f"ours E F {size} {kind}"] = lambda s=size, k=kind: our_step(
                s, k, "independent", ENERGIES
            )
            for coupling in ("independent", "dipolar"):
                made[f"{coupling} E F q Z {size} {kind}"] = lambda s=size, k=kind, c=coupling: (
                    our_step(s, k, c, CHARGES)
                )
    for kind in ("clusters of 4", "boxes of 32"):
        made[f"walkers {kind}"] = lambda k=kind: walkers(k)
    return made


def our_step(size: str, kind: str, coupling: str, names: tuple[str, ...]) -> Callable[[], float]:
    """An optimizer's step on labels of ones, as a training runs it after its first epoch."""
    import torch

    from activecharge.learning.batches import Batch
    from activecharge.learning.loss import loss
    from activecharge.model.graph import build_graph, join
    from activecharge.model.model_options import ModelOptions
    from activecharge.model.network import Architecture, ChargeModel
    from activecharge.properties import PROPERTIES

    torch.set_num_threads(1)
    torch.manual_seed(0)
    interactions, channels = SIZES[size]
    options = ModelOptions(coupling=coupling, interactions=interactions, channels=channels)
    model = ChargeModel(Architecture(options, ELEMENTS, 30.0, (-13.0, -430.0)))
    graphs = [build_graph(atoms, ELEMENTS, options.cutoff) for atoms in frames(kind)]
    graph = join(graphs).to("cpu", torch.float32)
    targets = {}
    for name, spec in PROPERTIES.items():
        rows = len(graph.positions) if spec.per_atom else len(graph.counts)
        targets[name] = torch.full((rows, *spec.shape), 1.0 if name in names else torch.nan)
    batch, weights = Batch(graph, targets), dict.fromkeys(names, 1.0)
    optimizer = torch.optim.Adam(model.parameters(), amsgrad=True)

    def step() -> float:
        optimizer.zero_grad()
        loss(model(batch.graph, set(names), training=True), batch, weights).backward()
        optimizer.step()
        return 1.0

    return step


def mace_step(size: str, kind: str) -> Callable[[], float]:
    """The same of MACE's module, as large, with its own defaults."""
    import torch

    import activecharge.model.backbone  # noqa: F401  lets e3nn be imported
    from activecharge.model.graph import build_graph, join
    from activecharge.model.model_options import ModelOptions

    torch.set_num_threads(1)
    torch.manual_seed(0)
    options = ModelOptions()
    graph = join([build_graph(a, ELEMENTS, options.cutoff) for a in frames(kind)])
    model = make_mace(size, options)
    positions, (sender, receiver) = graph.positions, graph.edges
    data = {
        "positions": positions.float(),
        "node_attrs": torch.nn.functional.one_hot(graph.species, len(ELEMENTS)).float(),
        "edge_index": graph.edges,
        "shifts": (graph.vectors - positions[receiver] + positions[sender]).float(),
        "unit_shifts": torch.zeros_like(graph.vectors).float(),
        "cell": graph.cell.flatten(0, 1).float(),
        "batch": graph.frame,
        "ptr": torch.tensor(graph.offsets),
        "head": torch.zeros(len(graph.counts), dtype=torch.int64),
    }
    energy, forces = torch.ones(len(graph.counts)), torch.ones(len(positions), 3)
    optimizer = torch.optim.Adam(model.parameters(), amsgrad=True)

    def step() -> float:
        optimizer.zero_grad()
        found = model(dict(data), training=True)
        value = torch.nn.functional.huber_loss(found["energy"], energy)
        (value + torch.nn.functional.huber_loss(found["forces"], forces)).backward()
        optimizer.step()
        return 1.0

    return step


def make_mace(size: str, options):
    """MACE's network with the hidden channels, radial basis and cutoff of ours."""
    import e3nn
    import torch
    from e3nn import o3
    from mace import modules

    interactions, channels = SIZES[size]
    block = modules.interaction_classes["RealAgnosticResidualInteractionBlock"]
    e3nn.set_optimization_defaults(jit_script_fx=True)
    try:
        return modules.MACE(
            r_max=options.cutoff,
            num_bessel=options.radial,
            num_polynomial_cutoff=5,
            max_ell=options.max_ell,
            interaction_cls=block,
            interaction_cls_first=block,
            num_interactions=interactions,
            num_elements=len(ELEMENTS),
            hidden_irreps=o3.Irreps(f"{channels}x0e + {channels}x1o + {channels}x2e"),
            MLP_irreps=o3.Irreps("16x0e"),
            atomic_energies=np.array([-13.0, -430.0]),
            avg_num_neighbors=30.0,
            atomic_numbers=[1, 8],
            correlation=options.correlation,
            gate=torch.nn.functional.silu,
            radial_MLP=[32, 32],
        )
    finally:
        e3nn.set_optimization_defaults(jit_script_fx=False)


def walkers(kind: str) -> Callable[[], float]:
    """A short walk of twelve walkers, driven by a committee of four; walker-steps."""
    import torch

    from activecharge.committee.committee import Committee
    from activecharge.model.model_options import ModelOptions
    from activecharge.model.network import Architecture, ChargeModel
    from activecharge.sampling.dynamics.langevin import walk
    from activecharge.sampling.source_options import DynamicsOptions, SanityOptions

    torch.set_num_threads(1)
    members = []
    for seed in range(4):
        torch.manual_seed(seed)
        model = ChargeModel(Architecture(ModelOptions(), ELEMENTS, 10.0, (-13.0, -430.0)))
        with torch.no_grad():
            for head in (model.energy, model.pair_energy):
                head.last.weight *= 0.01
            model.pair_charges.scale(0.01)
        members.append(model)
    committee = Committee(members)
    boxes = kind.startswith("boxes")
    count, molecules = (4, 32) if boxes else (WALKERS, 4)
    starts = [waters(molecules, seed, periodic=boxes) for seed in range(count)]
    limits = {"forces": 1e9, "charges": 1e9, "bec": 1e9}
    options = DynamicsOptions(steps=WALK, interval=WALK, timestep=1e-3, limits=limits)
    sanity = SanityOptions(min_oh=0, min_oo=0, min_hh=0, allow_dissociated=True, max_gap=1e6)

    def run() -> float:
        rng = np.random.default_rng(0)
        walk(starts, [300.0] * count, committee.predict, options, sanity, rng)
        return float(count * WALK)

    return run


def serve() -> None:
    """Answer each name of a case on standard input with processor seconds a unit of work."""
    ready: dict[str, Callable[[], float]] = {}
    talk, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        name = line.strip()
        if name not in ready:
            ready[name] = cases()[name]()
            for _ in range(3):
                ready[name]()
        before = time.process_time()
        work = ready[name]()
        print((time.process_time() - before) / work, file=talk, flush=True)


class Tree:
    """The program as it is in a folder, in a process of its own that runs cases when asked."""

    def __init__(self, folder: Path):
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            env=os.environ | {"PYTHONPATH": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def seconds(self, case: str) -> float:
        """Processor seconds a unit of work of a case, run once."""
        assert self._process.stdin and self._process.stdout
        print(case, file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def rows(names: list[str], trees: list[Tree], repeats: int) -> Iterator[str]:
    """Lines of a table: least and median milliseconds in each tree, median ratio to the first case
    in the same tree, and of the trees, new over old."""
    found = {name: [[tree.seconds(name) for tree in trees]] for name in names}
    for _ in range(repeats - 1):
        for name in names:
            found[name].append([tree.seconds(name) for tree in trees])
    for name in names:
        row = f"| {name} |"
        for place in range(len(trees)):
            times = [each[place] for each in found[name]]
            first = [each[place] for each in found[names[0]]]
            ratio = statistics.median(a / b for a, b in zip(times, first, strict=True))
            row += f" {1e3 * min(times):.3g} | {1e3 * statistics.median(times):.3g} | {ratio:.2f} |"
        if len(trees) > 1:
            row += f" {statistics.median(new / old for old, new in found[name]):.2f} |"
        yield row


def main() -> None:
    """Print a table for each size and kind of frames."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help="parts of names, such as 1x16 or walkers")
    parser.add_argument("--before", type=Path)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--serve", action="store_true")
    given = parser.parse_args()
    if given.serve:
        serve()
        return
    folders = ([given.before] if given.before else []) + [Path(__file__).parents[2]]
    trees = [Tree(folder) for folder in folders]
    heads = "".join(f" {f.name}: least [ms] | median [ms] | ratio |" for f in folders)
    print(f"| case |{heads}" + (" new over old |" if given.before else ""))
    print("| --- " * (1 + 3 * len(trees) + bool(given.before)) + "|")
    groups: dict[str, list[str]] = {}
    for name in cases():
        if all(part in name for part in given.cases):
            group = name if name.startswith("walkers") else " ".join(name.split()[-2:])
            groups.setdefault(group, []).append(name)
    for names in groups.values():
        for row in rows(names, trees, given.repeats):
            print(row, flush=True)
    for tree in trees:
        tree.close()


if __name__ == "__main__":
    main()
