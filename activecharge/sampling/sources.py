"""From settings to candidates: one sieve for whatever a source brings."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
from ase import Atoms

from activecharge.errors import UserError
from activecharge.records import Candidate
from activecharge.sampling.builders import build_boxes, build_clusters
from activecharge.sampling.duplicates import NearDuplicates, fingerprint
from activecharge.sampling.identity import canonical, content_hash
from activecharge.sampling.options import (
    BoxesOptions,
    ClustersOptions,
    FileOptions,
    RattleOptions,
    SanityOptions,
    SourceOptions,
)
from activecharge.sampling.pool import read_pool
from activecharge.sampling.rattle import rattle
from activecharge.sampling.sanity import check

_TRIES = 20
"""Frames drawn at most for each one asked for."""


class Sieve:
    """Lets a configuration through once, if it is sane.

    Parameters
    ----------
    sanity : SanityOptions
    known : iterable of ase.Atoms
        Frames seen before, e.g. the labelled ones.
    tolerance : float
        Near duplicates are refused, see `NearDuplicates`, Å.

    Attributes
    ----------
    refused : collections.Counter
        How many frames were refused, by kind of reason: those of `sanity.check`,
        "duplicate" and "near duplicate".
    """

    def __init__(
        self, sanity: SanityOptions, known: Iterable[Atoms] = (), tolerance: float = 0.02
    ) -> None:
        self.refused: Counter[str] = Counter()
        self._sanity = sanity
        self._hashes: set[str] = set()
        self._near = NearDuplicates(tolerance)
        for atoms in known:
            self.remember(atoms)

    def remember(self, atoms: Atoms) -> None:
        """Count a frame as seen, without judging it."""
        self._hashes.add(content_hash(atoms))
        self._near.add(fingerprint(atoms))

    def admit(
        self, atoms: Atoms, source: str, origin: dict[str, Any] | None = None
    ) -> Candidate | None:
        """Make a candidate of a frame, or refuse it and count why.

        Parameters
        ----------
        atoms : ase.Atoms
            Positions that are not finite are refused like any other wreck.
        source : str
            Kind of source.
        origin : dict, optional
            JSON-able details of how the frame came about.

        Returns
        -------
        Candidate or None

        Raises
        ------
        UserError
            If the frame is of a sort the program does not handle, see `canonical`.
        """
        reason = check(atoms, self._sanity)
        if reason is None:
            bare = canonical(atoms)
            name, shape = content_hash(bare), fingerprint(bare)
            if name in self._hashes:
                reason = "duplicate"
            elif self._near.near(shape):
                reason = "near duplicate"
            else:
                self._hashes.add(name)
                self._near.add(shape)
                return Candidate(bare, name, source, origin or {})
        self.refused[reason.split(":")[0]] += 1
        return None


def draw(
    options: SourceOptions,
    rng: np.random.Generator,
    *,
    elements: Collection[str],
    known: Sequence[Atoms],
    sieve: Sieve,
) -> Iterator[Candidate]:
    """Draw candidates from a source until it has delivered what was asked.

    Refused frames are replaced by further ones, up to twenty draws for each frame asked;
    a file is read through once. The same generator state gives the same candidates.

    Parameters
    ----------
    options : SourceOptions
    rng : numpy.random.Generator
    elements : collection of str
        Chemical symbols that the campaign knows.
    known : sequence of ase.Atoms
        Labelled frames; parents of rattled ones.
    sieve : Sieve
        Judges the frames; remembers and counts across calls.

    Yields
    ------
    Candidate
        At most `options.count`.

    Raises
    ------
    UserError
        If the source cannot give anything with these settings.
    """
    frames = _frames(options, rng, elements, known)
    candidates = (sieve.admit(atoms, options.kind, dict(atoms.info)) for atoms in frames)
    yield from islice((c for c in candidates if c is not None), options.count)


def _frames(
    options: SourceOptions,
    rng: np.random.Generator,
    elements: Collection[str],
    known: Sequence[Atoms],
) -> Iterator[Atoms]:
    """Raw frames; their `info` holds the origin."""
    match options:
        case FileOptions():
            return _from_file(options, rng, elements)
        case RattleOptions():
            if not known:
                raise UserError(
                    "rattle: there are no labelled frames to displace yet; use clusters, boxes "
                    "or a file first."
                )
            return _repeat(lambda: rattle(known, options, rng))
        case ClustersOptions() | BoxesOptions():
            missing = sorted({"H", "O"} - set(elements))
            if missing:
                raise UserError(
                    f"{options.kind}: builds water, but {' and '.join(missing)} is not among the "
                    f"elements {', '.join(elements)}; add it to elements."
                )
            if isinstance(options, ClustersOptions):
                return _repeat(lambda: build_clusters(options, rng))
            return _repeat(lambda: build_boxes(options, rng))
    raise TypeError(f"no source for {type(options).__name__}")


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
