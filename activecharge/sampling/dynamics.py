"""Langevin dynamics of many walkers at once, driven by a committee, stopped when it runs away."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from ase import Atoms

from activecharge.records import Prediction
from activecharge.sampling.options import DynamicsOptions, SanityOptions
from activecharge.sampling.sanity import check
from activecharge.units import ACCELERATION, BOLTZMANN

Predict = Callable[[Sequence[Atoms], Collection[str]], list[Prediction]]
"""A committee's `predict`: frames and property names in, predictions out."""


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
    """

    atoms: Atoms
    temperature: float
    velocities: np.ndarray
    origin: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Walk:
    """What a run of walkers brought home.

    Attributes
    ----------
    frames : list of ase.Atoms
        Sane frames in order of time, `info` holding temperature_K, step and walker.
    stopped : dict of str to int
        Why walkers stopped before their last step: a kind of `sanity.check`'s reasons, or
        "disagreement in <property>".
    """

    frames: list[Atoms]
    stopped: dict[str, int]


def walk(
    starts: Sequence[Atoms],
    temperatures: Sequence[float],
    predict: Predict,
    options: DynamicsOptions,
    sanity: SanityOptions,
    rng: np.random.Generator,
) -> Walk:
    """Run one walker from each start, all in one batch through the committee.

    The integrator is BAOAB (Leimkuhler, Matthews, J. Chem. Phys. 138, 174102 (2013),
    https://doi.org/10.1063/1.4802990). Every `interval` steps a walker's frame is kept if its
    geometry is sane, and the walker goes on if the committee's spread is within limits: the
    frame at which the committee lost its way is kept, being worth the most, a broken one is not.

    Parameters
    ----------
    starts : sequence of ase.Atoms
    temperatures : sequence of float
        K, one a walker.
    predict : callable
    options : DynamicsOptions
    sanity : SanityOptions
    rng : numpy.random.Generator
    """
    walkers = [
        Walker(
            atoms.copy(),
            temperature,
            _thermal(atoms, temperature, rng),
            {"temperature_K": float(temperature), "walker": index},
        )
        for index, (atoms, temperature) in enumerate(zip(starts, temperatures, strict=True))
    ]
    frames: list[Atoms] = []
    stopped: Counter[str] = Counter()
    forces = _forces(predict, walkers)
    for step in range(1, options.steps + 1):
        forces = _advance(walkers, forces, predict, options, rng)
        if step % options.interval and step != options.steps:
            continue
        alive = []
        for index, (walker, reason) in enumerate(_inspect(walkers, predict, options, sanity)):
            if reason is None or reason.startswith("disagreement"):
                kept = walker.atoms.copy()
                kept.info = walker.origin | {"step": step}
                frames.append(kept)
            if reason is None:
                alive.append(index)
            else:
                stopped[reason.split(":")[0]] += 1
        walkers = [walkers[i] for i in alive]
        forces = [forces[i] for i in alive]
        if not walkers:
            break
    return Walk(frames, dict(stopped))


def _advance(
    walkers: list[Walker],
    forces: list[np.ndarray],
    predict: Predict,
    options: DynamicsOptions,
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """One BAOAB step in place; returns the forces (N, 3) eV/Å at the new positions."""
    half = options.timestep / 2
    keep = np.exp(-options.friction * options.timestep)
    for walker, force in zip(walkers, forces, strict=True):
        masses = walker.atoms.get_masses()[:, None]
        walker.velocities += half * ACCELERATION * force / masses
        walker.atoms.positions += half * walker.velocities
        thermal = np.sqrt(BOLTZMANN * walker.temperature * ACCELERATION / masses)
        noise = rng.standard_normal(walker.velocities.shape)
        walker.velocities *= keep
        walker.velocities += np.sqrt(1 - keep**2) * thermal * noise
        walker.atoms.positions += half * walker.velocities
    forces = _forces(predict, walkers)
    for walker, force in zip(walkers, forces, strict=True):
        masses = walker.atoms.get_masses()[:, None]
        walker.velocities += half * ACCELERATION * force / masses
    return forces


def _inspect(
    walkers: list[Walker], predict: Predict, options: DynamicsOptions, sanity: SanityOptions
) -> list[tuple[Walker, str | None]]:
    """Each walker with the reason to stop it, None to let it go on."""
    reasons = [check(walker.atoms, sanity) for walker in walkers]
    sane = [w.atoms for w, reason in zip(walkers, reasons, strict=True) if reason is None]
    limits = options.limits.model_dump()
    predictions = iter(predict(sane, limits.keys()) if sane else [])
    verdicts = []
    for walker, reason in zip(walkers, reasons, strict=True):
        if reason is None:
            spread = next(predictions).std
            known = {n: limit for n, limit in limits.items() if n in spread}
            passed = [n for n, limit in known.items() if not spread[n].max() <= limit]
            reason = f"disagreement in {passed[0]}" if passed else None
        verdicts.append((walker, reason))
    return verdicts


def _forces(predict: Predict, walkers: list[Walker]) -> list[np.ndarray]:
    """Mean forces of the committee; zero where they are not finite or positions ran to infinity.

    Such a walker fails the next sanity check; until then it must not take the batch with it.
    """
    frames = []
    for walker in walkers:
        if not np.isfinite(walker.atoms.positions).all():
            walker.atoms.positions[:] = 0.0
            walker.velocities[:] = 0.0
        frames.append(walker.atoms)
    forces = [p.mean["forces"] for p in predict(frames, ("forces",))]
    return [np.where(np.isfinite(f), f, 0.0) for f in forces]


def _thermal(atoms: Atoms, temperature: float, rng: np.random.Generator) -> np.ndarray:
    """Maxwell–Boltzmann velocities (N, 3) in Å/fs, without drift of the whole."""
    masses = atoms.get_masses()[:, None]
    spread = np.sqrt(BOLTZMANN * temperature * ACCELERATION / masses)
    velocities = spread * rng.standard_normal((len(atoms), 3))
    return velocities - (masses * velocities).sum(axis=0) / masses.sum()
