"""Whether tblite's charges in a cell are those in the middle of a large cluster.

Run `python tests/benchmarks/cell_charges.py` (three minutes on one core). Ice without a net dipole
is cut into clusters about one molecule; a lone molecule in a cell feels its images as the local
field 4πμ/3V that all cubic lattices of dipoles make at their sites.
"""

import numpy as np
from ase import Atoms
from ase.build import molecule

from activecharge.reference.codes.tblite.tblite_run import calculator, run
from activecharge.reference.reference_options import TbliteOptions
from activecharge.sampling.derived.carving import carve
from activecharge.sampling.sieve import Sieve, draw
from activecharge.sampling.source_options import IceOptions, SanityOptions

SIZES = (17, 35, 60)
"""Molecules in the clusters."""
LENGTHS = (8.0, 10.0, 12.0, 16.0, 20.0)
"""Edges of the cells of a lone molecule [Å]."""


def charges(atoms: Atoms, method: str) -> np.ndarray:
    """Mulliken charges (N,) [e]."""
    options = TbliteOptions.model_validate({"method": method})
    return run(calculator(atoms, options), options).get("charges")


def ice() -> Atoms:
    """A periodic frame of 16 molecules."""
    options = IceOptions(count=1)
    sieve = Sieve(SanityOptions())
    drawn = draw(options, np.random.default_rng(0), elements=("H", "O"), known=[], sieve=sieve)
    return next(drawn).atoms


def main() -> None:
    """Print oxygen's charges by both methods."""
    cell, lone = ice(), molecule("H2O")
    middle, ice_around = int(np.flatnonzero(cell.numbers == 8)[0]), cell.repeat((3, 3, 3))
    for method in ("GFN1-xTB", "GFN2-xTB"):
        print(f"{method}, ice, 16 molecules in a cell: {charges(cell, method)[middle]:.4f} e")
        for size in SIZES:
            cluster = carve(ice_around, size, middle)
            print(f"  middle of {size} molecules: {charges(cluster, method)[0]:.4f} e")
        free = charges(lone, method)[0]
        print(f"{method}, a lone molecule: {free:.4f} e")
        for length in LENGTHS:
            alone = Atoms(lone.numbers, lone.positions, cell=[length] * 3, pbc=True)
            print(
                f"  in a cell of {length:g} Å: {1000 * (charges(alone, method)[0] - free):+.2f} me"
            )


if __name__ == "__main__":
    main()
