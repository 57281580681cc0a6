"""How the dipole of the independent coupling moves: its slope against Born effective charges.

Where Z has a head of its own, nothing ties the dipole's slope ∂μ/∂R to it, and few dipoles tell
little of how they change: intensities of infrared bands, which are slopes, came out wrong. Taught
in each of `EVERY` steps along one random direction, the slope costs a few per cent of a training.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch.nn.functional import huber_loss

from activecharge.learning.batches import Batch
from activecharge.model.derivatives import dipole_slopes
from activecharge.model.geometry import Geometry
from activecharge.model.network import Architecture
from activecharge.properties import PROPERTIES

EVERY = 8
"""Steps from one lesson to the next."""


class SlopeLessons:
    """When the slope is taught, and along which directions.

    Parameters
    ----------
    architecture : Architecture
        Only models with a dipole of their own have anything to learn here.
    weights : mapping of str to float
        See `activecharge.learning.loss.active_weights`.
    rng : numpy.random.Generator
        Draws the directions.
    """

    def __init__(
        self, architecture: Architecture, weights: Mapping[str, float], rng: np.random.Generator
    ):
        self._apply = architecture.has_own_dipoles and {"dipole", "bec"} <= set(weights)
        self._rng, self._step = rng, 0

    def directions(self, batch: Batch) -> torch.Tensor | None:
        """Unit vectors (B, 3) for the next step's batch; None where that step has no lesson."""
        self._step += 1
        if not self._apply or self._step % EVERY:
            return None
        if not all(torch.isfinite(batch.targets[name]).any() for name in ("dipole", "bec")):
            return None
        drawn = self._rng.standard_normal((len(batch.graph.counts), 3))
        return torch.tensor(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def slope_loss(
    dipole: torch.Tensor,
    batch: Batch,
    geometry: Geometry,
    directions: torch.Tensor,
    copies: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean Huber loss () of Σ_a u_a (∂μ_a/∂R_ib − Z_iab) in tolerances of Z.

    Parameters
    ----------
    dipole : (B, 3) e·Å
        Predicted from the geometry's leaf.
    batch : Batch
    geometry : Geometry
    directions : (B, 3)
        u of each frame.
    copies : (B,), optional
        How often each frame counts, as in `activecharge.learning.loss.loss`.
    """
    frame, target = batch.graph.frame, batch.targets["bec"]
    directions = directions.to(dipole)
    slopes = dipole_slopes(dipole, geometry.leaf, directions)
    wanted = torch.einsum("na,nab->nb", directions[frame], target)
    labelled = torch.isfinite(wanted)
    errors = ((slopes - wanted)[labelled] / PROPERTIES["bec"].tolerance).double()
    each = huber_loss(errors, torch.zeros_like(errors), reduction="none")
    if copies is not None:
        each = each * copies[frame][:, None].expand_as(labelled)[labelled]
    return each.mean()
