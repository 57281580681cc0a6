"""What crosses between a process that wants a label and the one that runs the code.

Each message is one line of JSON. Numbers are written with the shortest text that gives back the
same float.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from ase import Atoms
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from activecharge.records import Candidate
from activecharge.reference.failure import Retry
from activecharge.reference.reference_options import GateOptions, ReferenceOptions

Vector = tuple[float, float, float]


class _Message(BaseModel):
    # A frame may hold NaN: a code must get to see, and to refuse it.
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")


class Request(_Message):
    """One configuration to label, with the settings of this attempt; positions and cell in Å."""

    numbers: tuple[int, ...]
    positions: tuple[Vector, ...]
    cell: tuple[Vector, Vector, Vector]
    pbc: tuple[bool, bool, bool]
    name: str
    reference: ReferenceOptions
    gates: GateOptions

    @classmethod
    def of(cls, candidate: Candidate, reference: ReferenceOptions, gates: GateOptions) -> "Request":
        """Ask for the label of a candidate."""
        atoms = candidate.atoms
        origin = ", ".join(f"{key} {value}" for key, value in candidate.origin.items())
        return cls(
            numbers=tuple(atoms.numbers.tolist()),
            positions=tuple(map(tuple, atoms.positions.tolist())),
            cell=tuple(map(tuple, atoms.cell.array.tolist())),
            pbc=tuple(atoms.pbc.tolist()),
            name=f"{candidate.hash} ({origin or candidate.source})",
            reference=reference,
            gates=gates,
        )

    def atoms(self) -> Atoms:
        """Return the configuration; `info["name"]` names it in sentences."""
        return Atoms(
            numbers=self.numbers,
            positions=np.array(self.positions).reshape(-1, 3),
            cell=self.cell,
            pbc=self.pbc,
            info={"name": self.name},
        )


class Run(_Message):
    """A request, and the empty folder to work in."""

    request: Request
    folder: Path


class Array(_Message):
    """An array of numbers, row by row."""

    shape: tuple[int, ...]
    numbers: tuple[float, ...]

    def restored(self) -> np.ndarray:
        """Return the array, float64."""
        return np.array(self.numbers, dtype=float).reshape(self.shape)


class Labelled(_Message):
    """A label that passed the gates."""

    kind: Literal["labelled"] = "labelled"
    arrays: dict[str, Array]
    settings: dict[str, JsonValue]

    @classmethod
    def of(cls, values: Mapping[str, np.ndarray], settings: dict[str, JsonValue]) -> "Labelled":
        """Wrap the values of a label, by property name, and what fixes them."""
        arrays = {
            name: Array(shape=value.shape, numbers=tuple(value.ravel().tolist()))
            for name, value in values.items()
        }
        return cls(arrays=arrays, settings=settings)

    def values(self) -> dict[str, np.ndarray]:
        """Return the values by property name."""
        return {name: array.restored() for name, array in self.arrays.items()}


class Failed(_Message):
    """No label of this configuration: the reason, and whether another run may give one."""

    kind: Literal["failed"] = "failed"
    reason: str
    retry: Retry


class Mistaken(_Message):
    """No label of any configuration: a sentence for the user."""

    kind: Literal["mistaken"] = "mistaken"
    sentence: str


Answer = Labelled | Failed | Mistaken

_ANSWER: TypeAdapter[Answer] = TypeAdapter(Annotated[Answer, Field(discriminator="kind")])


def read_answer(line: bytes) -> Answer:
    """Read what a worker wrote."""
    return _ANSWER.validate_json(line)
