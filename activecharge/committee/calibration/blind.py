"""What a committee said before it was taught, beside what the reference said then."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from activecharge.properties import PROPERTIES
from activecharge.records import BlindPair


@dataclass(frozen=True)
class Blind:
    """Spreads and errors of one property, an entry for each atom (or frame).

    Attributes
    ----------
    spread, error : numpy.ndarray
        (M,) in the property's unit, energies per atom. For vectors and tensors both are root
        mean squares over components, hence independent of the axes.
    element : numpy.ndarray
        (M,) chemical symbols; empty strings for properties of the frame.
    frame : numpy.ndarray
        (M,) of int: entries of one frame share a number. Numbers follow the frames' hashes,
        not the order in which the pairs were given.
    control : numpy.ndarray
        (M,) of bool, as in `activecharge.records.BlindPair`.
    weight : numpy.ndarray
        (M,) the frame's weight, as there.
    """

    spread: np.ndarray
    error: np.ndarray
    element: np.ndarray
    frame: np.ndarray
    control: np.ndarray
    weight: np.ndarray

    def __len__(self) -> int:
        return len(self.spread)

    def where(self, chosen: np.ndarray) -> "Blind":
        """The entries of a mask (M,)."""
        return Blind(*(getattr(self, column.name)[chosen] for column in fields(Blind)))

    def frames(self) -> int:
        """How many frames the entries belong to."""
        return len(np.unique(self.frame))

    def shares(self) -> np.ndarray:
        """Share (M,) of each entry in an average: frames by their weight, within a frame its
        entries alike. Sums to one."""
        if not len(self):
            return np.empty(0)
        _, inverse, count = np.unique(self.frame, return_inverse=True, return_counts=True)
        shares = self.weight / count[inverse]
        return shares / shares.sum()

    def frames_worth(self) -> float:
        """Sum of the frames' weights: how many frames of the latest committee they are worth."""
        _, first = np.unique(self.frame, return_index=True)
        return float(self.weight[first].sum())


def blind(name: str, pairs: Sequence[BlindPair]) -> Blind:
    """Collect one property over all pairs that have it.

    Parameters
    ----------
    name : str
        Property name.
    pairs : sequence of BlindPair

    Returns
    -------
    Blind
        Entries whose error or spread is not a finite number are left out.
    """
    prop = PROPERTIES[name]
    kinds = (float, float, "<U2", int, bool, float)
    parts: list[tuple[np.ndarray, ...]] = [tuple(np.empty(0, kind) for kind in kinds)]
    ordered = sorted(pairs, key=lambda pair: pair.label.candidate.hash)
    for number, pair in enumerate(ordered):
        label, said = pair.label, pair.prediction
        if name not in label.values or name not in said.mean or name not in said.std:
            continue
        atoms = label.candidate.atoms
        rows = len(atoms) if prop.per_atom else 1
        scale = 1 / len(atoms) if name == "energy" else 1.0
        deviation = np.reshape(said.mean[name] - label.values[name], (rows, -1))
        parts.append(
            (
                scale * np.broadcast_to(said.std[name], (rows,)),
                scale * np.sqrt(np.mean(deviation**2, axis=1)),
                np.array(atoms.symbols if prop.per_atom else [""], dtype="<U2"),
                np.full(rows, number),
                np.full(rows, pair.control),
                np.full(rows, pair.weight),
            )
        )
    found = Blind(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    return found.where(np.isfinite(found.spread) & np.isfinite(found.error))
