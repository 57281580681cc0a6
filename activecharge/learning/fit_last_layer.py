"""Learn how sure a trained network is of its charges and Born effective charges."""

from collections.abc import Iterator, Sequence

import torch

from activecharge.learning.batches import Batch, evaluation_batches
from activecharge.model.geometry import trace_geometry
from activecharge.model.last_layer import (
    LastLayer,
    Scale,
    covariance_factor,
    directions,
    last_layer_features,
)
from activecharge.model.network import ChargeModel

DECADES = 10
"""Powers of ten below the features' mean square between which ζ² is sought."""


@torch.no_grad()
def fit_last_layer(model: ChargeModel, train: Sequence[Batch], valid: Sequence[Batch]) -> LastLayer:
    """Covariances of the last layers' weights from features of the training frames.

    α and ζ are the most likely ones given the errors on frames that did not teach the model, as
    Bigi et al. have it (see `activecharge.model.last_layer`). For given ζ, the best α² is the
    mean of squared errors over variances of α = 1, which leaves a search along ζ alone.

    Parameters
    ----------
    model : ChargeModel
        Trained.
    train, valid : sequence of Batch
        Single frames. What has not taught the model is left out: its errors are no measure of the
        features, as those of latent charges against some reference's.
    """
    factors: dict[str, torch.Tensor] = {}
    scales: dict[str, Scale] = {}
    for name in ("charges", "bec"):
        if name not in model.architecture.taught:
            continue
        known = _projected(model, train, name)
        gram = sum(rows.flatten(0, 1).T @ rows.flatten(0, 1) for rows, _ in known)
        if not isinstance(gram, torch.Tensor) or not gram.any():
            continue
        judged = list(_projected(model, valid, name)) or list(_projected(model, train, name))
        rows = torch.cat([rows for rows, _ in judged])
        errors = torch.cat([errors for _, errors in judged])
        scales[name] = most_likely_scale(gram, rows, errors)
        factor = directions(model, name).to(gram) @ covariance_factor(gram, scales[name])
        factors[name] = factor.to(model.dtype)
    return LastLayer(factors, scales)


def most_likely_scale(gram: torch.Tensor, rows: torch.Tensor, errors: torch.Tensor) -> Scale:
    """α and ζ under which Gaussian errors of given size are most likely.

    Parameters
    ----------
    gram : (R, R)
        FᵀF of the training labels.
    rows : (M, C, R)
        Features of M atoms that were not trained on.
    errors : (M,)
        Their root mean square errors over C components.
    """
    values, vectors = torch.linalg.eigh(gram)
    projected = (rows @ vectors).square().mean(1)
    best, found = torch.inf, Scale(1.0, 1.0)
    # ζ² counts beside the eigenvalues of FᵀF, of which the largest may be that of one feature.
    for ratio in torch.logspace(-DECADES, 0, 2 * DECADES + 1, dtype=gram.dtype):
        zeta2 = ratio * values.max()
        variance = (projected / (values.clamp_min(0.0) + zeta2)).sum(1)
        alpha2 = (errors**2 / variance).mean()
        cost = float(alpha2.log() + variance.log().mean())
        if cost < best:
            best, found = cost, Scale(float(alpha2.sqrt()), float(zeta2.sqrt()))
    return found


def _projected(
    model: ChargeModel, frames: Sequence[Batch], name: str
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Features (M, C, R) of the atoms whose components are all labelled, and their root mean
    square errors (M,), in double precision, batch by batch."""
    for batch in evaluation_batches(model, frames):
        encoded = model.encode(batch.graph, trace_geometry(batch.graph, False, False))
        error = model.respond(encoded, {name}, training=False)[name] - batch.targets[name]
        error = error.double().reshape(len(error), -1)
        labelled = torch.isfinite(error).all(1)
        if labelled.any():
            rows = last_layer_features(model, encoded, name)[labelled].double()
            yield rows @ directions(model, name).to(rows), error[labelled].square().mean(1).sqrt()
