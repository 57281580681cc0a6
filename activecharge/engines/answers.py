"""What engines ask a committee, step after step."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms

from activecharge.committee.committee import Committee
from activecharge.model.space.kept_pairs import SKIN, KeptPairs
from activecharge.records import Prediction


class Answers:
    """A committee, or one member, in a field or without, that keeps its neighbour lists.

    Parameters
    ----------
    committee : Committee or path-like
        A committee, its folder, a run directory, or a packed file.
    outputs : collection of str
        Property names (`activecharge.properties`) to compute; those that the committee does not
        offer, or that are without meaning in the field, are left out. Forces are always asked for.
    device : str
        torch device, where a path is given.
    member : int, optional
        Which member alone to ask, counting from 0.
    field : sequence of 3 floats, optional
        Uniform electric field in V/Å.
    skin : float
        Å, see `activecharge.model.space.kept_pairs.KeptPairs`.

    Attributes
    ----------
    outputs : frozenset of str
        What is computed.

    Raises
    ------
    UserError
        If there is no such committee or member, it offers no forces, or the field cannot act.
    """

    def __init__(
        self,
        committee: Committee | Path | str,
        outputs: Collection[str],
        device: str = "cpu",
        member: int | None = None,
        field: Sequence[float] | np.ndarray | None = None,
        skin: float = SKIN,
    ):
        self.committee = Committee.opened(committee, device, member)
        self.committee.require(("forces",))
        self.field = None if field is None else self.committee.in_field(field)
        offers = self.committee.offers
        if self.field is not None:
            offers = self.field.offered(offers)
        self.outputs = (frozenset(outputs) | {"forces"}) & offers
        self._skin = skin
        self._kept = [KeptPairs(skin)]

    def __call__(self, frames: Sequence[Atoms]) -> list[Prediction]:
        """What the committee says of frames, each best at the place that it had before."""
        while len(self._kept) < len(frames):
            self._kept.append(KeptPairs(self._skin))
        return self.committee.predict(frames, self.outputs, self.field, self._kept)
