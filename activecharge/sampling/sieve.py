"""From settings to candidates: one sieve for whatever a source brings."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
from ase import Atoms

from activecharge.dataset.identity import canonical, content_hash
from activecharge.records import Candidate
from activecharge.sampling.duplicates import NearDuplicates, fingerprint
from activecharge.sampling.generators import raw_frames
from activecharge.sampling.sanity import check
from activecharge.sampling.source_options import SanityOptions, SourceOptions
from activecharge.strict_json import Json


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
        self, atoms: Atoms, source: str, origin: dict[str, Json] | None = None
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
    frames = raw_frames(options, rng, elements, known)
    candidates = (sieve.admit(atoms, options.kind, dict(atoms.info)) for atoms in frames)
    yield from islice((c for c in candidates if c is not None), options.count)
