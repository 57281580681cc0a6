"""A committee at work: built once for all pieces, never out of date, asked for what it knows."""

import numpy as np
import pytest
import torch
from ase.build import molecule

from activecharge.campaign.loop.work import CommitteeAtWork, predict
from activecharge.execution.resources import Slot
from activecharge.model.checkpoint import save_model
from activecharge.model.model_options import ModelOptions
from activecharge.model.network import Architecture, ChargeModel

WATER = molecule("H2O")


def write_members(folder, seeds):
    for index, seed in enumerate(seeds):
        torch.manual_seed(seed)
        model = ChargeModel(Architecture(ModelOptions(channels=4), ("H", "O"), 10.0, (-13, -430)))
        save_model(model, folder / f"member-{index:02d}")


@pytest.fixture
def shared(tmp_path):
    write_members(tmp_path, (1, 2))
    return CommitteeAtWork(tmp_path, Slot(1, 0), ("charges", "bec"))


def test_a_committee_is_built_once(shared):
    assert shared.load() is shared.load()


def test_a_committee_that_was_trained_anew_is_read_anew(shared):
    [before] = predict(shared, [WATER])
    write_members(shared.directory, (3, 4))
    [after] = predict(shared, [WATER])
    assert not np.allclose(before.mean["charges"], after.mean["charges"])


def test_only_what_is_asked_for_is_predicted(shared):
    [said] = predict(shared, [WATER])
    assert set(said.mean) == set(said.std) == {"charges", "bec"}
