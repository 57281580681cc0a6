"""Small frames of water as text, with whatever comment line and columns a test asks for."""

import numpy as np

PLAIN = "Properties=species:S:1:pos:R:3"
CELL = 'Lattice="12 0 0 0 12 0 0 0 12"'


def text(atoms, comment, *columns, names=None):
    """One extxyz frame; columns are arrays of N rows behind the positions."""
    names = list(atoms.symbols) if names is None else names
    rows = [np.asarray(column).reshape(len(atoms), -1) for column in (atoms.positions, *columns)]
    lines = [
        f"{name} " + " ".join(f"{x:.8f}" for x in row)
        for name, row in zip(names, np.hstack(rows), strict=True)
    ]
    return "\n".join([str(len(atoms)), comment, *lines, ""])
