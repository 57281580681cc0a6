"""A step of training: what it waits for, what it skips, and that its loss is what it says."""

import numpy as np
import pytest
import torch
from learning_cases import ELEMENTS, TINY, mixed_labels, synthetic, waters

from activecharge.learning.baseline import fit_architecture
from activecharge.learning.batches import Batch, join_batches, make_batch, ready
from activecharge.learning.fields import Fields
from activecharge.learning.finish import outputs
from activecharge.learning.loss import active_weights, loss, scaled_errors
from activecharge.learning.optimize import optimize
from activecharge.learning.training_options import LossWeights, TrainingOptions
from activecharge.model.network import ChargeModel

COUPLINGS = ("independent", "global", "local", "dipolar")


def batches() -> list[Batch]:
    return [make_batch(label, ELEMENTS, TINY.cutoff) for label in mixed_labels()]


@pytest.mark.parametrize("charges", ["reference", "latent"])
@pytest.mark.parametrize("coupling", COUPLINGS)
def test_no_step_waits_for_its_device(coupling, charges):
    """On the `meta` device no number can be read, and nothing can be mixed with the CPU."""
    frames = batches()
    options = TINY.model_copy(update={"coupling": coupling, "charges": charges})
    weights = active_weights(LossWeights(), options)
    model = ChargeModel(fit_architecture(frames, options, ELEMENTS)).to("meta")
    in_fields = Fields(options, weights, frames, np.random.default_rng(0))
    copies = torch.ones(len(frames), dtype=torch.float64, device="meta")
    for _ in range(2):  # with and without fields
        batch, field = in_fields(join_batches(frames))
        batch = ready(model, batch)
        field = None if field is None else field.to(batch.graph.cell)
        predicted = model(batch.graph, outputs(weights, batch), training=True, field=field)
        value = loss(predicted, batch, weights) + loss(predicted, batch, weights, copies)
        value.backward()
        assert value.device.type == "meta"
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)


def test_numbers_of_labels_are_counted_once_and_go_along():
    frames = batches()
    joined = join_batches(frames).to("cpu", torch.float32)
    for name, value in joined.targets.items():
        assert joined.labelled[name] == int(torch.isfinite(value).sum())
    assert Batch(joined.graph, joined.targets).labelled == joined.labelled


def test_the_loss_is_the_mean_over_what_is_labelled():
    batch = join_batches(batches())
    torch.manual_seed(0)
    predicted = {n: torch.randn_like(t) for n, t in batch.targets.items()}
    weights = dict.fromkeys(batch.targets, 1.0)
    each = [scaled_errors(predicted, batch, name) for name in weights]
    expected = sum(torch.nn.functional.huber_loss(e, torch.zeros_like(e)) for e in each if len(e))
    # Sums in another order.
    torch.testing.assert_close(loss(predicted, batch, weights), expected, rtol=1e-12, atol=0)


def test_a_gradient_that_is_no_number_changes_no_weight():
    model = torch.nn.Linear(3, 1, bias=False)
    rows = torch.eye(3)
    seen: list[torch.Tensor] = []

    def objective() -> torch.Tensor:
        seen.append(model.weight.detach().clone())
        value = (model(rows) - 1).square().sum()
        return value * torch.nan if len(seen) == 2 else value

    def judge(_: torch.nn.Module) -> tuple[dict[str, float], np.ndarray]:
        return {"valid_loss": 0.0}, np.zeros(1)

    optimize(model, objective, judge, TrainingOptions(steps=4, evaluate_every=4), False, "one")
    first, second, third, fourth = seen
    assert torch.equal(second, third)
    assert not torch.equal(first, second) and not torch.equal(third, fourth)


def test_plans_change_no_digit():
    """What is planned before a batch is moved, or not at all, predicts the same."""
    frames = [make_batch(synthetic(waters(2, 0, cell), 0), ELEMENTS, 3.5) for cell in (None, 5.2)]
    model = ChargeModel(fit_architecture(frames, TINY, ELEMENTS)).double()
    joined = join_batches(frames)
    names = {"energy", "forces", "stress", "charges", "bec"}
    late = model(joined.to("cpu", torch.float64).graph, names)
    early = model(ready(model, join_batches(frames)).graph, names)
    again = model(ready(model, joined).graph, names)
    for name in names:
        assert torch.equal(late[name].nan_to_num(), early[name].nan_to_num())
        assert torch.equal(late[name].nan_to_num(), again[name].nan_to_num())
