"""What a label costs, code by code, against one plain energy and force run.

Run `python tests/benchmarks/reference_cost.py tblite xtb cp2k-xtb` with the codes to measure;
figures go to docs/benchmarks.md and docs/references.md. It counts processor seconds, on one
thread, so that other work on the machine hardly matters.
"""

import os
import resource
import sys
import tempfile
from collections.abc import Callable

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
from ase import Atoms
from ase.build import molecule

from activecharge.reference.codes import pyscf, xtb
from activecharge.reference.codes.cp2k import cp2k, cp2k_run
from activecharge.reference.codes.cp2k.cp2k_input import template
from activecharge.reference.codes.cp2k.cp2k_options import Cp2kOptions
from activecharge.reference.codes.pyscf import PyscfOptions
from activecharge.reference.codes.tblite import tblite
from activecharge.reference.codes.xtb import XtbOptions
from activecharge.reference.reference_options import TbliteOptions
from activecharge.sampling.builders.liquid import build_boxes
from activecharge.sampling.source_options import BoxesOptions

SIZES = (1, 8, 16, 32, 64)


def cluster(count: int) -> Atoms:
    """Randomly turned molecules at the density of water, roughly a ball."""
    rng = np.random.default_rng(count)
    grid = 3.1 * np.array([[i, j, k] for i in range(8) for j in range(8) for k in range(8)])
    places = grid[np.argsort(np.linalg.norm(grid - grid.mean(axis=0), axis=1))][:count]
    atoms = Atoms()
    for place in places:
        water = molecule("H2O")
        water.rotate(rng.uniform(0, 360), rng.normal(size=3))
        water.positions += place - water.get_center_of_mass()
        atoms += water
    return atoms


def box(count: int) -> Atoms:
    """A periodic cube of water at 0.997 g/cm³."""
    options = BoxesOptions(count=1, molecules=(count, count))
    return next(build_boxes(options, np.random.default_rng(count)))


def seconds(function: Callable[[Atoms], object], atoms: Atoms) -> float:
    """Least processor time of three runs, of this process and those it waits for; of one that
    takes long."""
    first = _once(function, atoms)
    return first if first > 10 else min(first, _once(function, atoms), _once(function, atoms))


def _once(function: Callable[[Atoms], object], atoms: Atoms) -> float:
    before = _used()
    function(atoms)
    return _used() - before


def _used() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def tblite_plain(atoms: Atoms) -> None:
    tblite._run(atoms, TbliteOptions())


def xtb_plain(atoms: Atoms) -> None:
    xtb._calculator(atoms, XtbOptions()).singlepoint()


def pyscf_plain(atoms: Atoms) -> None:
    options = PyscfOptions()
    run = pyscf._converge(pyscf._molecule(atoms, options), options, np.zeros(3))
    pyscf._forces(run, np.zeros(3))


def cp2k_plain(options: Cp2kOptions) -> Callable[[Atoms], None]:
    def plain(atoms: Atoms) -> None:
        _in_scratch(
            lambda: cp2k_run.run(atoms, options, template(options, False, ["H", "O"]), False)
        )

    return plain


def _in_scratch(function: Callable[[], object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        function()
        os.chdir("/")


CP2K_XTB, CP2K_DFT = Cp2kOptions(method="GFN1-xTB"), Cp2kOptions()
CODES: dict[str, tuple[Callable[[Atoms], object], Callable[[Atoms], object]]] = {
    "tblite": (tblite_plain, lambda a: tblite.label(a, TbliteOptions())),
    "xtb": (xtb_plain, lambda a: xtb.label(a, XtbOptions())),
    "pyscf": (pyscf_plain, lambda a: pyscf.label(a, PyscfOptions())),
    "cp2k-xtb": (
        cp2k_plain(CP2K_XTB),
        lambda a: _in_scratch(lambda: cp2k.label(a, CP2K_XTB)),
    ),
    "cp2k-dft": (
        cp2k_plain(CP2K_DFT),
        lambda a: _in_scratch(lambda: cp2k.label(a, CP2K_DFT)),
    ),
}
CODES["cp2k-dft-box"] = CODES["cp2k-dft"]


def main(names: list[str]) -> None:
    """Print a table row for each code and size; sizes may follow a name as `pyscf:1,2`."""
    print("| code | molecules | plain run [s] | label [s] | ratio |")
    print("| --- | --- | --- | --- | --- |")
    for name in names:
        name, _, sizes = name.partition(":")
        plain, full = CODES[name]
        for count in map(int, sizes.split(",")) if sizes else SIZES:
            atoms = box(count) if name.endswith("-box") else cluster(count)
            plain(atoms)  # once to load libraries and data
            one, whole = seconds(plain, atoms), seconds(full, atoms)
            print(f"| {name} | {count} | {one:.3g} | {whole:.3g} | {whole / one:.1f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
