"""Small committees in double precision, and springs whose modes are known."""

import numpy as np
import torch
from ase import Atoms
from ase.build import molecule

from activecharge.committee.committee import Committee
from activecharge.model.model_options import ModelOptions
from activecharge.model.network import Architecture, ChargeModel
from activecharge.spectra.harmonic.vibration_records import Vibrations
from activecharge.spectra.harmonic.vibrations import vibrations
from activecharge.spectra.spectra_options import VibrationsOptions

RESTING = 6
"""Seed of untrained models by whose mean a water molecule comes to rest, bent."""


def make_committee(coupling: str = "dipolar", members: int = 2, dtype: str = "float64", **changed):
    """Untrained models, which are as smooth as others; `dipolar` ties Z to the dipole."""
    options = ModelOptions(channels=4, dtype=dtype, coupling=coupling)
    models = []
    for seed in range(RESTING, RESTING + members):
        torch.manual_seed(seed)
        architecture = Architecture(options, ("H", "O"), 10.0, (-13.0, -430.0), **changed)
        models.append(ChargeModel(architecture))
    return Committee(models)


def water(**changed) -> Atoms:
    """One molecule."""
    atoms = molecule("H2O")
    atoms.set_pbc(changed.get("pbc", False))
    if "cell" in changed:
        atoms.set_cell(changed["cell"])
    return atoms


def found(committee: Committee, atoms: Atoms | None = None, **changed) -> Vibrations:
    """Vibrations at a minimum that is one to 1e-6 eV/Å."""
    return vibrations(committee, atoms or water(), VibrationsOptions(**{"fmax": 1e-6} | changed))


def springs(positions: np.ndarray, constants: dict[tuple[int, int], float]) -> np.ndarray:
    """Hessian (3N, 3N) of springs at rest between pairs of atoms: k u uᵀ along each."""
    size = len(positions)
    hessian = np.zeros((size, 3, size, 3))
    for (i, j), constant in constants.items():
        along = positions[i] - positions[j]
        block = constant * np.outer(along, along) / (along @ along)
        for a, b, sign in ((i, i, 1), (j, j, 1), (i, j, -1), (j, i, -1)):
            hessian[a, :, b] += sign * block
    return hessian.reshape(3 * size, 3 * size)
