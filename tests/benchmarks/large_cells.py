"""What empty space costs: time and memory of a frame in cells that it does not fill.

Run `python tests/benchmarks/large_cells.py` (some minutes); with `--before FOLDER`, an older tree
of the program is measured beside this one, each case in both in turn. Processor seconds, one
thread, each case in a process of its own that may take 12 GiB. Figures go to docs/benchmarks.md.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
from ase import Atoms
from ase.build import molecule

CASES = {
    "one": (10, 20, 40, 100, 200, 300),
    "six": (10, 20, 40, 100, 200, 300),
    "slab": (0, 20, 50, 100, 1000),
    "drop": (0, 31, 100, 300, 3000),
}
DENSE = 12.4
"""Edge in Å of the cube that 64 molecules fill at water's density."""

LIMIT = 12 * 2**30
OUTPUTS = ("energy", "forces", "stress", "charges", "bec")


def waters(count: int, spacing: float) -> Atoms:
    """Randomly turned molecules on a cubic grid."""
    rng = np.random.default_rng(count)
    side = int(np.ceil(count ** (1 / 3)))
    atoms = Atoms()
    for place in list(np.ndindex(side, side, side))[:count]:
        water = molecule("H2O")
        water.rotate(rng.uniform(0, 360), rng.normal(size=3))
        water.positions += spacing * np.array(place) - water.get_center_of_mass()
        atoms += water
    return atoms


def frame(kind: str, length: float) -> Atoms:
    """1, 6 or 1000 molecules in a cube of a length (0: free), or 64 in a slab with such vacuum."""
    if kind == "slab":
        atoms, cell = waters(64, DENSE / 4), [DENSE, DENSE, DENSE + length]
    else:
        atoms, cell = waters({"one": 1, "six": 6, "drop": 1000}[kind], 3.0), [length] * 3
    atoms.set_cell(cell)
    atoms.pbc = kind == "slab" or length > 0
    return atoms


def measure(kind: str, length: float) -> None:
    """Print the least seconds of a whole prediction, and its memory in MiB."""
    import torch

    from activecharge.model.graph import build_graph
    from activecharge.model.model_options import ModelOptions
    from activecharge.model.network import Architecture, ChargeModel

    torch.manual_seed(0)
    options = ModelOptions()
    model = ChargeModel(Architecture(options, ("H", "O"), 50.0, (-13.0, -2000.0)))

    def predict(atoms: Atoms) -> float:
        begun = time.process_time()
        graph = build_graph(atoms, ("H", "O"), options.cutoff).to("cpu", torch.float32)
        model(graph, OUTPUTS)
        return time.process_time() - begun

    predict(frame("one", 10))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    atoms = frame(kind, length)
    least = min(predict(atoms) for _ in range(3 if kind == "drop" else 5))
    print(least, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def ask(tree: Path, kind: str, length: float) -> str:
    """Seconds and MiB of a case in a process of its own, as cells of a table."""
    command = [sys.executable, __file__, "--case", kind, str(length)]
    result = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT)),
    )
    if result.returncode:
        if "memory" not in result.stderr:
            raise RuntimeError(result.stderr)
        return "— | over 12 GiB"
    seconds, memory = map(float, result.stdout.split())
    return f"{seconds:.3g} | {memory:.0f}"


def main() -> None:
    """Print a table, a line per case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--kinds", nargs="+", default=list(CASES))
    parser.add_argument("--case", nargs=2)
    given = parser.parse_args()
    if given.case:
        measure(given.case[0], float(given.case[1]))
        return
    trees = [Path(__file__).parents[2]] + ([given.before] if given.before else [])
    for kind in given.kinds:
        for length in CASES[kind]:
            found = [ask(tree, kind, length) for tree in reversed(trees)]
            print(f"| {kind} | {length} | {' | '.join(found)} |", flush=True)


if __name__ == "__main__":
    main()
