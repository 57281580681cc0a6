"""Slabs between vacuum, in cells that are periodic in all three directions."""

from collections.abc import Iterator

import numpy as np
from ase import Atoms

from activecharge.sampling.builders.builder_options import SlabsOptions
from activecharge.sampling.molecules import find_molecules


def cleave(atoms: Atoms, axis: int, vacuum: float, origin: float = 0.0) -> Atoms:
    """Part a bulk at a plane and put vacuum between its faces.

    Parameters
    ----------
    atoms : ase.Atoms
        Periodic, in a rectangular cell.
    axis : int
        Cell vector along which the slab is parted from its image.
    vacuum : float
        Added to the cell's length, Å. Molecules stay whole; their hydrogens reach into it.
    origin : float
        Where the bulk is parted, as a fraction of the cell vector.

    Returns
    -------
    ase.Atoms
        Periodic in all directions, the slab in the middle of the cell.
    """
    molecules = find_molecules(atoms)
    fractional = atoms.get_scaled_positions(wrap=False)[molecules.centers]
    fractional[:, axis] -= origin
    places = (fractional % 1.0) @ atoms.cell.array
    lengths = atoms.cell.lengths()
    lengths[axis] += vacuum
    places[:, axis] += vacuum / 2
    slab = atoms.copy()
    slab.set_cell(lengths)
    slab.positions = places[molecules.owner] + molecules.offsets
    return slab


def build_slabs(
    bulks: Iterator[Atoms], options: SlabsOptions, rng: np.random.Generator
) -> Iterator[Atoms]:
    """Part each bulk at a random plane across a random cell vector.

    Parameters
    ----------
    bulks : iterator of ase.Atoms
        In rectangular cells.
    options : SlabsOptions
    rng : numpy.random.Generator

    Yields
    ------
    ase.Atoms
        Vacuum-padded frames; `info` is that of the bulk with axis and vacuum (Å).
    """
    for bulk in bulks:
        axis, vacuum = int(rng.integers(3)), rng.uniform(*options.vacuum)
        slab = cleave(bulk, axis, vacuum, rng.random())
        slab.info = bulk.info | {"axis": axis, "vacuum": round(vacuum, 4)}
        yield slab
