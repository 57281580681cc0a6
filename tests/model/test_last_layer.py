"""Uncertainty from last layers: a Bayesian linear regression on the model's own features."""

import json

import numpy as np
import pytest
import torch
from model_cases import CUTOFF, ELEMENTS, FRAMES, make_model, predict, random_orthogonal, waters

from activecharge.errors import UserError
from activecharge.model import LAST_LAYER, LAST_LAYER_FACTORS
from activecharge.model.geometry import trace_geometry
from activecharge.model.graph import build_graph, join
from activecharge.model.last_layer import (
    DIRECTIONS,
    LastLayer,
    Scale,
    covariance_factor,
    directions,
    last_layer_features,
)

NAMES = ("charges", "bec")


def encode(model, *frames):
    graph = join([build_graph(frame, ELEMENTS, CUTOFF) for frame in frames]).to("cpu", model.dtype)
    return model.encode(graph, trace_geometry(graph, False, False))


@torch.no_grad()
def features(model, name, *frames):
    return last_layer_features(model, encode(model, *frames), name)


def projected(model, name, *frames):
    rows = features(model, name, *frames).double()
    return rows @ directions(model, name)


def learnt(model, frames, scale=None) -> LastLayer:
    """What a model knows that was trained on some frames."""
    scale = scale or Scale(0.01, 0.1)
    factors = {}
    for name in NAMES:
        rows = projected(model, name, *frames).flatten(0, 1)
        factor = directions(model, name) @ covariance_factor(rows.T @ rows, scale)
        factors[name] = factor.to(model.dtype)
    return LastLayer(factors, dict.fromkeys(NAMES, scale))


@torch.no_grad()
def std(last_layer, model, name, *frames):
    return last_layer.std(model, encode(model, *frames), name)


@pytest.mark.parametrize("name", NAMES)
def test_properties_are_their_features_times_the_weights(name, frame):
    model = make_model()
    head = {"charges": model.pair_charges, "bec": model.tensors}[name]
    found = features(model, name, frame) @ head.pair.last.weight.detach().flatten()
    expected = predict(model, frame, outputs=(name,))[name]
    # The same sums in another order, in double precision.
    torch.testing.assert_close(found.reshape(expected.shape), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_posterior_of_a_linear_regression(name):
    """Weights of prior variance (α/ζ)², labels of noise α: the textbook's covariance."""
    model, scale = make_model(), Scale(0.03, 0.4)
    known = projected(model, name, waters(3, 5), waters(2, 6)).flatten(0, 1).numpy()
    identity = np.eye(known.shape[1])
    precision = known.T @ known / scale.alpha**2 + identity * (scale.zeta / scale.alpha) ** 2
    new = projected(model, name, FRAMES["free"]).numpy()
    variance = np.einsum("ncd,de,nce->nc", new, np.linalg.inv(precision), new)
    last_layer = learnt(model, (waters(3, 5), waters(2, 6)), scale)
    # An inverse and an eigendecomposition of matrices of condition 1e4.
    np.testing.assert_allclose(
        std(last_layer, model, name, FRAMES["free"]).numpy() ** 2, variance.mean(1), rtol=1e-8
    )


def test_few_weights_are_kept_as_they_are():
    model = make_model()
    assert torch.equal(directions(model, "charges"), torch.eye(32, dtype=torch.float64))
    chosen = directions(model, "bec")
    assert chosen.shape == (832, DIRECTIONS)
    identity = torch.eye(DIRECTIONS, dtype=torch.float64)
    torch.testing.assert_close(chosen.T @ chosen, identity, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("zeta", [1e-6, 1.0])
def test_variances_are_never_negative(name, zeta):
    """Not even in single precision and with far fewer frames than weights."""
    model = make_model(dtype="float32")
    last_layer = learnt(model, [FRAMES["free"]], Scale(0.01, zeta))
    for frame in (FRAMES["free"], waters(1, 9), FRAMES["triclinic"]):
        found = std(last_layer, model, name, frame)
        assert torch.isfinite(found).all() and (found > 0).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("determinant", [1, -1])
def test_it_is_free_of_axes_and_of_the_order_of_atoms(name, determinant):
    model = make_model()
    last_layer = learnt(model, [waters(3, 5)])
    frame = FRAMES["free"]
    order = np.random.default_rng(0).permutation(len(frame))
    turned = frame[order]
    turned.positions = turned.positions @ random_orthogonal(3, determinant).T + [5.0, -2.0, 1.0]
    before, after = (std(last_layer, model, name, f) for f in (frame, turned))
    # Rounding of double precision.
    torch.testing.assert_close(after, before[torch.as_tensor(order)], rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_learnt_is_less_uncertain(name):
    model, frame = make_model(), FRAMES["free"]
    before, after = (
        std(learnt(model, frames), model, name, frame)
        for frames in ([waters(3, 5)], [waters(3, 5), frame])
    )
    assert (after < 0.9 * before).all()
    # Others gain, too, or stay what they were.
    elsewhere = [
        std(learnt(model, frames), model, name, waters(2, 8))
        for frames in ([waters(3, 5)], [waters(3, 5), frame])
    ]
    assert (elsewhere[1] <= elsewhere[0] * (1 + 1e-9)).all()


def test_on_disk(tmp_path):
    model = make_model()
    last_layer = learnt(model, [waters(2, 5)])
    last_layer.save(tmp_path)
    again = LastLayer.load(tmp_path, model)
    assert again.scales == last_layer.scales
    assert all(torch.equal(again.factors[name], last_layer.factors[name]) for name in NAMES)


def spoil_format(folder):
    file = folder / LAST_LAYER
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": "x"}))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / LAST_LAYER_FACTORS).unlink(),
        lambda folder: (folder / LAST_LAYER_FACTORS).write_bytes(b"no tensors"),
        lambda folder: (folder / LAST_LAYER).write_text("{}"),
        lambda folder: (folder / LAST_LAYER).write_text("[]"),
        lambda folder: (folder / LAST_LAYER).write_text("no json"),
        spoil_format,
        lambda f: LastLayer({"charges": torch.eye(3)}, {"charges": Scale(1.0, 1.0)}).save(f),
    ],
)
def test_spoilt_files_are_refused(spoil, tmp_path):
    model = make_model()
    learnt(model, [waters(1, 5)]).save(tmp_path)
    spoil(tmp_path)
    with pytest.raises(UserError, match=r"last_layer.json: no uncertainties of this model"):
        LastLayer.load(tmp_path, model)
