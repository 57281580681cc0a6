"""Walkers, and the forces that drive them: the committee's, a field's and a bias's."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from ase import Atoms

from activecharge.records import Prediction
from activecharge.units import ACCELERATION, BOLTZMANN

Predict = Callable[[Sequence[Atoms], Collection[str]], list[Prediction]]
"""A committee's `predict`: frames and property names in, predictions out."""

Push = Callable[[Sequence[Atoms]], list[np.ndarray]]
"""Forces (N, 3) of a bias on frames, eV/Å."""


@dataclass
class Walker:
    """One trajectory.

    Attributes
    ----------
    atoms : ase.Atoms
        Present positions, Å.
    temperature : float
        K.
    velocities : (N, 3) Å/fs
    origin : dict
        Of every frame it leaves.
    electric_field : (3,) V/Å, optional
        Uniform.
    """

    atoms: Atoms
    temperature: float
    velocities: np.ndarray
    origin: dict = field(default_factory=dict)
    electric_field: np.ndarray | None = None


@dataclass(frozen=True)
class Drive:
    """Where forces on walkers come from.

    Attributes
    ----------
    predict : callable
        Gives the mean forces, and Born effective charges where there is a field.
    push : callable, optional
        The bias.
    limit : float
        Largest force of the bias on an atom, eV/Å. That on a larger frame is scaled down as a
        whole, so that it neither pushes nor turns what it would not have.
    """

    predict: Predict
    push: Push | None = None
    limit: float = np.inf

    def forces(self, walkers: Sequence[Walker]) -> list[np.ndarray]:
        """Forces (N, 3) on every walker in eV/Å, zero where they are not finite.

        Positions that ran to infinity are set to zero first: such a walker fails the next sanity
        check, and until then it must not take the batch with it.
        """
        frames = []
        for walker in walkers:
            if not np.isfinite(walker.atoms.positions).all():
                walker.atoms.positions[:] = 0.0
                walker.velocities[:] = 0.0
            frames.append(walker.atoms)
        charged = any(walker.electric_field is not None for walker in walkers)
        predictions = self.predict(frames, ("forces", "bec") if charged else ("forces",))
        forces = [_finite(prediction.mean["forces"]) for prediction in predictions]
        for index, walker in enumerate(walkers):
            if walker.electric_field is not None:
                charges = predictions[index].mean["bec"]
                forces[index] += _finite(field_forces(charges, walker.electric_field))
        if self.push is not None:
            for total, extra in zip(forces, self.push(frames), strict=True):
                total += limited(_finite(extra), self.limit)
        return forces


def field_forces(charges: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Forces F_ib = Σ_a Z_iab E_a of a uniform field on atoms.

    They add up to zero, as Born effective charges do, in free frames as in periodic ones.

    Parameters
    ----------
    charges : (N, 3, 3)
        Born effective charges in e, polarization first.
    field : (3,)
        V/Å.

    Returns
    -------
    numpy.ndarray
        (N, 3) eV/Å.
    """
    return np.einsum("iab,a->ib", charges, field)


def limited(forces: np.ndarray, limit: float) -> np.ndarray:
    """Scale all forces (N, 3) by one factor so that none is larger than the limit, eV/Å."""
    largest = float(np.linalg.norm(forces, axis=1).max(initial=0.0))
    return forces * (limit / largest) if largest > limit else forces


def thermal(atoms: Atoms, temperature: float, rng: np.random.Generator) -> np.ndarray:
    """Maxwell–Boltzmann velocities (N, 3) in Å/fs, without drift of the whole."""
    masses = atoms.get_masses()[:, None]
    spread = np.sqrt(BOLTZMANN * temperature * ACCELERATION / masses)
    velocities = spread * rng.standard_normal((len(atoms), 3))
    return velocities - (masses * velocities).sum(axis=0) / masses.sum()


def _finite(forces: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(forces), forces, 0.0)
