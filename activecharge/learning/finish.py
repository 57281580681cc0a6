"""Judging a model in training, and settling what its loss leaves open."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from activecharge.learning.batches import Batch, evaluation_batches
from activecharge.learning.charges import fit_screening, orient_charges
from activecharge.learning.loss import frame_losses, scaled_errors
from activecharge.learning.training_set import TrainingSet
from activecharge.model.network import ChargeModel
from activecharge.properties import PROPERTIES


def outputs(weights: Mapping[str, float], batch: Batch) -> set[str]:
    """Of the weighted properties, those that some frame of the batch has labels for."""
    return {name for name in weights if batch.labelled[name]}


def evaluate(
    model: ChargeModel, batches: Iterable[Batch], weights: Mapping[str, float]
) -> tuple[dict[str, float], np.ndarray]:
    """Validation loss and per property the MAE in its unit (energy per atom); losses (F,).

    Parameters
    ----------
    model : ChargeModel
    batches : iterable of Batch
        Those of `evaluation_batches`, which are best kept where a model is judged again and again.
    weights : mapping of str to float
    """
    errors: dict[str, list[torch.Tensor]] = {name: [] for name in weights}
    losses: list[torch.Tensor] = []
    for batch in batches:
        names = outputs(weights, batch)
        predicted = model(batch.graph, names)
        losses.append(frame_losses(predicted, batch, weights).detach().cpu())
        for name in names:
            errors[name].append(scaled_errors(predicted, batch, name).abs().double())
    each = torch.cat(losses).numpy()
    result = {"valid_loss": float(each.mean())}
    for name, parts in errors.items():
        if parts:
            result[name] = float(torch.cat(parts).mean()) * PROPERTIES[name].tolerance
    return result, each


def settle(
    model: ChargeModel,
    data: TrainingSet,
    train: Sequence[Batch],
    valid: Sequence[Batch],
    weights: Mapping[str, float],
) -> dict[str, float]:
    """Sign of latent charges and a fitted screening factor, with what is to be noted of it.

    The model also learns what it was taught: of the weighted properties, and of those that a factor
    was fitted to, the ones that its training frames have labels for.
    """
    lessons = {*weights, "bec"} if data.model.screening == "fitted" else set(weights)
    held = {name for name in lessons if any(batch.labelled[name] for batch in train)}
    taught = tuple(name for name in PROPERTIES if name in held)
    model.architecture = replace(model.architecture, taught=taught)
    if data.model.charges == "latent":
        orient_charges(model, valid, weights)
    if data.model.screening != "fitted":
        return {}
    noted = {"screening": fit_screening(model, train)}
    errors, _ = evaluate(model, evaluation_batches(model, valid), {"bec": 1.0})
    return noted | {name: errors[name] for name in ("bec",) if name in errors}
