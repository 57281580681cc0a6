"""Walkers, and the forces that drive them: the committee's, a field's and a bias's."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from ase import Atoms

from activecharge.errors import BrokenGeometry
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
    lost : bool
        Whether its positions are such that nothing can be said of them. It then stands still, all
        atoms in one place, and fails the next sanity check.
    """

    atoms: Atoms
    temperature: float
    velocities: np.ndarray
    origin: dict = field(default_factory=dict)
    electric_field: np.ndarray | None = None
    lost: bool = False

    def lose(self) -> None:
        """Give the walker up, or hold it if it was given up."""
        self.lost = True
        self.atoms.positions[:] = 0.0
        self.velocities[:] = 0.0


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

        A walker whose positions ran to infinity, or atoms into one place, is lost: until it fails
        the next sanity check it must not take the batch with it.
        """
        for walker in walkers:
            if walker.lost or not np.isfinite(walker.atoms.positions).all():
                walker.lose()
        charged = any(walker.electric_field is not None for walker in walkers)
        predictions = self._predictions(walkers, ("forces", "bec") if charged else ("forces",))
        forces = [np.zeros_like(walker.velocities) for walker in walkers]
        followed = [index for index, walker in enumerate(walkers) if not walker.lost]
        for index, prediction in zip(followed, predictions, strict=True):
            forces[index] += _finite(prediction.mean["forces"])
            field = walkers[index].electric_field
            if field is not None:
                forces[index] += _finite(field_forces(prediction.mean["bec"], field))
        if self.push is not None and followed:
            frames = [walkers[index].atoms for index in followed]
            for index, extra in zip(followed, self.push(frames), strict=True):
                forces[index] += limited(_finite(extra), self.limit)
        return forces

    def _predictions(self, walkers: Sequence[Walker], names: Collection[str]) -> list[Prediction]:
        """Predictions for the walkers that are not lost, after losing those that have none."""
        try:
            frames = [walker.atoms for walker in walkers if not walker.lost]
            return self.predict(frames, names) if frames else []
        except BrokenGeometry:
            if len(walkers) == 1:
                walkers[0].lose()
                return []
            # Rare: one by one, to find out which.
            return [p for walker in walkers for p in self._predictions([walker], names)]


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
