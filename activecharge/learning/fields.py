"""Forces in electric fields, which teach how the dipole of the independent coupling moves.

Where Z has a head of its own, nothing ties the dipole's slope ∂μ/∂R to it. Few dipoles tell little
of how they change: intensities of infrared bands, which are slopes, came out at half their size.
In a uniform field ℰ the forces are F + ℰ·Z. So every second step takes free frames in random
fields: the model's forces are −∂(E − ℰ·μ)/∂R there, a single derivative as before, and errors of
forces and of slopes, fields having any sign, add up as if each had been asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from activecharge.learning.batches import Batch
from activecharge.model.model_options import ModelOptions
from activecharge.properties import PROPERTIES

STRENGTH = PROPERTIES["forces"].tolerance / PROPERTIES["bec"].tolerance
"""Of the fields, in V/Å: errors of one tolerance in Z and in forces weigh alike."""

EVERY = 2
"""Steps from one in fields to the next. A step in fields takes a tenth more time."""


class Fields:
    """Puts free frames of every second batch into fields, where that teaches anything.

    There must be a dipole apart from Z, labels that teach it, and forces to see it by.

    Parameters
    ----------
    options : ModelOptions
    weights : mapping of str to float
        See `activecharge.learning.loss.active_weights`.
    frames : sequence of Batch
        All that the training has.
    rng : numpy.random.Generator
        Draws the fields.
    """

    def __init__(
        self,
        options: ModelOptions,
        weights: Mapping[str, float],
        frames: Sequence[Batch],
        rng: np.random.Generator,
    ):
        self._teach = (
            options.coupling == "independent"
            and {"forces", "dipole", "bec"} <= set(weights)
            and any(frame.labelled["dipole"] for frame in frames)
        )
        self._rng, self._step = rng, 0

    def __call__(self, batch: Batch) -> tuple[Batch, torch.Tensor | None]:
        """A batch in double precision, with forces as they are in fields, and these.

        Returns
        -------
        Batch, torch.Tensor or None
            Fields (B, 3) in V/Å, of one strength, but zero for periodic frames, whose stress
            would change, and for those without Born effective charges of all atoms. None, with
            the batch as it was, where no frame is in a field.
        """
        self._step += 1
        if not self._teach or self._step % EVERY:
            return batch, None
        frame, bec = batch.graph.frame, batch.targets["bec"]
        apart = batch.graph.periodic.clone()
        apart[frame[~torch.isfinite(bec).flatten(1).all(1)]] = True
        if apart.all():
            return batch, None
        drawn = self._rng.standard_normal((len(apart), 3))
        fields = torch.tensor(STRENGTH * drawn / np.linalg.norm(drawn, axis=1, keepdims=True))
        fields[apart] = 0.0
        pull = torch.einsum("na,nab->nb", fields[frame], bec.nan_to_num())
        forces = batch.targets["forces"] + pull
        return replace(batch, targets=batch.targets | {"forces": forces}), fields
