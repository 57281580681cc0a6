"""Single precision agrees with double."""

import dataclasses

import pytest
import torch
from model_cases import COUPLINGS, FRAMES, make_model, predict

from activecharge.model.network import ChargeModel


@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize("name", FRAMES)
def test_float32_agrees_with_float64(coupling, name):
    single = make_model(coupling, dtype="float32")
    architecture = single.architecture
    options = architecture.options.model_copy(update={"dtype": "float64"})
    double = ChargeModel(dataclasses.replace(architecture, options=options))
    double.load_state_dict(single.state_dict())
    rough, fine = predict(single, FRAMES[name]), predict(double, FRAMES[name])
    assert rough["energy"].dtype == torch.float64
    assert rough["charges"].dtype == torch.float32
    for key in ("energy", "forces", "stress", "charges", "dipole", "bec"):
        # Rounding of 6e-8 at coordinates of some Å, over features' gains and sums of some
        # hundred edges: four orders below the errors that a good model makes.
        torch.testing.assert_close(
            rough[key].double(), fine[key], atol=2e-5, rtol=2e-5, equal_nan=True, msg=key
        )
