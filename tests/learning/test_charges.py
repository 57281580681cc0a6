"""Latent charges have one sign and size; screening is learned, fitted or the user's."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from learning_cases import ELEMENTS, TINY, mixed_labels, train, training_set
from safetensors.torch import load_file

from activecharge.errors import UserError
from activecharge.learning.batches import join_batches, make_batch
from activecharge.learning.charges import START, orient_charges, start_latent_charges
from activecharge.learning.loss import active_weights
from activecharge.learning.training_options import LossWeights
from activecharge.model.checkpoint import load_model
from activecharge.model.model_options import ModelOptions
from activecharge.model.network import Architecture, ChargeModel

pytestmark = pytest.mark.slow

EVERYTHING = ("energy", "forces", "dipole", "bec")


def batches_of(labels) -> list:
    return [make_batch(entry, ELEMENTS, TINY.cutoff) for entry in labels]


def latent_model(coupling: str, positive: bool = False, **options) -> tuple[ChargeModel, list]:
    """An untrained model whose oxygens are all positive, or all negative."""
    settings = TINY.model_copy(update={"coupling": coupling, "charges": "latent"} | options)
    torch.manual_seed(1)
    model = ChargeModel(Architecture(settings, ELEMENTS, 10.0, (0.0, 0.0)))
    batches = batches_of(mixed_labels())
    start_latent_charges(model, batches)
    if positive:
        model.pair_charges.scale(-1.0)
    return model, batches


def charges_of(model, batches) -> tuple[torch.Tensor, torch.Tensor]:
    """Charges of oxygen and of all atoms."""
    graph = join_batches(batches).to("cpu", model.dtype).graph
    charges = model(graph, {"charges"})["charges"]
    return charges[graph.species == 1], charges


def test_latent_charges_start_large_enough_to_be_felt():
    model, batches = latent_model("independent")
    oxygen, charges = charges_of(model, batches)
    assert oxygen.mean() < 0
    # Rounding of float32.
    assert charges.square().mean().sqrt().item() == pytest.approx(START, rel=1e-5)


@pytest.mark.parametrize("coupling", ["independent", "global", "local"])
@pytest.mark.parametrize("positive", [True, False])
def test_latent_oxygen_is_made_negative(coupling, positive):
    model, batches = latent_model(coupling, positive)
    graph = join_batches(batches).to("cpu", model.dtype).graph
    before = {name: value.clone() for name, value in model(graph, {"energy", "bec"}).items()}
    orient_charges(model, batches, {"energy", "forces"})
    assert charges_of(model, batches)[0].mean() < 0
    after = model(graph, {"energy", "bec"})
    # What the data taught stays as it was, to the bit: only signs have turned.
    assert torch.equal(before["energy"], after["energy"])
    assert torch.equal(before["bec"], after["bec"])


@pytest.mark.parametrize(
    ("coupling", "screening"), [("dipolar", "learned"), ("independent", "learned"), ("global", 0.8)]
)
def test_charges_that_the_polarization_has_taught_are_not_turned(coupling, screening):
    model, batches = latent_model(coupling, positive=True, screening=screening)
    before = charges_of(model, batches)[1]
    orient_charges(model, batches, set(EVERYTHING))
    assert torch.equal(charges_of(model, batches)[1], before)


def test_a_fixed_screening_keeps_its_sign_when_charges_turn():
    model, batches = latent_model("global", positive=True, screening=0.8)
    orient_charges(model, batches, {"energy", "forces"})
    assert charges_of(model, batches)[0].mean() < 0
    assert model.screening.value.item() == pytest.approx(0.8, rel=1e-6)


@pytest.mark.parametrize("coupling", ["independent", "global", "local", "dipolar"])
def test_members_of_a_latent_committee_agree_on_the_sign(coupling, tight_binding, tmp_path):
    model = TINY.model_copy(update={"coupling": coupling, "charges": "latent"})
    data = training_set(tight_binding, model, valid=3, steps=8, evaluate_every=4)
    for seed in range(2):
        directory = tmp_path / str(seed)
        train(data, directory, seed)
        assert charges_of(load_model(directory), batches_of(data.valid))[0].mean() < 0


@pytest.mark.parametrize("coupling", ["independent", "local"])
def test_dipoles_teach_latent_charges_whatever_the_coupling(coupling):
    """The independent coupling has no other dipole beside them that could learn in their place."""
    model, batches = latent_model(coupling)
    assert "dipole" in active_weights(LossWeights(), model.architecture.options)
    batch = join_batches(batches).to("cpu", model.dtype)
    model(batch.graph, {"dipole"}, training=True)["dipole"].square().sum().backward()
    assert model.pair_charges.pair.last.weight.grad.abs().max() > 0
    assert not hasattr(model, "own_dipoles")


def global_model(screening) -> ModelOptions:
    return TINY.model_copy(update={"coupling": "global", "screening": screening})


def test_a_fixed_screening_is_never_changed(tight_binding, tmp_path):
    data = training_set(tight_binding, global_model(0.8), valid=3, steps=5)
    train(data, tmp_path)
    value = load_model(tmp_path).screening.value.item()
    assert value == pytest.approx(0.8, rel=1e-6)


def test_a_learned_screening_moves(tight_binding, tmp_path):
    data = training_set(tight_binding, global_model("learned"), valid=3, steps=5)
    train(data, tmp_path)
    assert abs(load_model(tmp_path).screening.value.item() - 1.0) > 1e-3


def test_a_fitted_screening_is_the_least_squares_one(tight_binding, tmp_path):
    """Z does not touch the charges, and γ solves min |Z − γ Z_q|² over the training labels."""
    doubled = [
        replace(entry, values=entry.values | {"bec": 2 * entry.values["bec"]})
        for entry in tight_binding
    ]
    factors, weights = [], []
    for name, labels in (("once", tight_binding), ("twice", doubled)):
        options = {"valid": 3, "steps": 10, "bootstrap": False}
        data = training_set(labels, global_model("fitted"), **options)
        result = train(data, tmp_path / name)
        stored = load_file(tmp_path / name / "model.safetensors")
        factors.append(stored.pop("screening.value").item())
        weights.append(stored)
        assert result.history[-1]["screening"] == pytest.approx(factors[-1], rel=1e-6)
        assert result.history[-1]["bec"] > 0
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    # Rounding of float32.
    assert factors[1] == pytest.approx(2 * factors[0], rel=1e-6)

    model = load_model(tmp_path / "once")
    batch = join_batches(batches_of(tight_binding[:-3])).to("cpu", model.dtype)
    unscreened = model(batch.graph, {"bec"})["bec"].double().numpy() / factors[0]
    target = np.concatenate([entry.values["bec"] for entry in tight_binding[:-3]])
    expected = np.linalg.lstsq(unscreened.reshape(-1, 1), target.ravel(), rcond=None)[0][0]
    assert factors[0] == pytest.approx(expected, rel=1e-5)


def test_nothing_to_fit_the_screening_to_is_said_before_training(tmp_path):
    labels = [
        replace(entry, values={k: v for k, v in entry.values.items() if k != "bec"})
        for entry in mixed_labels()
    ]
    data = training_set(labels, global_model("fitted"))
    with pytest.raises(UserError, match="no training label has Born effective charges to fit"):
        train(data, tmp_path)


@pytest.mark.parametrize("coupling", ["independent", "local", "dipolar"])
def test_only_the_global_coupling_has_one_factor_to_set(coupling):
    with pytest.raises(ValueError, match=f"is for the coupling global, not {coupling}"):
        ModelOptions(coupling=coupling, screening=0.8)
