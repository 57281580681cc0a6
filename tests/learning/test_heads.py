"""Heads on one backbone: what they share, how they differ, and what their loss is."""

from dataclasses import replace

import pytest
import torch
from learning_cases import (
    ELEMENTS,
    TINY,
    mixed_labels,
    synthetic,
    training_set,
    waters,
)
from safetensors.torch import load_file

from activecharge.learning import train_heads as heads
from activecharge.learning.baseline import fit_architecture
from activecharge.learning.batches import join_batches, make_batch
from activecharge.learning.loss import active_weights, loss
from activecharge.learning.trainer import train_member
from activecharge.learning.training_options import LossWeights
from activecharge.learning.training_set import Member, trainings
from activecharge.model.checkpoint import load_model
from activecharge.model.network import ChargeModel
from activecharge.model.shared import SharedBackbone, have_one_backbone

pytestmark = pytest.mark.slow


def make_members(folder, count=3, start=None) -> list[Member]:
    return [
        Member(i, 10 + i, f"{folder}/{i}", f"{start}/{i}" if start else None) for i in range(count)
    ]


def train_heads(data, folder, count=3, start=None):
    [member] = trainings(make_members(folder, count, start), data.training)
    return train_member(data, member)


def models(folder, count=3) -> list[ChargeModel]:
    return [load_model(folder / str(index)) for index in range(count)]


def test_only_heads_are_trained_together():
    data = training_set(mixed_labels(), uncertainty="heads")
    [member] = trainings(make_members("x"), data.training)
    assert [other.index for other in member.others] == [1, 2]
    committee = data.training.model_copy(update={"uncertainty": "committee"})
    assert trainings(make_members("x"), committee) == make_members("x")


@pytest.mark.parametrize("coupling", ["independent", "global", "local", "dipolar"])
def test_members_share_a_backbone_and_nothing_else(coupling, tmp_path):
    model = TINY.model_copy(update={"coupling": coupling})
    data = training_set(mixed_labels(), model, uncertainty="heads", steps=4, evaluate_every=2)
    result = train_heads(data, tmp_path)
    assert (result.index, len(result.history)) == (0, 2)
    trained = models(tmp_path)
    assert have_one_backbone(trained)
    others = [
        {n: v for n, v in m.named_parameters() if not n.startswith("backbone.")} for m in trained
    ]
    # All that was drawn at random differs; offsets start alike, and part where they are taught.
    drawn = [name for name, value in others[0].items() if value.dim() > 1]
    assert drawn and all(not torch.equal(others[0][n], others[1][n]) for n in drawn)


def test_training_repeats_bit_by_bit_and_continues(tmp_path):
    data = training_set(mixed_labels(), uncertainty="heads", steps=6, warm_steps=3)
    first, second = (train_heads(data, tmp_path / name) for name in ("a", "b"))
    assert first.history == second.history
    warm = train_heads(data, tmp_path / "warm", start=tmp_path / "a")
    assert [entry["step"] for entry in warm.history] == [3.0]
    assert have_one_backbone(models(tmp_path / "warm"))
    for index in range(3):
        one, two = (load_file(tmp_path / x / str(index) / "model.safetensors") for x in "ab")
        assert all(torch.equal(one[name], two[name]) for name in one)


def test_heads_learn(tight_binding, tmp_path):
    data = training_set(
        tight_binding, valid=3, steps=100, evaluate_every=20, uncertainty="heads", members=2
    )
    history = train_heads(data, tmp_path, count=2).history
    # As one member does in as many steps, see test_trainer.py.
    assert history[-1]["valid_loss"] < 0.6 * history[0]["valid_loss"]
    assert history[-1]["charges"] < 0.1 and history[-1]["bec"] < 0.1


def test_latent_charges_start_alike(tmp_path):
    """Their size is set with the backbone that they get."""
    model = TINY.model_copy(update={"charges": "latent", "coupling": "local"})
    labels = [synthetic(waters(2, seed), seed) for seed in range(4)]
    options = {"uncertainty": "heads", "steps": 1, "learning_rate": 1e-9}
    train_heads(training_set(labels, model, **options), tmp_path)
    batch = join_batches([make_batch(x, ELEMENTS, TINY.cutoff) for x in labels[:-1]])
    for trained in models(tmp_path):
        graph = batch.to("cpu", trained.dtype).graph
        charges = trained(graph, {"charges"})["charges"]
        # `charges.START`, but for float32 and one step of nearly no length.
        assert float(charges.square().mean().sqrt()) == pytest.approx(0.3, rel=1e-4)
        assert float(charges[::3].mean()) < 0  # oxygens come first in each molecule


def test_copies_of_a_frame_count_as_often_as_it_is_there():
    labels = [synthetic(waters(2, seed), seed) for seed in range(3)]
    batches = [make_batch(label, ELEMENTS, TINY.cutoff) for label in labels]
    options = TINY.model_copy(update={"dtype": "float64"})
    model = ChargeModel(fit_architecture(batches, options, ELEMENTS))
    weights = active_weights(LossWeights(), options)
    single = [loss(model(b.graph, weights), b, weights) for b in batches]
    together = join_batches(batches)
    copies = torch.tensor([2.0, 0.0, 1.0], dtype=torch.float64)
    found = loss(model(together.graph, weights), together, weights, copies)
    # Frames of one size: the mean of means, a frame's times its copies; double precision.
    torch.testing.assert_close(found, (2 * single[0] + single[2]) / 3, rtol=1e-12, atol=0)


@pytest.mark.parametrize("coupling", ["independent", "local"])
def test_the_drawn_member_gives_the_gradient_of_all_on_average(coupling):
    labels = mixed_labels()
    batches = [make_batch(label, ELEMENTS, TINY.cutoff) for label in labels]
    options = TINY.model_copy(update={"dtype": "float64", "coupling": coupling})
    architecture = fit_architecture(batches, options, ELEMENTS)
    weights = active_weights(LossWeights(), options)
    torch.manual_seed(0)
    shared = SharedBackbone([ChargeModel(architecture) for _ in range(3)])
    batch = join_batches(batches)
    copies = torch.randint(0, 3, (3, len(batches)), dtype=torch.float64)

    def gradient(value):
        shared.zero_grad()
        value.backward()
        return torch.cat(
            [
                (torch.zeros_like(p) if p.grad is None else p.grad).flatten()
                for p in shared.parameters()
            ]
        )

    drawn = [gradient(heads._loss(shared, batch, weights, copies, k)) for k in range(3)]
    alone = [
        gradient(loss(model(batch.graph, set(weights), True), batch, weights, copies[k]))
        for k, model in enumerate(shared.models)
    ]
    # Sums of the same terms in another order, in double precision.
    torch.testing.assert_close(sum(drawn) / 3, sum(alone) / 3, rtol=1e-9, atol=1e-12)


def test_without_bootstrap_equal_heads_stay_equal(tmp_path):
    """Nothing but seeds and resampling tells members apart."""
    data = training_set(mixed_labels(), uncertainty="heads", steps=4, bootstrap=False)
    alike = [replace(member, seed=7) for member in make_members(tmp_path)]
    [member] = trainings(alike, data.training)
    weights = {"charges": 1.0, "bec": 1.0}  # those that each step teaches all
    data = replace(
        data,
        training=data.training.model_copy(
            update={"weights": LossWeights(energy=0, forces=0, stress=0, **weights)}
        ),
    )
    train_member(data, member)
    first, *others = (load_file(tmp_path / str(i) / "model.safetensors") for i in range(3))
    for other in others:
        assert all(torch.equal(first[name], other[name]) for name in first)
