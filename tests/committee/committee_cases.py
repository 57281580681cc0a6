"""Blind predictions whose errors follow a law that is known, and pools to select from."""

from dataclasses import fields, replace

import numpy as np
from ase import Atoms

from activecharge.committee.calibration.blind import Blind
from activecharge.committee.selection.choose import select
from activecharge.committee.selection.descriptor_space import DescriptorSpace
from activecharge.committee.selection.selection_options import SelectionOptions
from activecharge.committee.selection.strategies import Quotas, Task
from activecharge.records import BlindPair, Candidate, Label, Prediction


def make_blind(
    frames, atoms=None, sizes=None, seed=0, control=True, slope=2.0, floor=0.01, scale=1.0, unit=1.0
) -> Blind:
    """Entries whose errors are Gaussian with σ² = (slope u)² + floor², times scale²."""
    rng = np.random.default_rng(seed)
    if sizes is None:
        sizes = rng.integers(1, 6, size=frames) if atoms is None else np.full(frames, atoms)
    frame = np.repeat(np.arange(len(sizes)), sizes)
    spread = 0.005 * rng.lognormal(sigma=0.7, size=len(frame))
    error = np.abs(scale * np.hypot(slope * spread, floor) * rng.normal(size=len(frame)))
    element = np.full(len(frame), "O", dtype="<U2")
    here = np.full(len(frame), control)
    return Blind(unit * spread, unit * error, element, frame, here, np.ones(len(frame)))


def join(first: Blind, second: Blind) -> Blind:
    """Entries of both, their frames kept apart."""
    second = replace(second, frame=second.frame + first.frame.max() + 1)
    columns = [(getattr(first, f.name), getattr(second, f.name)) for f in fields(Blind)]
    return Blind(*map(np.concatenate, columns))


def make_pairs(frames, seed=0, why="control", scale=1.0, together=0.5) -> list[BlindPair]:
    """Water clusters with σ = 2 u for oxygen, 3 u for hydrogen, in charges and Born charges.

    A share `together` of the variance is common to the atoms of a frame.
    """
    rng = np.random.default_rng(seed)
    pairs = []
    for number in range(frames):
        atoms = Atoms("OHH" * int(rng.integers(1, 5)))
        n, oxygen = len(atoms), np.array(atoms.symbols) == "O"
        spread = 0.01 * rng.lognormal(sigma=0.7, size=n)
        sigma = scale * np.where(oxygen, 2.0, 3.0) * spread
        common, own = np.sqrt(together) * rng.normal(), np.sqrt(1 - together)
        mean = {
            "charges": sigma * (common + own * rng.normal(size=n)),
            "bec": sigma[:, None, None] * (common + own * rng.normal(size=(n, 3, 3))),
            "energy": np.asarray(n * 0.004 * rng.normal()),
        }
        std = {"charges": spread, "bec": spread, "energy": np.asarray(n * 0.002)}
        zeros = {name: np.zeros_like(value) for name, value in mean.items()}
        candidate = Candidate(atoms, f"{seed:08x}{number:08x}", "clusters")
        said = Prediction(mean, std, np.ones(1))
        pairs.append(BlindPair(Label(candidate, zeros, "tblite", {}), said, why))
    return pairs


def make_task(
    points, count, quality=None, order=None, taken=(), known=None, sources=None, **quotas
):
    """Work for a strategy, on a pool of the given descriptors."""
    points = np.asarray(points, float)
    size, space = len(points), DescriptorSpace(points)
    quality = np.ones(size) if quality is None else np.asarray(quality, float)
    order = [i for i in range(size) if i not in taken] if order is None else order
    limits = Quotas(sources or [""] * size, quotas, count)
    return Task(space, order, quality, count, taken, space.scaled(known), limits)


def choose(pool, seed=0, known=None, **options):
    """Indices chosen as uncertain and as control, by the worst atoms if not said otherwise."""
    settings = SelectionOptions(**{"strategy": "top"} | options)
    choices = select(pool, settings, np.random.default_rng(seed), known)
    where = {id(item.candidate): index for index, item in enumerate(pool)}
    return tuple(
        [where[id(c.candidate)] for c in choices if c.why == why]
        for why in ("uncertain", "control")
    )
