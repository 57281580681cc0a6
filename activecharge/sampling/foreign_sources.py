"""Sources of frames that other packages bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from activecharge.extensions import SOURCES, extend, has_kind
from activecharge.options import Options

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import numpy as np
    from ase import Atoms


class Source(Protocol):
    """What the module of a source offers; it imports nothing heavy at its top.

    Attributes
    ----------
    OPTIONS : type
        Its settings, with a `kind` of its own and a `count`. Where it needs labelled frames, the
        class says `needs_labelled: ClassVar[bool] = True`.
    """

    OPTIONS: type[Options]

    def frames(
        self,
        options: Options,
        rng: np.random.Generator,
        elements: Collection[str],
        known: Sequence[Atoms],
    ) -> Iterator[Atoms]:
        """Give frames, some twenty for each that `count` asks for; who asks judges them.

        Parameters
        ----------
        options : Options
            Of the class `OPTIONS`.
        rng : numpy.random.Generator
            The only source of chance.
        elements : collection of str
            Chemical symbols that the campaign knows.
        known : sequence of ase.Atoms
            Labelled frames.

        Yields
        ------
        ase.Atoms
            Å; `info` says, JSON-able, where it comes from.
        """


def _fits(name: str, part: Source) -> str:
    if name in OWN:
        return "has a name that is taken"
    if "count" not in getattr(getattr(part, "OPTIONS", None), "model_fields", {"count"}):
        return "has settings without `count`"
    return has_kind(name, part, "frames")


OWN = (
    "clusters",
    "boxes",
    "ice",
    "slabs",
    "file",
    "rattle",
    "carved",
    "compressed",
    "dissociated",
    "dynamics",
)

FOREIGN: dict[str, Source] = extend(SOURCES, {}, _fits)
"""By `kind`."""
