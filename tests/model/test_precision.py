"""Single precision agrees with double."""

import copy
import dataclasses

import pytest
import torch
from model_cases import ALL, COUPLINGS, FRAMES, make_model, predict

from activecharge.model.network import ChargeModel


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_float32_agrees_with_float64(coupling):
    single = make_model(coupling, dtype="float32")
    options = single.architecture.options.model_copy(update={"dtype": "float64"})
    double = ChargeModel(dataclasses.replace(single.architecture, options=options))
    double.load_state_dict(single.state_dict())
    for atoms in FRAMES.values():
        rough, fine = predict(single, atoms), predict(double, atoms)
        assert rough["energy"].dtype == torch.float64
        assert rough["charges"].dtype == torch.float32
        for key in ALL if atoms.pbc.all() else set(ALL) - {"stress"}:
            error = (rough[key].double() - fine[key]).abs().max()
            # A thousand roundings of 6e-8, amplified by large weights and close contacts.
            assert error < 6e-5 * fine[key].abs().max(), key


def test_elements_baselines_lose_no_digits():
    """Total energies of 1e4 eV leave single precision 1e-3 eV; their baseline is double."""
    single = make_model(dtype="float32")
    shifted = copy.deepcopy(single)
    shifted.architecture = dataclasses.replace(single.architecture, baseline=(-1e4, -1e6))
    energies = [
        predict(m, FRAMES["free"], outputs=("energy",))["energy"] for m in (single, shifted)
    ]
    expected = 6 * (-1e4 + 13.0) + 3 * (-1e6 + 2000.0)
    # Double precision of numbers of 3e6.
    assert float(energies[1] - energies[0]) == pytest.approx(expected, abs=1e-8)
