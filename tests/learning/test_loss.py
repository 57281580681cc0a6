"""The loss counts what is labelled, in units of the tolerances, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from learning_cases import ELEMENTS, TINY, mixed_labels, synthetic, waters

from activecharge.errors import UserError
from activecharge.learning.baseline import fit_architecture
from activecharge.learning.batches import Batch, join_batches, make_batch
from activecharge.learning.loss import active_weights, frame_losses, loss
from activecharge.learning.training_options import LossWeights
from activecharge.model.model_options import ModelOptions
from activecharge.model.network import ChargeModel
from activecharge.properties import PROPERTIES

ONE_EACH = dict.fromkeys(PROPERTIES, 1.0)
CUTOFF = TINY.cutoff


def batch_of(*labels) -> Batch:
    return join_batches([make_batch(label, ELEMENTS, CUTOFF) for label in labels])


def shifted(batch: Batch, tolerances: float) -> dict[str, torch.Tensor]:
    """Predictions off by that many tolerances everywhere (energies: per atom)."""
    predicted = {
        name: value.nan_to_num() + tolerances * PROPERTIES[name].tolerance
        for name, value in batch.targets.items()
    }
    off = tolerances * PROPERTIES["energy"].tolerance * batch.graph.counts.double()
    predicted["energy"] = batch.targets["energy"].nan_to_num() + off
    return predicted


def test_errors_count_in_tolerances():
    batch = batch_of(*mixed_labels())
    # Huber's loss: ½ x² up to one tolerance, x − ½ beyond it; each property counts once.
    for size, expected in ((0.5, 0.125), (1.0, 0.5), (3.0, 2.5)):
        value = loss(shifted(batch, size), batch, ONE_EACH)
        assert value.item() == pytest.approx(len(PROPERTIES) * expected, rel=1e-9)


def test_a_frame_has_the_loss_that_it_has_alone():
    labels = mixed_labels()
    batch, generator = batch_of(*labels), torch.Generator().manual_seed(1)
    predicted = {
        name: value + torch.rand(value.shape, generator=generator).to(value)
        for name, value in batch.targets.items()
    }
    found = frame_losses(predicted, batch, ONE_EACH)
    for index, label in enumerate(labels):
        alone, atoms = batch_of(label), batch.graph.frame == index
        own = {
            name: value[atoms] if PROPERTIES[name].per_atom else value[index : index + 1]
            for name, value in predicted.items()
        }
        # Sums of float64 in another order.
        assert found[index].item() == pytest.approx(loss(own, alone, ONE_EACH).item(), rel=1e-12)


def test_missing_atoms_and_frames_count_nowhere():
    first, second = synthetic(waters(2, 1), 1), synthetic(waters(1, 2), 2)
    values = dict(first.values)
    values["charges"] = values["charges"].copy()
    values["charges"][2:] = np.nan
    values["bec"] = np.full((6, 3, 3), np.nan)
    del values["energy"]
    batch = batch_of(replace(first, values=values), second)
    predicted = {name: value.requires_grad_() for name, value in shifted(batch, 0.5).items()}
    value = loss(predicted, batch, ONE_EACH)
    assert value.item() == pytest.approx(5 * 0.125, rel=1e-9)  # no stress in free frames
    value.backward()
    assert torch.equal(predicted["charges"].grad != 0, torch.isfinite(batch.targets["charges"]))
    assert not predicted["bec"].grad[:6].any()
    assert predicted["bec"].grad[6:].all()
    assert predicted["energy"].grad[0] == 0
    assert all(torch.isfinite(p.grad).all() for n, p in predicted.items() if n != "stress")


def test_nothing_labelled_is_no_loss():
    label = synthetic(waters(1, 1))
    batch = batch_of(replace(label, values={}))
    assert loss(shifted(batch, 1.0), batch, ONE_EACH).item() == 0


@pytest.mark.parametrize("coupling", ["independent", "local", "dipolar"])
def test_gradients_of_mixed_batches_are_finite(coupling):
    """Free frames have no stress; its NaN must not reach the weights."""
    batches = [make_batch(label, ELEMENTS, CUTOFF) for label in mixed_labels()]
    options = TINY.model_copy(update={"coupling": coupling})
    model = ChargeModel(fit_architecture(batches, options, ELEMENTS))
    batch = join_batches(batches).to("cpu", model.dtype)
    loss(model(batch.graph, set(PROPERTIES), training=True), batch, ONE_EACH).backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert sum(float(gradient.abs().sum()) for gradient in gradients) > 0


def test_what_a_frame_cannot_have_is_missing():
    box, cluster = waters(2, 1, cell=5.2), waters(2, 1)
    polarized = synthetic(box)
    polarized.values["dipole"] = np.ones(3)
    stressed = synthetic(cluster)
    stressed.values["stress"] = np.eye(3)
    batch = batch_of(polarized, stressed)
    assert torch.isnan(batch.targets["dipole"][0]).all()
    assert torch.isfinite(batch.targets["dipole"][1]).all()
    assert torch.isfinite(batch.targets["stress"][0]).all()
    assert torch.isnan(batch.targets["stress"][1]).all()


def test_wrong_shapes_and_frames_are_named():
    label = synthetic(waters(1, 1), 7)
    label.values["bec"] = np.zeros((3, 9))
    with pytest.raises(UserError, match=r"frame frame7: bec has shape \(3, 9\), expected"):
        make_batch(label, ELEMENTS, CUTOFF)
    with pytest.raises(UserError, match="frame frame8: the model knows H, not O"):
        make_batch(synthetic(waters(1, 1), 8), ("H",), CUTOFF)


def test_each_kind_of_model_learns_what_it_can():
    weights = LossWeights(forces=0.0)
    every = set(PROPERTIES) - {"forces"}
    for coupling in ("independent", "local"):
        assert set(active_weights(weights, ModelOptions(coupling=coupling))) == every
    latent = ModelOptions(coupling="dipolar", charges="latent")
    assert set(active_weights(weights, latent)) == every - {"charges"}
