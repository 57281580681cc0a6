"""Training of one member: it learns, repeats exactly, continues and says when it cannot."""

import numpy as np
import pytest
import torch
from learning_cases import ELEMENTS, TINY, mixed_labels, synthetic, train, training_set, waters
from safetensors.torch import load_file

from activecharge.errors import UserError
from activecharge.learning.batches import join_batches, make_batch
from activecharge.learning.loss import active_weights, frame_losses
from activecharge.learning.optimize import as_good
from activecharge.learning.trainer import Member, train_member
from activecharge.learning.training_options import LossWeights
from activecharge.model.checkpoint import load_model
from activecharge.model.network import ChargeModel

pytestmark = pytest.mark.slow


def weights_of(result):
    return load_file(f"{result.directory}/model.safetensors")


def same_weights(first, second) -> bool:
    one, two = weights_of(first), weights_of(second)
    return all(torch.equal(one[name], two[name]) for name in one)


def valid_losses(directory, data) -> np.ndarray:
    model = load_model(directory)
    batches = [make_batch(entry, ELEMENTS, TINY.cutoff) for entry in data.valid]
    batch = join_batches(batches).to("cpu", model.dtype)
    weights = active_weights(LossWeights(), model.architecture.options)
    names = [name for name in weights if torch.isfinite(batch.targets[name]).any()]
    return frame_losses(model(batch.graph, names), batch, weights).detach().numpy()


@pytest.mark.parametrize("coupling", ["independent", "local"])
def test_a_member_learns(coupling, tight_binding, tmp_path):
    model = TINY.model_copy(update={"coupling": coupling})
    data = training_set(tight_binding, model, valid=3, steps=100, evaluate_every=20)
    history = train(data, tmp_path).history
    # Charges of 0.6 e and their responses are found within a hundred steps; strong forces
    # (10 eV/Å, a hundred tolerances) take longer and rule the loss.
    assert history[-1]["train_loss"] < 0.6 * history[0]["train_loss"]
    assert history[-1]["valid_loss"] < 0.6 * history[0]["valid_loss"]
    assert history[-1]["charges"] < 0.1
    assert history[-1]["bec"] < 0.1


def test_averaged_weights_that_validated_well_are_kept(tight_binding, tmp_path):
    data = training_set(tight_binding, valid=3)
    result = train(data, tmp_path)
    assert [entry["step"] for entry in result.history] == [10, 20]
    # Loss falls at each of the first steps, so the latest weights are the best. The same weights
    # and frames: equal but for the order of float32 sums.
    latest = result.history[-1]["valid_loss"]
    assert latest < result.history[0]["valid_loss"]
    assert valid_losses(tmp_path, data).mean() == pytest.approx(latest, rel=1e-5)


@pytest.mark.parametrize(
    "losses, kept",
    [
        ([0.9, 2.1, 3.0], True),  # as good as the best
        ([1.1, 2.1, 3.05], False),  # a little worse on every frame
        ([0.9, 1.9, 4.0], True),  # better but for one outlier
        ([1.0, 2.0, np.nan], False),
    ],
)
def test_a_standard_error_decides_whether_later_weights_are_as_good(losses, kept):
    assert as_good(np.array(losses), np.array([1.0, 2.0, 3.0])) is kept


def test_without_anything_to_compare_with_later_weights_are_as_good():
    assert as_good(np.array([1.0, 2.0]), None)
    assert as_good(np.array([2.0]), np.array([1.0]))
    assert not as_good(np.array([np.inf]), None)


def test_training_repeats_bit_by_bit(tmp_path):
    data = training_set(mixed_labels())
    first, second = train(data, tmp_path / "a"), train(data, tmp_path / "b")
    assert first.history == second.history
    assert same_weights(first, second)


@pytest.mark.parametrize("bootstrap", [True, False])
def test_seeds_make_members_differ(bootstrap, tmp_path):
    data = training_set(mixed_labels(), steps=2, bootstrap=bootstrap)
    assert not same_weights(train(data, tmp_path / "a", 1), train(data, tmp_path / "b", 2))


def test_bootstrap_draws_other_frames_for_each_seed(tmp_path):
    """From one start, without dropping to another order: only the drawn frames differ."""
    data = training_set(mixed_labels(), steps=1, warm_steps=1, batch_size=99)
    start = train(data, tmp_path / "start").directory
    runs = {}
    for bootstrap in (True, False):
        options = data.training.model_copy(update={"bootstrap": bootstrap})
        losses = [
            train(data, tmp_path / f"{bootstrap}{seed}", seed, start, training=options).history[0][
                "train_loss"
            ]
            for seed in (1, 2)
        ]
        runs[bootstrap] = losses
    assert runs[True][0] != pytest.approx(runs[True][1], rel=1e-3)
    # All frames in another order: equal but for the order of float32 sums.
    assert runs[False][0] == pytest.approx(runs[False][1], rel=1e-4)


def test_warm_start_continues(tight_binding, tmp_path):
    data = training_set(tight_binding, valid=3, steps=80, warm_steps=10, bootstrap=False)
    cold = train(data, tmp_path / "cold")
    warm = train(data, tmp_path / "warm", start=tmp_path / "cold")
    assert len(warm.history) == 1
    # It starts where the first training ended, though Adam's first steps shake it.
    assert warm.history[0]["train_loss"] < 0.7 * cold.history[0]["train_loss"]
    assert warm.history[0]["valid_loss"] < 0.7 * cold.history[0]["valid_loss"]


def test_warm_start_keeps_the_baseline(tmp_path):
    data = training_set(mixed_labels(), steps=2, warm_steps=2)
    cold = train(data, tmp_path / "cold")
    more = training_set((*mixed_labels(), synthetic(waters(1, 9), 9)), warm_steps=2)
    warm = train(more, tmp_path / "warm", start=cold.directory)
    architectures = [load_model(result.directory).architecture for result in (cold, warm)]
    assert architectures[0] == architectures[1]


def test_another_kind_of_model_cannot_be_continued(tmp_path):
    data = training_set(mixed_labels(), steps=1)
    train(data, tmp_path / "cold")
    other = TINY.model_copy(update={"coupling": "local"})
    for changes in ({"model": other}, {"elements": ("O", "H")}):
        with pytest.raises(UserError, match="cold: a model of other settings or elements"):
            train(data, tmp_path / "warm", start=tmp_path / "cold", **changes)


def test_divergence_is_told(tmp_path):
    data = training_set(mixed_labels(), steps=5, learning_rate=1e30)
    with pytest.raises(UserError, match=r"member 0: the training diverged .* learning rate"):
        train(data, tmp_path)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("coupling", ["independent", "global", "local", "dipolar"])
def test_mixed_data_trains_every_coupling(coupling, tmp_path):
    model = TINY.model_copy(update={"coupling": coupling})
    seen = []
    data = training_set(mixed_labels(), model, valid=2, steps=4, evaluate_every=2)
    result = train_member(data, Member(3, 5, str(tmp_path)), progress=seen.append)
    assert (result.index, result.directory) == (3, str(tmp_path))
    assert tuple(seen) == result.history
    assert {"step", "learning_rate", "train_loss", "valid_loss", "stress"} <= seen[-1].keys()
    assert all(torch.isfinite(torch.tensor(list(entry.values()))).all() for entry in seen)
    first, last = weights_of(result), ChargeModel(load_model(tmp_path).architecture).state_dict()
    assert any(not torch.equal(value, last[name]) for name, value in first.items())
