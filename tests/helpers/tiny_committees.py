"""Committees of small random models in double precision, and frames for them."""

import torch
from ase import Atoms
from ase.build import molecule

from activecharge import Committee
from activecharge.model.model_options import ModelOptions
from activecharge.model.network import Architecture, ChargeModel

CELL = [[6.5, 0.0, 0.0], [0.5, 6.0, 0.0], [-0.4, 0.3, 6.2]]
"""Longer than twice the cutoff in no direction, so that images of one atom meet."""


def make_committee(coupling: str, elements: tuple[str, ...] = ("H", "O"), **settings) -> Committee:
    """Local coupling differentiates the dipole, so that it ties Z to it."""
    options = ModelOptions(**{"channels": 4, "dtype": "float64", "coupling": coupling} | settings)
    members = []
    for seed in range(2):
        torch.manual_seed(seed)
        members.append(ChargeModel(Architecture(options, elements, 10.0, (-13.0, -430.0))))
    return Committee(members)


def dimer(cell: list[list[float]] | None = None, seed: int = 1) -> Atoms:
    """Two molecules, free or in a cell."""
    atoms, second = molecule("H2O"), molecule("H2O")
    second.rotate(70, (1, 2, 0))
    second.positions += [2.8, 0.4, 0.1]
    atoms += second
    atoms.rattle(0.03, seed=seed)
    if cell is not None:
        atoms.set_cell(cell)
        atoms.pbc = True
    return atoms
