"""Single precision agrees with double."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from model_cases import ALL, COUPLINGS, FRAMES, boxed, make_model, predict, waters

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


def assert_equal(found, expected, atoms):
    """But for coordinates that round the other way by the last digits of the double ones."""
    for name in ALL if atoms.pbc.all() else set(ALL) - {"stress"}:
        error = (found[name].double() - expected[name].double()).abs().max()
        assert error <= 1e-6 * expected[name].abs().max(), name


PLACED = {
    "free": waters(6, seed=1),
    "small cell": FRAMES["triclinic"],
    "cell": boxed(8, seed=1, cell=[6.2, 6.2, 6.2], spacing=3.0),
    "dilute cell": boxed(6, seed=3, cell=[60.0, 60.0, 60.0]),
}


@pytest.mark.parametrize("coupling", ["independent", "dipolar"])
@pytest.mark.parametrize("name", PLACED)
def test_single_precision_does_not_see_where_a_frame_is(name, coupling):
    model, atoms = make_model(coupling, dtype="float32"), PLACED[name]
    expected = predict(model, atoms)
    for shift in (1e3, 1e5, 1e6):
        moved = atoms.copy()
        moved.positions += shift * np.array([1.0, -0.7, 0.3])
        assert_equal(predict(model, moved), expected, atoms)
    if atoms.pbc.all():
        moved = atoms.copy()
        moved.positions[: len(atoms) // 2] += [1000, -1000, 3000] @ atoms.cell.array
        assert_equal(predict(model, moved), expected, atoms)


@pytest.mark.parametrize("coupling", ["independent", "dipolar"])
def test_single_precision_holds_in_parts_that_are_far_apart(coupling):
    model, parts = make_model(coupling, dtype="float32"), [waters(2, seed=1), waters(2, seed=2)]
    expected = [predict(model, part) for part in parts]
    both = parts[0] + parts[1]
    both.positions[6:] += 1e6
    found = predict(model, both)
    for name in ("forces", "charges", "bec"):
        whole = torch.cat([result[name] for result in expected])
        # Fields of neutral molecules so far away are nothing; sums come in another order.
        torch.testing.assert_close(found[name], whole, atol=3e-6, rtol=3e-6)
