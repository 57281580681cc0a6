"""The size of last-layer uncertainties is learned from errors on other frames."""

from dataclasses import replace

import pytest
import torch
from learning_cases import TINY, mixed_labels, synthetic, train, training_set, waters

from activecharge.errors import UserError
from activecharge.learning.fit_last_layer import most_likely_scale
from activecharge.model.checkpoint import load_model
from activecharge.model.last_layer import LastLayer

pytestmark = pytest.mark.slow


def test_the_noise_of_a_linear_law_is_found():
    """Labels y = f·w + noise, weights of unit variance fitted to them: the errors' own law."""
    torch.manual_seed(0)
    noise, size = 0.1, 12
    known = torch.randn(40, size, dtype=torch.float64)
    weights = torch.randn(size, dtype=torch.float64)
    labels = known @ weights + noise * torch.randn(40, dtype=torch.float64)
    gram = known.T @ known
    fitted = torch.linalg.solve(gram + noise**2 * torch.eye(size), known.T @ labels)
    new = torch.randn(20000, size, dtype=torch.float64) * torch.logspace(-1, 1, 20000)[:, None]
    errors = (new @ (fitted - weights)).abs()
    scale = most_likely_scale(gram, new[:, None], errors)
    # One draw of 12 weights tells their deviation to about 1/√24; ζ hardly matters where all
    # directions are known.
    assert scale.alpha == pytest.approx(noise, rel=0.6)
    assert scale.zeta**2 < float(torch.linalg.eigvalsh(gram)[0])


def test_unseen_directions_raise_zeta_less_the_worse_they_are():
    """Errors along directions without labels tell how large weights may be there: α/ζ."""
    torch.manual_seed(1)
    gram = torch.diag(torch.tensor([100.0, 100.0, 0.0, 0.0], dtype=torch.float64))
    rows = torch.randn(5000, 1, 4, dtype=torch.float64)
    prior = 2.0
    weights = torch.randn(5000, 4, dtype=torch.float64) * torch.tensor([0.01, 0.01, prior, prior])
    scale = most_likely_scale(gram, rows, (rows[:, 0] * weights).sum(1).abs())
    # α/√(100 + ζ²) is 0.01 and α/ζ is 2; ζ² is sought in steps of half a decade.
    assert scale.alpha / scale.zeta == pytest.approx(prior, rel=0.1)
    assert scale.alpha == pytest.approx(0.1, rel=0.8)


def test_training_leaves_it_beside_the_model(tmp_path):
    data = training_set(mixed_labels(), valid=2, steps=2, uncertainty="last_layer")
    train(data, tmp_path)
    model = load_model(tmp_path)
    last_layer = LastLayer.load(tmp_path, model)
    assert last_layer.factors.keys() == {"charges", "bec"}
    assert all(scale.alpha > 0 and scale.zeta > 0 for scale in last_layer.scales.values())


def test_what_is_not_labelled_has_no_uncertainty(tmp_path):
    labels = [synthetic(waters(1, seed), seed, without=("bec",)) for seed in range(4)]
    train(training_set(labels, steps=1, uncertainty="last_layer"), tmp_path)
    assert LastLayer.load(tmp_path, load_model(tmp_path)).factors.keys() == {"charges"}


def test_the_network_learns_from_all_labels(tmp_path):
    """Resampling is for those who disagree."""
    data = training_set(mixed_labels(), steps=2, uncertainty="last_layer")
    plain = replace(data, training=data.training.model_copy(update={"bootstrap": False}))
    assert train(data, tmp_path / "a").history == train(plain, tmp_path / "b").history


def test_latent_charges_have_none_though_labels_hold_charges(tmp_path):
    """Their errors against some reference's charges would say nothing of theirs."""
    model = TINY.model_copy(update={"charges": "latent"})
    train(training_set(mixed_labels(), model, steps=1, uncertainty="last_layer"), tmp_path)
    assert LastLayer.load(tmp_path, load_model(tmp_path)).factors.keys() == {"bec"}


def test_without_charges_and_their_responses_there_is_nothing_to_be_sure_of(tmp_path):
    model = TINY.model_copy(update={"charges": "latent"})
    labels = [synthetic(waters(1, seed), seed, without=("bec",)) for seed in range(4)]
    with pytest.raises(UserError, match="but no label teaches either; choose heads or committee"):
        train(training_set(labels, model, uncertainty="last_layer"), tmp_path)
    assert not any(tmp_path.iterdir())


def test_couplings_without_such_layers_are_refused(tmp_path):
    model = TINY.model_copy(update={"coupling": "local"})
    with pytest.raises(UserError, match=r"independent, not local; choose heads or committee"):
        train(training_set(mixed_labels(), model, uncertainty="last_layer"), tmp_path)
