"""Lessons on how the dipole moves: when, of what, and what they cost where nothing is known."""

import numpy as np
import pytest
import torch
from learning_cases import ELEMENTS, TINY, mixed_labels, synthetic, waters

from activecharge.learning.baseline import fit_architecture
from activecharge.learning.batches import join_batches, make_batch
from activecharge.learning.slopes import EVERY, SlopeLessons, slope_loss
from activecharge.model.derivatives import born_effective_charges
from activecharge.model.geometry import trace_geometry
from activecharge.model.network import Architecture, ChargeModel
from activecharge.properties import PROPERTIES

WEIGHTS = {"dipole": 1.0, "bec": 1.0}


def batch_of(*labels):
    return join_batches([make_batch(label, ELEMENTS, TINY.cutoff) for label in labels])


def lessons(weights=WEIGHTS, **options) -> SlopeLessons:
    architecture = Architecture(TINY.model_copy(update=options), ELEMENTS, 10.0, (0.0, 0.0))
    return SlopeLessons(architecture, weights, np.random.default_rng(0))


def test_every_so_many_steps_there_is_a_lesson():
    batch, course = batch_of(*mixed_labels()), lessons()
    given = [course.directions(batch) for _ in range(2 * EVERY)]
    assert [step for step, u in enumerate(given, 1) if u is not None] == [EVERY, 2 * EVERY]
    for u in (given[EVERY - 1], given[-1]):
        assert u.shape == (7, 3)
        torch.testing.assert_close(u.norm(dim=1), torch.ones(7, dtype=torch.float64))
    assert not torch.equal(given[EVERY - 1], given[-1])


@pytest.mark.parametrize(
    "changes",
    [
        {"coupling": "local"},  # whose Z is the slope
        {"charges": "latent"},  # whose dipole is that of its charges
        {"weights": {"dipole": 1.0}},
        {"weights": {"bec": 1.0}},
    ],
)
def test_models_without_a_dipole_of_their_own_have_none(changes):
    batch, course = batch_of(*mixed_labels()), lessons(**changes)
    assert all(course.directions(batch) is None for _ in range(2 * EVERY))


@pytest.mark.parametrize("missing", ["dipole", "bec"])
def test_frames_without_labels_have_none(missing):
    batch, course = batch_of(synthetic(waters(2, 1), 1, without=(missing,))), lessons()
    assert all(course.directions(batch) is None for _ in range(2 * EVERY))


def test_the_loss_is_that_of_the_slopes_against_born_effective_charges():
    """Small errors only, where Huber's loss is half a square; frames without Z count nowhere."""
    labels = mixed_labels()
    batches = [make_batch(label, ELEMENTS, TINY.cutoff) for label in labels]
    options = TINY.model_copy(update={"dtype": "float64"})
    model = ChargeModel(fit_architecture(batches, options, ELEMENTS))
    batch = join_batches(batches)
    geometry = trace_geometry(batch.graph, True, False)
    dipole = model(batch.graph, {"dipole"}, training=True, geometry=geometry)["dipole"]
    every = born_effective_charges(dipole, geometry.leaf, training=True).detach()
    torch.manual_seed(0)
    error = PROPERTIES["bec"].tolerance * 0.3 * torch.rand(every.shape, dtype=torch.float64)
    known = torch.isfinite(batch.targets["bec"])
    batch.targets["bec"][known] = (every - error)[known]
    u = torch.nn.functional.normalize(torch.randn(7, 3, dtype=torch.float64), dim=1)
    copies = torch.tensor([2.0, 0, 1, 1, 1, 1, 1], dtype=torch.float64)
    found = slope_loss(dipole, batch, geometry, u, copies)
    off = torch.einsum("na,nab->nb", u[batch.graph.frame], error) / PROPERTIES["bec"].tolerance
    counts = copies[batch.graph.frame][:, None]
    expected = (counts * off.square() / 2)[known.all(2)].mean()
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=0)
    found.backward()
    assert model.own_dipoles.edge.weight.grad.abs().max() > 0
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
