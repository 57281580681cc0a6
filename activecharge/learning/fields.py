"""Forces in electric fields, which teach how the dipole of the independent coupling moves.

Where Z has a head of its own, nothing ties the dipole's slope ∂μ/∂R to it. Few dipoles tell little
of how they change: intensities of infrared bands, which are slopes, came out at half their size.
In a uniform field ℰ the forces are F + ℰ·Z. So each step takes every free frame in a random field:
the model's forces there are −∂(E − ℰ·μ)/∂R, one derivative as before, and errors of slopes and of
forces, being independent of the field's sign, add up as if each had been asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from activecharge.learning.batches import Batch
from activecharge.model.network import Architecture
from activecharge.properties import PROPERTIES

STRENGTH = PROPERTIES["forces"].tolerance / PROPERTIES["bec"].tolerance
"""Of the fields, in V/Å: errors of one tolerance in Z and in forces weigh alike."""


def takes_fields(
    architecture: Architecture, weights: Mapping[str, float], frames: Sequence[Batch]
) -> bool:
    """Whether there is a dipole apart from Z, labels that teach it, and forces to see it by."""
    return (
        architecture.has_own_dipoles
        and {"forces", "dipole", "bec"} <= set(weights)
        and any(bool(torch.isfinite(frame.targets["dipole"]).any()) for frame in frames)
    )


def in_fields(batch: Batch, rng: np.random.Generator) -> tuple[Batch, torch.Tensor]:
    """The batch with its forces in random fields, and these.

    Parameters
    ----------
    batch : Batch
        In double precision.
    rng : numpy.random.Generator

    Returns
    -------
    Batch, torch.Tensor
        The fields are (B, 3) in V/Å: of one strength, and zero for periodic frames, whose stress
        would change, and for those without Born effective charges of all atoms.
    """
    graph, bec = batch.graph, batch.targets["bec"]
    unknown = torch.zeros(len(graph.counts)).index_add(
        0, graph.frame, (~torch.isfinite(bec)).flatten(1).any(1).float()
    )
    drawn = rng.standard_normal((len(graph.counts), 3))
    fields = torch.tensor(STRENGTH * drawn / np.linalg.norm(drawn, axis=1, keepdims=True))
    fields[(unknown > 0) | graph.periodic] = 0.0
    pull = torch.einsum("na,nab->nb", fields[graph.frame], bec.nan_to_num())
    forces = batch.targets["forces"] + pull
    return replace(batch, targets=batch.targets | {"forces": forces}), fields
