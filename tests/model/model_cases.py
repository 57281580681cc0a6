"""Models with random weights, made large enough that a broken law shows, and frames for them."""

import functools

import numpy as np
import torch
from ase import Atoms
from ase.build import molecule

from activecharge.model.coulomb.splitting import Split
from activecharge.model.graph import build_graph, join, summed_by
from activecharge.model.model_options import ModelOptions
from activecharge.model.network import Architecture, ChargeModel
from activecharge.units import COULOMB

ELEMENTS = ("H", "O")
COUPLINGS = ("independent", "global", "local", "dipolar")
CUTOFF = 3.5
EXCLUSION = 2.0
ALL = ("energy", "forces", "stress", "charges", "dipole", "bec")


@functools.cache
def make_model(coupling: str = "independent", seed: int = 0, **options) -> ChargeModel:
    """An untrained model with charges of 0.3 e (root mean square in a water cluster).

    Shared between tests: copy it before changing it.
    """
    settings = {"cutoff": CUTOFF, "channels": 4, "radial": 4, "dtype": "float64"}
    settings |= {"coulomb_exclusion": EXCLUSION, "coulomb_accuracy": 1e-6} | options
    torch.manual_seed(seed)
    model = ChargeModel(
        Architecture(ModelOptions(coupling=coupling, **settings), ELEMENTS, 12.0, (-13.0, -2000.0))
    )
    with torch.no_grad():
        charges = predict(model, waters(4, seed=1), outputs=("charges",))["charges"]
        model.pair_charges.pair.last.weight *= 0.3 / charges.square().mean().sqrt()
        model.energy.last.weight *= 5
        model.pair_energy.last.weight *= 5
        if coupling == "independent":
            model.tensors.pair.last.weight *= 5
            if model.architecture.has_own_dipoles:
                model.own_dipoles.edge.weight *= 5
        elif coupling == "dipolar":
            model.dipoles.gates[-1].weight *= 5
        elif coupling == "global":
            model.screening.value.fill_(0.7)
        else:
            model.screening.last.weight *= 5
    return model


def waters(count: int, seed: int, spacing: float = 2.9) -> Atoms:
    """A free cluster: randomly turned, slightly bent molecules on a cubic grid."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(count ** (1 / 3)))
    atoms = Atoms()
    for place in list(np.ndindex(side, side, side))[:count]:
        water = molecule("H2O")
        water.rotate(rng.uniform(0, 360), rng.normal(size=3))
        water.positions += spacing * np.array(place) - water.get_center_of_mass()
        water.positions += rng.normal(0, 0.05, (3, 3))
        atoms += water
    return atoms


def boxed(count: int, seed: int, cell, spacing: float = 2.9) -> Atoms:
    """Molecules as in `waters`, in a periodic cell."""
    atoms = waters(count, seed, spacing)
    atoms.set_cell(cell)
    atoms.pbc = True
    return atoms


FRAMES: dict[str, Atoms] = {
    "free": waters(3, seed=2),
    # Shorter than twice the cutoff: pairs meet through several images.
    "orthorhombic": boxed(2, seed=3, cell=[5.6, 4.1, 6.3]),
    # Shorter than the cutoff: atoms meet their own images.
    "triclinic": boxed(1, seed=4, cell=[[3.2, 0, 0], [0.9, 3.1, 0], [-0.7, 0.8, 3.3]]),
}


def predict(
    model: ChargeModel, *frames: Atoms, outputs=ALL, split: Split | None = None
) -> dict[str, torch.Tensor]:
    """Outputs of one batch of frames, whose Coulomb sums may be split in a given way."""
    options = model.architecture.options
    graphs = [build_graph(a, ELEMENTS, options.cutoff, options.coulomb_accuracy) for a in frames]
    if split:
        graphs = [summed_by(graph, split, options.cutoff) for graph in graphs]
    return model(join(graphs).to("cpu", model.dtype), outputs)


def random_orthogonal(seed: int, determinant: int = 1) -> np.ndarray:
    """A rotation (determinant 1) or rotoreflection (−1), (3, 3)."""
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return matrix * determinant * np.sign(np.linalg.det(matrix))


def moved(atoms: Atoms, index: int, axis: int, step: float) -> Atoms:
    """A copy with one coordinate changed by `step` Å."""
    copy = atoms.copy()
    copy.positions[index, axis] += step
    return copy


def coulomb_energy(model: ChargeModel, atoms: Atoms) -> float:
    """The Coulomb part of a free frame's energy in eV, by an explicit sum over pairs.

    Near pairs fade out by 1 − f, f = 1 − 21 x⁵ + 35 x⁶ − 15 x⁷ with x = r/EXCLUSION.
    """
    charges = predict(model, atoms, outputs=("charges",))["charges"].numpy()
    distances = atoms.get_all_distances()
    i, j = np.triu_indices(len(atoms), 1)
    x = np.minimum(distances[i, j] / EXCLUSION, 1)
    fade = 21 * x**5 - 35 * x**6 + 15 * x**7
    return float(COULOMB * np.sum(fade * charges[i] * charges[j] / distances[i, j]))
