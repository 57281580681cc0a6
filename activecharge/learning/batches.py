"""Labels as batches of tensors; what is missing is NaN and counts nowhere."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from activecharge.errors import UserError
from activecharge.model.coulomb.convergence import TYPICAL_ACCURACY
from activecharge.model.graph import Graph, build_graph, join
from activecharge.model.network import ChargeModel
from activecharge.properties import PROPERTIES
from activecharge.records import Label

EVALUATION_FRAMES = 32
"""Frames per batch when nothing is differentiated for training."""


@dataclass(frozen=True)
class Batch:
    """Frames to learn from.

    Attributes
    ----------
    graph : Graph
        B frames, N atoms.
    targets : dict of str to torch.Tensor
        Per property (N, ...) or (B, ...), float64 for energies; NaN where missing.
    labelled : mapping of str to int
        How many numbers of each property are there. Counted if not given, for which a batch
        elsewhere than on the CPU waits.
    """

    graph: Graph
    targets: dict[str, torch.Tensor]
    labelled: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.labelled:
            counted = {n: int(torch.isfinite(value).sum()) for n, value in self.targets.items()}
            object.__setattr__(self, "labelled", counted)

    def to(self, device: torch.device | str, dtype: torch.dtype) -> "Batch":
        """Copy onto a device in the model's type; energies stay double."""
        targets = {
            name: value.to(device, torch.float64 if name == "energy" else dtype)
            for name, value in self.targets.items()
        }
        return Batch(self.graph.to(device, dtype), targets, self.labelled)


def make_batch(
    label: Label, elements: Sequence[str], cutoff: float, accuracy: float = TYPICAL_ACCURACY
) -> Batch:
    """One frame with its graph and targets in double precision.

    The dipole of a periodic frame (known only up to its quantum) and the stress of a free one
    count as missing.

    Raises
    ------
    UserError
        If a value has not the shape that its property asks for, or the frame has no graph.
    """
    atoms, frame = label.candidate.atoms, f"frame {label.candidate.hash}"
    undefined = "dipole" if atoms.pbc.all() else "stress"
    targets = {}
    for name, spec in PROPERTIES.items():
        shape = ((len(atoms),) if spec.per_atom else ()) + spec.shape
        value = np.asarray(label.values.get(name, np.full(shape, np.nan)), dtype=float)
        if value.shape != shape:
            raise UserError(
                f"{frame}: {name} has shape {value.shape}, expected {shape}; label it again"
            )
        if name == undefined:
            value = np.full(shape, np.nan)
        targets[name] = torch.tensor(value if spec.per_atom else value[None])
    try:
        return Batch(build_graph(atoms, elements, cutoff, accuracy), targets)
    except UserError as error:
        raise UserError(f"{frame}: {error}") from error


def join_batches(batches: Sequence[Batch]) -> Batch:
    """Many frames as one batch, in the order given."""
    targets = {name: torch.cat([batch.targets[name] for batch in batches]) for name in PROPERTIES}
    labelled = {name: sum(batch.labelled[name] for batch in batches) for name in PROPERTIES}
    return Batch(join([batch.graph for batch in batches]), targets, labelled)


def ready(model: ChargeModel, batch: Batch) -> Batch:
    """A batch on the model's device in its type, with all that depends on it alone made before."""
    model.plan(batch.graph)
    return batch.to(next(model.parameters()).device, model.dtype)


def evaluation_batches(model: ChargeModel, frames: Sequence[Batch]) -> Iterator[Batch]:
    """Single frames, joined by up to `EVALUATION_FRAMES` and made `ready`."""
    for start in range(0, len(frames), EVALUATION_FRAMES):
        yield ready(model, join_batches(frames[start : start + EVALUATION_FRAMES]))
