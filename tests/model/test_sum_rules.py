"""Neutrality, and the acoustic and rotational sum rules, which hold whatever the weights."""

import numpy as np
import pytest
import torch
from model_cases import COUPLINGS, make_model, predict, waters

# Sums of some dozen terms of order one in double precision.
EXACT = {"atol": 1e-10, "rtol": 0.0}


def check_sums(result):
    torch.testing.assert_close(
        result["charges"].sum(), torch.zeros_like(result["energy"])[0], **EXACT
    )
    torch.testing.assert_close(result["bec"].sum(0), torch.zeros(3, 3).double(), **EXACT)
    assert result["charges"].abs().max() > 0.1
    assert result["bec"].abs().max() > 0.02


def test_frames_are_neutral_and_keep_the_acoustic_sum_rule(model, frame):
    check_sums(predict(model, frame))


def test_sum_rules_beyond_one_interaction(deep_model, frame):
    check_sums(predict(deep_model, frame))


def test_each_fragment_beyond_the_cutoff_keeps_them(model):
    fragments = [waters(1, seed=1), waters(2, seed=2), waters(3, seed=3)]
    whole = fragments[0].copy()
    for index, fragment in enumerate(fragments[1:], start=1):
        fragment.positions += [20.0 * index, 0.0, 0.0]
        whole += fragment
    result = predict(model, whole)
    sizes = [len(fragment) for fragment in fragments]
    for charges, bec in zip(
        result["charges"].split(sizes), result["bec"].split(sizes), strict=True
    ):
        torch.testing.assert_close(charges.sum(), torch.tensor(0.0).double(), **EXACT)
        torch.testing.assert_close(bec.sum(0), torch.zeros(3, 3).double(), **EXACT)


@pytest.mark.parametrize("coupling", [name for name in COUPLINGS if name != "independent"])
@pytest.mark.parametrize("interactions", [1, 2])
def test_rotational_sum_rule(coupling, interactions):
    """Σ_i Z_i·(θ×R_i) = θ×μ: turning a cluster turns its dipole."""
    atoms = waters(3, seed=6)
    result = predict(make_model(coupling, interactions=interactions), atoms)
    bec, dipole = result["bec"].numpy(), result["dipole"][0].numpy()
    for theta in np.eye(3):
        turned = np.einsum("iab,ib->a", bec, np.cross(theta, atoms.positions))
        np.testing.assert_allclose(turned, np.cross(theta, dipole), atol=1e-10)
    assert np.linalg.norm(dipole) > 0.005


def test_dipole_of_unscreened_charges_is_their_first_moment():
    atoms = waters(3, seed=6)
    # Beside latent charges, the independent coupling has no dipoles of its own.
    result = predict(make_model("independent", charges="latent"), atoms)
    moment = result["charges"].numpy() @ atoms.positions
    np.testing.assert_allclose(result["dipole"][0].numpy(), moment, atol=1e-10)


def test_screened_dipole_is_the_screened_first_moment():
    atoms = waters(3, seed=6)
    result = predict(make_model("global"), atoms)
    moment = 0.7 * result["charges"].numpy() @ atoms.positions
    np.testing.assert_allclose(result["dipole"][0].numpy(), moment, atol=1e-10)
    np.testing.assert_allclose(result["screening"].numpy(), 0.7)


def test_local_screening_differs_between_atoms():
    screening = predict(make_model("local"), waters(3, seed=6))["screening"]
    assert screening.std() > 0.01
