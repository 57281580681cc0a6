"""Raw frames of any source, before anybody has judged them."""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain, count, cycle, islice

import numpy as np
from ase import Atoms

from activecharge.errors import UserError
from activecharge.options import Options
from activecharge.sampling.builders.ice import build_ice
from activecharge.sampling.builders.liquid import build_boxes, build_clusters
from activecharge.sampling.builders.slabs import build_slabs
from activecharge.sampling.derived.carving import carve_clusters
from activecharge.sampling.derived.distortion import compress, dissociate
from activecharge.sampling.derived.rattle import rattle
from activecharge.sampling.foreign_sources import FOREIGN
from activecharge.sampling.pool import read_pool
from activecharge.sampling.source_options import (
    BoxesOptions,
    CarvedOptions,
    ClustersOptions,
    CompressedOptions,
    DissociatedOptions,
    FileOptions,
    IceOptions,
    RattleOptions,
    SlabsOptions,
)

_TRIES = 20
"""Frames drawn at most for each one asked for."""


def raw_frames(
    options: Options,
    rng: np.random.Generator,
    elements: Collection[str],
    known: Sequence[Atoms],
) -> Iterator[Atoms]:
    """Frames of a source, up to twenty for each one asked for; a file is read through once.

    Parameters
    ----------
    options : Options
        Any of `activecharge.sampling.source_options.SourceOptions`.
    rng : numpy.random.Generator
    elements : collection of str
        Chemical symbols that the campaign knows.
    known : sequence of ase.Atoms
        Labelled frames.

    Yields
    ------
    ase.Atoms
        `info` holds the origin.

    Raises
    ------
    UserError
        If the source cannot give anything with these settings.
    """
    match options:
        case FileOptions():
            return _from_file(options, rng, elements)
        case RattleOptions():
            _check_known(options, known)
            return _repeat(lambda: rattle(known, options, rng))
        case CarvedOptions():
            parents = _parents(options, rng, elements, known)
            _check_periodic(options, known)
            return carve_clusters(parents, options, rng)
        case CompressedOptions():
            return compress(_parents(options, rng, elements, known), options, rng)
        case DissociatedOptions():
            return dissociate(_parents(options, rng, elements, known), options, rng)
        case SlabsOptions():
            return build_slabs(_supply(options, rng, elements), options, rng)
        case ClustersOptions() | BoxesOptions() | IceOptions():
            _check_water(options.kind, elements)
            return _repeat(lambda: _build(options, rng))
    if source := FOREIGN.get(getattr(options, "kind", "")):
        return source.frames(options, rng, elements, known)
    raise TypeError(f"no source for {type(options).__name__}")


def _build(
    options: ClustersOptions | BoxesOptions | IceOptions, rng: np.random.Generator
) -> Iterator[Atoms]:
    match options:
        case ClustersOptions():
            return build_clusters(options, rng)
        case BoxesOptions():
            return build_boxes(options, rng)
    return build_ice(options, rng)


def _parents(
    options: CarvedOptions | CompressedOptions | DissociatedOptions,
    rng: np.random.Generator,
    elements: Collection[str],
    known: Sequence[Atoms],
) -> Iterator[Atoms]:
    """What a source changes: frames of another one, or labelled ones in random order."""
    if options.of is not None:
        return _supply(options, rng, elements)
    _check_known(options, known)
    orders = (rng.permutation(len(known)) for _ in count())
    frames = (known[index] for order in orders for index in order)
    return islice(frames, _TRIES * options.count)


def _supply(
    options: CarvedOptions | CompressedOptions | DissociatedOptions | SlabsOptions,
    rng: np.random.Generator,
    elements: Collection[str],
) -> Iterator[Atoms]:
    """Frames of the source that another is made of; those of a file come again and again."""
    source = options.of
    if isinstance(source, FileOptions):
        source = source.model_copy(update={"count": None})
        frames = list(_from_file(source, rng, elements))
        return islice(cycle(frames), _TRIES * options.count)
    assert source is not None
    return raw_frames(source.model_copy(update={"count": options.count}), rng, elements, [])


def _check_known(options: Options, known: Sequence[Atoms]) -> None:
    if not known:
        raise UserError(
            f"{getattr(options, 'kind', 'source')}: there are no labelled frames to change yet; "
            "use clusters, boxes or a file first."
        )


def _check_periodic(options: CarvedOptions, known: Sequence[Atoms]) -> None:
    if options.of is None and not any(frame.pbc.all() for frame in known):
        raise UserError(
            "carved: none of the labelled frames is periodic; say what to carve from, as "
            "`of: {kind: boxes}`."
        )


def _check_water(kind: str, elements: Collection[str]) -> None:
    missing = sorted({"H", "O"} - set(elements))
    if missing:
        raise UserError(
            f"{kind}: builds water, but {' and '.join(missing)} is not among the elements "
            f"{', '.join(elements)}; add it to elements."
        )


def _from_file(
    options: FileOptions, rng: np.random.Generator, elements: Collection[str]
) -> Iterator[Atoms]:
    frames = read_pool(options.path, elements)
    for index in rng.permutation(len(frames)):
        atoms = frames[index]
        atoms.info = {"file": options.path, "frame": int(index)}
        yield atoms


def _repeat(batch: Callable[[], Iterator[Atoms]]) -> Iterator[Atoms]:
    return chain.from_iterable(batch() for _ in range(_TRIES))
