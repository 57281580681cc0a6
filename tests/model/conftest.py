"""Every law is tested for all couplings, and in free and periodic frames."""

import pytest
import torch
from ase import Atoms
from model_cases import COUPLINGS, FRAMES, make_model

from activecharge.model.network import ChargeModel

# Two spinning threads on a busy machine take twenty times as long as one.
torch.set_num_threads(1)


@pytest.fixture(scope="session", params=COUPLINGS)
def model(request) -> ChargeModel:
    """One interaction, float64."""
    return make_model(request.param)


@pytest.fixture(scope="session", params=COUPLINGS)
def deep_model(request) -> ChargeModel:
    """Two interactions: messages pass beyond the cutoff."""
    return make_model(request.param, interactions=2)


@pytest.fixture(params=list(FRAMES))
def frame(request) -> Atoms:
    return FRAMES[request.param].copy()


@pytest.fixture(params=[name for name in FRAMES if name != "free"])
def periodic(request) -> Atoms:
    return FRAMES[request.param].copy()
