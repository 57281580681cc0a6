"""Born effective charges of any frame by tight binding, to compare those of a file with."""

import numpy as np
from ase import Atoms

from activecharge.records import Candidate, Label
from activecharge.reference.reference_options import GateOptions, TbliteOptions
from activecharge.reference.run import label_candidate

LARGEST_CELL = 48
"""Atoms in a cell beyond which a comparison is not worth its minutes."""


def tight_binding_bec(atoms: Atoms) -> np.ndarray | None:
    """Compute Z with GFN2-xTB in an isolated process; cells of 16 molecules take minutes.

    Fit for `second` of `dataset.importing.index_order.detect`, where the file's own Z comes
    from a like method: GFN2-xTB's differs from that of density functional theory by more than
    transposition changes it.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms, positions in Å; free, or periodic in all directions.

    Returns
    -------
    numpy.ndarray or None
        Shape (N, 3, 3), e, polarization index first; None if the frame is outside the method's
        reach (elements, open shells, slabs, cells of more than 48 atoms) or the run fails.
    """
    if atoms.pbc.any() and len(atoms) > LARGEST_CELL:
        return None
    bare = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    options = TbliteOptions(periodic_bec=True, retries=0)
    made = label_candidate(Candidate(bare, "comparison", "file"), options, GateOptions())
    return made.values["bec"] if isinstance(made, Label) else None
