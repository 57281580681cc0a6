"""The training loss: errors in units of each property's tolerance, missing values masked."""

from collections.abc import Mapping

import torch
from torch.nn.functional import huber_loss

from activecharge.learning.batches import Batch
from activecharge.learning.training_options import LossWeights
from activecharge.model.model_options import ModelOptions
from activecharge.properties import PROPERTIES


def active_weights(weights: LossWeights, model: ModelOptions) -> dict[str, float]:
    """Weights above zero of the properties this kind of model can be taught.

    Latent charges see no reference charges. A screening factor that is fitted afterwards leaves the
    polarization out.
    """
    chosen = weights.model_dump()
    if model.charges == "latent":
        chosen["charges"] = 0.0
    if model.screening == "fitted":
        chosen["dipole"] = chosen["bec"] = 0.0
    return {name: weight for name, weight in chosen.items() if weight > 0}


def scaled_errors(predicted: Mapping[str, torch.Tensor], batch: Batch, name: str) -> torch.Tensor:
    """Errors of all labelled components in tolerances, flat; energies per atom."""
    labelled = torch.isfinite(batch.targets[name])
    if not batch.labelled[name]:
        return batch.targets[name][labelled]
    return _errors(predicted, batch, name)[labelled]


def _errors(predicted: Mapping[str, torch.Tensor], batch: Batch, name: str) -> torch.Tensor:
    """Errors of all components in tolerances, NaN where there is no label."""
    error = predicted[name] - batch.targets[name]
    if name == "energy":
        error = error / batch.graph.counts
    return error / PROPERTIES[name].tolerance


def loss(
    predicted: Mapping[str, torch.Tensor],
    batch: Batch,
    weights: Mapping[str, float],
    copies: torch.Tensor | None = None,
) -> torch.Tensor:
    """Weighted sum over properties of the mean Huber loss of scaled errors, ().

    Huber's loss (Ann. Math. Stat. 35, 73 (1964), https://doi.org/10.1214/aoms/1177703732) is
    linear beyond one tolerance, so a few wild frames do not rule the gradient. `copies` (B,) says
    how often each frame counts in the sum of which the mean is taken; once where absent.
    """
    total = torch.zeros((), dtype=torch.float64, device=batch.graph.frame.device)
    for name, weight in weights.items():
        if not batch.labelled[name]:
            continue
        errors = _errors(predicted, batch, name).double()
        # Masked, not picked out: how many there are is known, and nothing waits for a device.
        errors = torch.where(torch.isfinite(batch.targets[name]), errors, 0.0)
        each = huber_loss(errors, torch.zeros_like(errors), reduction="none")
        if copies is not None:
            each = each * _by_row(copies, batch, name)
        total = total + weight * each.sum() / batch.labelled[name]
    return total


def frame_losses(
    predicted: Mapping[str, torch.Tensor], batch: Batch, weights: Mapping[str, float]
) -> torch.Tensor:
    """The same loss, each frame's own (B,): what a frame has no labels of adds nothing."""
    count = len(batch.graph.counts)
    frames = torch.arange(count, device=batch.graph.frame.device)
    total = torch.zeros(count, dtype=torch.float64, device=frames.device)
    for name, weight in weights.items():
        errors = scaled_errors(predicted, batch, name).double()
        if len(errors):
            each = huber_loss(errors, torch.zeros_like(errors), reduction="none")
            owner = _of_components(frames, batch, name)
            total += weight * torch.zeros_like(total).scatter_reduce(
                0, owner, each, "mean", include_self=False
            )
    return total


def _of_components(copies: torch.Tensor, batch: Batch, name: str) -> torch.Tensor:
    """Values of frames (B,) for each of the errors that `scaled_errors` gives."""
    target = batch.targets[name]
    return _by_row(copies, batch, name).expand_as(target)[torch.isfinite(target)]


def _by_row(copies: torch.Tensor, batch: Batch, name: str) -> torch.Tensor:
    """Values of frames (B,) in a shape that goes with the property's targets."""
    per_atom = PROPERTIES[name].per_atom
    rows = copies.index_select(0, batch.graph.frame) if per_atom else copies
    return rows.reshape(-1, *(1,) * (batch.targets[name].dim() - 1))
