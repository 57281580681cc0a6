"""Langevin dynamics of many walkers at once, driven by a committee, stopped when it runs away."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from activecharge.sampling.derived.carving import carve
from activecharge.sampling.dynamics.walkers import Drive, Predict, Push, Walker, thermal
from activecharge.sampling.sanity import check
from activecharge.sampling.source_options import DynamicsOptions, SanityOptions, SpreadLimits
from activecharge.strict_json import Json
from activecharge.units import ACCELERATION, BOLTZMANN


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
    *,
    fields: Sequence[np.ndarray | None] | None = None,
    origins: Sequence[dict[str, Json]] | None = None,
    push: Push | None = None,
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
    fields : sequence of (3,) arrays or None, optional
        Uniform electric field on each walker, V/Å.
    origins : sequence of dict, optional
        What the frames of each walker are to tell of it, beside what is known here.
    push : callable, optional
        The bias; its forces are kept within `options.bias.max_force`.
    """
    walkers = _walkers(starts, temperatures, fields, origins, rng)
    limit = options.bias.max_force if options.bias else np.inf
    drive = Drive(predict, push, limit)
    frames: list[Atoms] = []
    stopped: Counter[str] = Counter()
    forces = drive.forces(walkers)
    for step in range(1, options.steps + 1):
        forces = _advance(walkers, forces, drive, options, rng)
        if step % options.interval and step != options.steps:
            continue
        verdicts = _inspect(walkers, predict, options, sanity)
        frames += _brought_home(walkers, verdicts, step, options, rng)
        stopped.update(reason.split(":")[0] for reason, _ in verdicts if reason is not None)
        alive = [index for index, (reason, _) in enumerate(verdicts) if reason is None]
        walkers = [walkers[i] for i in alive]
        forces = [forces[i] for i in alive]
        if not walkers:
            break
    return Walk(frames, dict(stopped))


def _walkers(
    starts: Sequence[Atoms],
    temperatures: Sequence[float],
    fields: Sequence[np.ndarray | None] | None,
    origins: Sequence[dict[str, Json]] | None,
    rng: np.random.Generator,
) -> list[Walker]:
    """One walker from each start, its velocities drawn."""
    none: list[None] = [None] * len(starts)
    conditions = zip(starts, temperatures, fields or none, origins or none, strict=True)
    return [
        Walker(
            atoms.copy(),
            temperature,
            thermal(atoms, temperature, rng),
            {"temperature_K": float(temperature), "walker": index} | (told or {}),
            field,
        )
        for index, (atoms, temperature, field, told) in enumerate(conditions)
    ]


def _advance(
    walkers: list[Walker],
    forces: list[np.ndarray],
    drive: Drive,
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
        thermal_speed = np.sqrt(BOLTZMANN * walker.temperature * ACCELERATION / masses)
        noise = rng.standard_normal(walker.velocities.shape)
        walker.velocities *= keep
        walker.velocities += np.sqrt(1 - keep**2) * thermal_speed * noise
        walker.atoms.positions += half * walker.velocities
    forces = drive.forces(walkers)
    for walker, force in zip(walkers, forces, strict=True):
        masses = walker.atoms.get_masses()[:, None]
        walker.velocities += half * ACCELERATION * force / masses
    return forces


def _inspect(
    walkers: list[Walker], predict: Predict, options: DynamicsOptions, sanity: SanityOptions
) -> list[tuple[str | None, int]]:
    """Why each walker is to stop, None to let it go on, and its most uncertain atom."""
    reasons = [check(walker.atoms, sanity) for walker in walkers]
    sane = [w.atoms for w, reason in zip(walkers, reasons, strict=True) if reason is None]
    limits = options.limits.model_dump()
    predictions = iter(predict(sane, limits.keys()) if sane else [])
    verdicts: list[tuple[str | None, int]] = []
    for reason in reasons:
        worst = 0
        if reason is None:
            prediction = next(predictions)
            spread = prediction.disagreement
            known = {n: limit for n, limit in limits.items() if n in spread}
            passed = [n for n, limit in known.items() if not spread[n].max() <= limit]
            reason = f"disagreement in {passed[0]}" if passed else None
            worst = _most_uncertain(spread, options.limits)
        verdicts.append((reason, worst))
    return verdicts


def _most_uncertain(spread: Mapping[str, np.ndarray], limits: SpreadLimits) -> int:
    """The atom whose charges members disagree about most, in units of the limits; 0 if unknown."""
    known = [spread[n] / getattr(limits, n) for n in ("charges", "bec") if n in spread]
    return int(np.argmax(np.nan_to_num(sum(known, np.zeros(1)), nan=np.inf)))


def _brought_home(
    walkers: Sequence[Walker],
    verdicts: Sequence[tuple[str | None, int]],
    step: int,
    options: DynamicsOptions,
    rng: np.random.Generator,
) -> list[Atoms]:
    """What is kept of the walkers that go on, and of those that the committee does not know."""
    frames = []
    for walker, (reason, worst) in zip(walkers, verdicts, strict=True):
        if reason is None or reason.startswith("disagreement"):
            kept = _kept(walker.atoms, worst, options, rng)
            if kept is not None:
                kept.info = walker.origin | {"step": step} | kept.info
                frames.append(kept)
    return frames


def _kept(
    atoms: Atoms, worst: int, options: DynamicsOptions, rng: np.random.Generator
) -> Atoms | None:
    """What is kept of a frame: all of it, or a cluster around its most uncertain atom."""
    if options.carve is None or not atoms.pbc.all():
        whole = atoms.copy()
        whole.info = {}
        return whole
    cluster = carve(atoms, int(rng.integers(*options.carve, endpoint=True)), worst)
    if cluster is not None:
        cluster.info["carved"] = len(cluster) // 3
    return cluster
