"""Where the walkers of a source of dynamics start, and under which conditions."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from ase import Atoms

from activecharge.campaign.loop.work import Start
from activecharge.campaign.settings.campaign_options import Campaign
from activecharge.dataset.identity import canonical
from activecharge.errors import UserError
from activecharge.sampling.molecules import at_density
from activecharge.sampling.sieve import Sieve, draw
from activecharge.sampling.source_options import DynamicsOptions
from activecharge.strict_json import Json

REFERENCE = 16
"""Labelled frames in which a bias takes its unit."""

Rung = TypeVar("Rung")


def walk_starts(
    campaign: Campaign, options: DynamicsOptions, known: Sequence[Atoms], rng: np.random.Generator
) -> list[Start]:
    """Starts of all walkers of a source, in batches of fixed size, so that results do not depend
    on how many CPUs there are.

    Parameters
    ----------
    campaign : Campaign
    options : DynamicsOptions
    known : sequence of ase.Atoms
        Labelled frames.
    rng : numpy.random.Generator

    Raises
    ------
    UserError
        If the source that walkers are to start from gives nothing.
    """
    count = options.walkers
    temperatures = np.resize(options.temperatures, count).tolist()
    frames, origins = _frames(campaign, options, known, rng)
    seed = int(rng.integers(2**31))
    fields = _fields(options, origins, rng)
    _set_densities(options, frames, origins, rng)
    reference = _reference(options, origins, known)
    return [
        Start(
            tuple(frames[part]),
            tuple(temperatures[part]),
            tuple(fields[part]),
            tuple(origins[part]),
            (seed, part.start),
            reference,
        )
        for part in (
            slice(first, first + options.batch) for first in range(0, count, options.batch)
        )
    ]


def _frames(
    campaign: Campaign, options: DynamicsOptions, known: Sequence[Atoms], rng: np.random.Generator
) -> tuple[list[Atoms], list[dict[str, Json]]]:
    """A frame a walker, and what is to be told of it."""
    count = options.walkers
    if options.starts is None:
        frames = [known[index] for index in rng.integers(len(known), size=count)]
        return frames, [{} for _ in frames]
    source, sieve = options.starts.model_copy(update={"count": count}), Sieve(campaign.sanity)
    drawn = list(draw(source, rng, elements=campaign.elements, known=known, sieve=sieve))
    if not drawn:
        raise UserError(
            f"dynamics.starts ({source.kind}): not one configuration is sane; change the source or "
            "the limits under `sanity`"
        )
    chosen = [drawn[index % len(drawn)] for index in range(count)]
    return [c.atoms for c in chosen], [{"start": source.kind} for _ in chosen]


def _fields(
    options: DynamicsOptions, origins: Sequence[dict[str, Json]], rng: np.random.Generator
) -> list[np.ndarray | None]:
    """The electric field on each walker, (3,) V/Å, told in its origin."""
    fields: list[np.ndarray | None] = [None] * options.walkers
    for index, strength in enumerate(_shared(options.fields, options.walkers, rng)):
        if strength:
            field = strength * _direction(rng)
            fields[index] = field
            origins[index]["field_V_per_A"] = field.round(6).tolist()
    return fields


def _set_densities(
    options: DynamicsOptions,
    frames: list[Atoms],
    origins: Sequence[dict[str, Json]],
    rng: np.random.Generator,
) -> None:
    """Bring periodic frames to the densities asked for, if any."""
    if options.densities:
        for index, density in enumerate(_shared(options.densities, options.walkers, rng)):
            if frames[index].pbc.all():
                frames[index] = canonical(at_density(frames[index], density))
                origins[index]["density"] = density


def _reference(
    options: DynamicsOptions, origins: Sequence[dict[str, Json]], known: Sequence[Atoms]
) -> tuple[Atoms, ...]:
    """Labelled frames in which the bias takes its unit; none without a bias."""
    if options.bias is None:
        return ()
    for origin in origins:
        origin["bias"] = options.bias.property
    chosen = np.linspace(0, len(known) - 1, min(REFERENCE, len(known))).round().astype(int)
    return tuple(known[index] for index in chosen)


def _shared(ladder: Sequence[Rung], count: int, rng: np.random.Generator) -> list[Rung]:
    """A rung a walker: each for as many walkers as any other, in random order."""
    rungs = [ladder[index % len(ladder)] for index in range(count)]
    return [rungs[index] for index in rng.permutation(count)] if len(ladder) > 1 else rungs


def _direction(rng: np.random.Generator) -> np.ndarray:
    """A uniform unit vector (3,)."""
    vector = rng.standard_normal(3)
    return vector / np.linalg.norm(vector)
