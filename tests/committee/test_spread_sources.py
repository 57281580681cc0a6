"""One interface, three sources of uncertainty."""

import copy

import numpy as np
import pytest
import torch

from activecharge.calculator import ChargeCalculator
from activecharge.committee.calibration.calibration import CALIBRATION, Calibration, Fit
from activecharge.committee.calibration.error_model import LEVELS
from activecharge.committee.committee import Committee
from activecharge.errors import UserError
from activecharge.model.checkpoint import save_model
from activecharge.model.last_layer import DIRECTIONS, LastLayer, Scale
from activecharge.model.shared import SharedBackbone

pytestmark = pytest.mark.slow

NAMES = ("charges", "bec")


@pytest.fixture
def heads(make_model):
    """Three models on the backbone of the first."""
    return SharedBackbone([copy.deepcopy(make_model(seed)) for seed in range(3)]).models


@pytest.fixture(scope="session")
def last_layer():
    sizes = {"charges": (32, 32), "bec": (832, DIRECTIONS)}
    torch.manual_seed(0)
    factors = {name: torch.randn(size, dtype=torch.float64) for name, size in sizes.items()}
    return LastLayer(factors, dict.fromkeys(NAMES, Scale(0.01, 0.1)))


@pytest.fixture
def calibration():
    fit = Fit(2.0, 0.001, tuple(1.0 for _ in LEVELS), 9, 9, 9, 9)
    return Calibration({name: {"H": fit, "O": fit} for name in NAMES})


def test_equal_heads_have_no_spread(make_model, frames):
    model = make_model(0)
    committee = Committee([copy.deepcopy(model) for _ in range(3)])
    for said in committee.predict(frames):
        for name, spread in said.std.items():
            # Three equal numbers have a mean that may be a rounding off.
            np.testing.assert_allclose(spread, 0, atol=1e-12 * abs(said.mean[name]).max())


def test_a_shared_backbone_changes_nothing_but_the_cost(heads, frames):
    shared = Committee(heads).predict(frames)
    apart = copy.deepcopy(heads)
    with torch.no_grad():  # a weight that no output rests on makes backbones differ
        apart[1].backbone.radial.bessel_fn.bessel_weights.mul_(1 + 1e-15)
    for one, other in zip(shared, Committee(apart).predict(frames), strict=True):
        for name, mean in one.mean.items():
            # Rounding of double precision.
            np.testing.assert_allclose(mean, other.mean[name], rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(one.std[name], other.std[name], rtol=1e-6, atol=1e-9)


def test_a_shared_pass_is_one_pass(heads, frames):
    calls = []
    heads[0].backbone.register_forward_hook(lambda *_: calls.append(1))
    Committee(heads).predict(frames[:1])
    assert len(calls) == 1


def test_one_network_has_spreads_of_charges_and_their_responses(make_model, last_layer, frames):
    network = Committee([make_model(0)], last_layer=last_layer)
    alone = Committee([make_model(0), make_model(0)]).predict(frames)
    for said, expected, frame in zip(network.predict(frames), alone, frames, strict=True):
        assert said.mean.keys() == expected.mean.keys()
        for name in said.mean:
            np.testing.assert_allclose(said.mean[name], expected.mean[name], rtol=1e-12)
        assert said.std.keys() == set(NAMES)
        assert all(said.std[name].shape == (len(frame),) for name in NAMES)
        np.testing.assert_array_equal(said.descriptor, expected.descriptor)


def test_only_what_is_asked_for(make_model, last_layer, frames):
    [said] = Committee([make_model(0)], last_layer=last_layer).predict(frames[:1], ("forces",))
    assert (said.mean.keys(), said.std.keys()) == ({"forces"}, set())


def test_calibration_and_calculator_as_with_a_committee(
    make_model, last_layer, calibration, frames, tmp_path
):
    save_model(make_model(0), tmp_path / "member-00")
    last_layer.save(tmp_path / "member-00")
    calibration.save(tmp_path / CALIBRATION)
    network = Committee.load(tmp_path)
    [said] = network.predict(frames[:1])
    for name in NAMES:
        expected = np.hypot(2 * said.std[name], 0.001)
        np.testing.assert_allclose(said.expected_error[name], expected, rtol=1e-12)
    atoms = frames[0].copy()
    atoms.calc = ChargeCalculator(network)
    atoms.calc.calculate(atoms)
    results = atoms.calc.results
    assert {"charges_std", "charges_expected_error", "born_effective_charges_std"} <= results.keys()
    assert "forces_std" not in results and "energy_std" not in results


def test_one_model_alone_is_refused(make_model, last_layer, tmp_path):
    save_model(make_model(0), tmp_path / "member-00")
    with pytest.raises(UserError, match="at least two members"):
        Committee.load(tmp_path)
    with pytest.raises(UserError, match="those of one network"):
        Committee([make_model(0), make_model(1)], last_layer=last_layer)
