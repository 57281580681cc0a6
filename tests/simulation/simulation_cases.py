"""Committees and frames for simulations, and formulas in their place."""

import numpy as np
import torch
from ase import Atoms
from ase.build import molecule

from activecharge.committee.committee import Committee
from activecharge.model.checkpoint import save_model
from activecharge.model.last_layer import LastLayer
from activecharge.model.model_options import ModelOptions
from activecharge.model.network import Architecture, ChargeModel
from activecharge.properties import PROPERTIES
from activecharge.simulation.stepping.pulling import Answer, Request, Sample


def make_committee(
    coupling: str = "local", members: int = 2, taught=tuple(PROPERTIES), **settings
) -> Committee:
    """Untrained members in float64, their energies made weak so that cold atoms stay apart."""
    options = ModelOptions(
        **{"channels": 2, "cutoff": 3.5, "radial": 4, "dtype": "float64", "coupling": coupling}
        | settings
    )
    models = []
    for seed in range(members):
        torch.manual_seed(seed)
        model = ChargeModel(Architecture(options, ("H", "O"), 10.0, (-13.0, -430.0), taught))
        with torch.no_grad():
            model.energy.last.weight *= 0.05
            model.pair_energy.last.weight *= 0.05
            model.pair_charges.scale(0.2)
        models.append(model)
    return Committee(models, last_layer=None if members > 1 else LastLayer({}, {}))


def save(committee: Committee, folder) -> None:
    for index, member in enumerate(committee.members):
        save_model(member, folder / f"member-{index:02d}")


def waters(count: int, cell: float | None = None, seed: int = 0) -> Atoms:
    """Randomly turned molecules in a row; periodic if given a cell length in Å."""
    rng = np.random.default_rng(seed)
    atoms = Atoms()
    for place in range(count):
        water = molecule("H2O")
        water.rotate(rng.uniform(0, 360), rng.normal(size=3))
        water.positions += np.array([2.9 * place, 0, 0]) + rng.normal(0, 0.02, (3, 3))
        atoms += water
    if cell:
        atoms.set_cell([cell] * 3)
        atoms.pbc = True
    return atoms


class Springs:
    """Atoms bound to their places by springs, with charges that do not change.

    Parameters
    ----------
    places : (N, 3) Å
    stiffness : float
        eV/Å².
    bec : (N, 3, 3) e, optional
        Of one member; they give the polarization P = Σ Z·(r − place).
    """

    def __init__(self, places, stiffness, bec=None, derived=True):
        self.places, self.stiffness, self.derived = np.array(places), stiffness, derived
        self.bec = np.zeros((len(places), 3, 3)) if bec is None else bec

    def __call__(self, positions, cells, request: Request) -> Answer:
        away = positions - self.places
        energy = self.stiffness / 2 * (away**2).sum(axis=(1, 2))
        forces = -self.stiffness * away
        dipole = pull = None
        if request.field is not None:
            pull = np.einsum("iab,a->ib", self.bec, request.field) + 0 * forces
            forces = forces + pull
            if self.derived:
                dipole, pull = np.einsum("iab,rib->ra", self.bec, away), None
        replicas = len(positions)
        stress = np.zeros((replicas, 3, 3)) if request.stress else None
        bec = np.broadcast_to(self.bec, (1, replicas, *self.bec.shape))
        unknown = np.full(replicas, np.nan)
        sample = Sample(bec, {}, unknown, ("",) * replicas) if request.sample else None
        return Answer(energy, forces, stress, dipole, pull, sample)
