"""Forces in electric fields: which frames have them, and what they are."""

import numpy as np
import pytest
import torch
from learning_cases import ELEMENTS, TINY, mixed_labels, synthetic, waters

from activecharge.learning.batches import Batch, join_batches, make_batch
from activecharge.learning.fields import STRENGTH, Fields

WEIGHTS = {"forces": 1.0, "dipole": 1.0, "bec": 1.0}


def batches_of(*labels) -> list[Batch]:
    return [make_batch(label, ELEMENTS, TINY.cutoff) for label in labels]


def fields_of(frames, options=None, weights=WEIGHTS, seed=0) -> Fields:
    model = TINY.model_copy(update=options or {})
    return Fields(model, weights, frames, np.random.default_rng(seed))


def second(fields: Fields, batch: Batch) -> tuple[Batch, torch.Tensor | None]:
    """What the second step has."""
    first, none = fields(batch)
    assert first is batch and none is None
    return fields(batch)


def test_free_frames_with_born_effective_charges_are_put_in_fields():
    label = synthetic(waters(2, 9), 9)
    label.values["bec"][4] = np.nan
    frames = batches_of(*mixed_labels(), label)  # four free, three boxes, this one
    whole = join_batches(frames)
    shifted, fields = second(fields_of(frames), whole)
    expected = torch.tensor([STRENGTH] * 4 + [0.0] * 4, dtype=torch.float64)
    torch.testing.assert_close(fields.norm(dim=1), expected)
    pull = torch.einsum("na,nab->nb", fields[whole.graph.frame], whole.targets["bec"].nan_to_num())
    torch.testing.assert_close(shifted.targets["forces"], whole.targets["forces"] + pull)
    assert pull.abs().max() > 0.1
    others = shifted.targets.keys() - {"forces"}
    assert all(shifted.targets[name] is whole.targets[name] for name in others)
    again = second(fields_of(frames, seed=1), whole)[1]
    assert not torch.equal(again[:4], fields[:4])


def test_boxes_alone_stay_without():
    frames = batches_of(*mixed_labels())
    assert second(fields_of(frames), join_batches(frames[4:]))[1] is None


@pytest.mark.parametrize(
    "options, weights, without, expected",
    [
        ({}, WEIGHTS, (), True),
        ({"coupling": "local"}, WEIGHTS, (), False),  # its Z is the slope
        ({"charges": "latent"}, WEIGHTS, (), True),
        ({}, {"dipole": 1.0, "bec": 1.0}, (), False),
        ({}, {"forces": 1.0, "bec": 1.0}, (), False),
        ({}, WEIGHTS, ("dipole",), False),
    ],
)
def test_only_a_dipole_apart_from_z_needs_them(options, weights, without, expected):
    frames = batches_of(*(synthetic(waters(1, seed), seed, without) for seed in range(2)))
    found = second(fields_of(frames, options, weights), join_batches(frames))[1]
    assert (found is not None) is expected
