"""Errors agree with those computed by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms

from activecharge.records import Candidate, Label, Prediction
from activecharge.report.error_table import error_table
from activecharge.report.metrics import (
    Deviations,
    errors,
    errors_from_json,
    errors_to_json,
    match,
    pair_errors,
)


def frame(symbols, values, mean, std=None):
    atoms = Atoms(symbols, positions=np.arange(3.0 * len(Atoms(symbols))).reshape(-1, 3))
    label = Label(
        Candidate(atoms, "", "file"), {k: np.asarray(v) for k, v in values.items()}, "", {}
    )
    prediction = Prediction(
        {k: np.asarray(v) for k, v in mean.items()},
        {k: np.asarray(v) for k, v in (std or {}).items()},
        np.empty(0),
    )
    return label, prediction


def of(*frames):
    return errors([label for label, _ in frames], [prediction for _, prediction in frames])


def test_charges_over_atoms():
    one = frame("OH", {"charges": [-0.5, 0.5]}, {"charges": [-0.4, 0.5]})
    two = frame("H", {"charges": [0.0]}, {"charges": [-0.2]})
    result = of(one, two)["charges"]
    # Deviations 0.1 (O), 0 and -0.2 (H); reference mean 0, squares sum to 0.5.
    assert result.mae == pytest.approx(0.1)
    assert result.rmse == pytest.approx(np.sqrt(0.05 / 3))
    assert result.r2 == pytest.approx(1 - 0.05 / 0.5)
    assert (result.count, result.unit) == (3, "e")
    tenth = pytest.approx(0.1)
    assert result.per_element["O"] == Deviations(tenth, tenth, 1)
    assert result.per_element["H"] == Deviations(tenth, pytest.approx(np.sqrt(0.02)), 2)


def test_forces_and_bec_over_components():
    zero, off = np.zeros((2, 3)), np.array([[0.3, 0.0, 0.0], [0.0, 0.0, -0.6]])
    bec = np.zeros((2, 3, 3))
    bec[1] = 0.9
    result = of(
        frame("OH", {"forces": zero, "bec": np.zeros((2, 3, 3))}, {"forces": off, "bec": bec})
    )
    assert result["forces"].mae == pytest.approx(0.9 / 6)
    assert result["forces"].per_element["O"].mae == pytest.approx(0.1)
    assert result["bec"].mae == pytest.approx(0.45)
    assert result["bec"].per_element["H"].mae == pytest.approx(0.9)
    assert result["bec"].count == 18
    assert result["bec"].r2 is None  # the reference does not vary


def test_energies_are_per_atom():
    one = frame("OHH", {"energy": -30.0}, {"energy": -30.3}, {"energy": 0.6})
    two = frame("OH", {"energy": -10.0}, {"energy": -10.0}, {"energy": 0.6})
    result = of(one, two)["energy"]
    assert result.mae == pytest.approx(0.05)
    assert result.unit == "eV/atom"
    assert result.per_element == {}
    matched = match("energy", [one[0], two[0]], [one[1], two[1]])
    assert matched.spread == pytest.approx([0.2, 0.3])


def test_masked_entries_do_not_count():
    bec = np.zeros((2, 3, 3))
    bec[0] = np.nan
    values = {"charges": [np.nan, 0.5], "bec": bec}
    result = of(frame("OH", values, {"charges": [9.0, 0.4], "bec": np.full((2, 3, 3), 0.1)}))
    assert result["charges"].mae == pytest.approx(0.1)
    assert result["charges"].per_element.keys() == {"H"}
    assert result["bec"].count == 9


def test_frames_without_a_property_are_left_out():
    both = frame("H", {"charges": [0.1]}, {"charges": [0.2]})
    unlabelled = frame("H", {"energy": 1.0}, {"charges": [5.0]})
    unpredicted = frame("H", {"charges": [5.0]}, {})
    result = of(both, unlabelled, unpredicted)
    assert result.keys() == {"charges"}
    assert result["charges"].count == 1
    assert errors([], []) == {}


def test_a_failed_prediction_is_not_hidden():
    result = of(frame("OH", {"charges": [0.1, 0.2]}, {"charges": [np.nan, 0.2]}))
    assert np.isnan(result["charges"].mae)


def test_the_file_format_stays(make_pair):
    """Names, their order and plain numbers: `test_errors.json`, `status` and `evaluate --json`."""
    found = pair_errors([make_pair(error=0.5, only=("energy", "charges"))])
    data = errors_to_json(found)
    assert json.loads(json.dumps(data)) == data
    assert list(data["charges"]) == ["mae", "rmse", "count", "r2", "unit", "per_element"]
    assert list(data["charges"]["per_element"]["O"]) == ["mae", "rmse", "count"]
    assert data["energy"] == {
        "mae": pytest.approx(0.5 / 6),
        "rmse": pytest.approx(0.5 / 6),
        "count": 1,
        "r2": None,
        "unit": "eV/atom",
        "per_element": {},
    }
    assert errors_from_json(data) == found


def test_null_stands_for_a_number_that_is_not_finite():
    entry = {"mae": None, "rmse": None, "count": 3, "r2": None, "unit": "e", "per_element": {}}
    found = errors_from_json({"charges": entry})["charges"]
    assert np.isnan([found.mae, found.rmse]).all() and found.r2 is None


def test_a_table_for_a_terminal(make_pair):
    found = pair_errors([make_pair(error=0.0125, only=("energy", "charges"))])
    found["charges"] = replace(found["charges"], r2=0.98765)
    assert error_table(found).splitlines() == [
        "                   MAE      RMSE       R²  unit",
        "  energy          2.08      2.08           meV/atom",
        "  charges        12.50     12.50   0.9877  me",
        "    H            12.50     12.50           me",
        "    O            12.50     12.50           me",
    ]


def test_labels_and_predictions_must_correspond(make_pair):
    with pytest.raises(ValueError):
        errors([make_pair().label], [])
