"""Frames of which a model can say nothing, each with a sentence that says why."""

from collections.abc import Sequence

import numpy as np
from ase import Atoms

from activecharge.errors import BrokenGeometry, UserError
from activecharge.model.space.pairs import Pairs

SMALLEST_VOLUME = 1.0
"""Smallest cell in Å³ that can hold an atom."""

LARGEST_CELL = 10_000.0
"""Longest lattice vector in Å, a micrometre: images so far away act on nothing."""

FARTHEST = 1e9
"""Largest coordinate in Å; double precision resolves 1e-7 Å there, and less beyond."""

CLOSEST = 0.1
"""Distance in Å below which two atoms are taken for a mistake: the shortest bond there is, in H2,
is 0.74 Å, and at a seventh of it nuclei repel each other by more than 100 eV."""


def refuse_frame(atoms: Atoms, elements: Sequence[str]) -> None:
    """Refuse a frame that has no graph; see `activecharge.model.graph.build_graph`."""
    if not len(atoms):
        raise UserError("a frame without atoms: remove it")
    unknown = sorted(set(atoms.get_chemical_symbols()) - set(elements))
    if unknown:
        raise UserError(
            f"the model knows {', '.join(elements)}, not {', '.join(unknown)}: "
            "remove those frames or train a committee on data that contains the element"
        )
    periodic = bool(atoms.pbc.all())
    if atoms.pbc.any() and not periodic:
        raise UserError(
            "frames must be free or periodic in all three directions, got "
            f"pbc={atoms.pbc.tolist()}: give a slab a cell padded with vacuum and pbc T T T"
        )
    if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()):
        raise BrokenGeometry("coordinates or cell that are not finite numbers: remove the frame")
    if np.abs(atoms.positions).max() > FARTHEST:
        raise BrokenGeometry(
            f"coordinates beyond {FARTHEST:g} Å, where digits no longer suffice: remove the frame"
        )
    if periodic and atoms.cell.volume < SMALLEST_VOLUME:
        raise UserError(
            f"a periodic frame needs a cell with volume, got {atoms.cell.array.tolist()} Å: "
            "give it a cell or make it free (pbc F F F)"
        )
    if periodic and (length := float(atoms.cell.lengths().max())) > LARGEST_CELL:
        raise UserError(
            f"a periodic cell {length:g} Å long, where {LARGEST_CELL:g} Å is the most: if the "
            "frame is a free cluster, make it free (pbc=False, or pbc F F F in the file)"
        )


def refuse_contacts(atoms: Atoms, near: Pairs) -> None:
    """Refuse atoms in one place, at which a model's directions would be not a number."""
    if not len(near.distances) or near.distances.min() >= CLOSEST:
        return
    worst = int(near.distances.argmin())
    first, second = (f"{atoms.symbols[i]}{i}" for i in (near.first[worst], near.second[worst]))
    other = f"{second} are" if first != second else "an image of it in the next cell are"
    raise BrokenGeometry(
        f"atoms {first} and {other} {near.distances[worst]:.2g} Å apart, less than {CLOSEST:g} Å: "
        "remove one of them, or the frame"
    )
