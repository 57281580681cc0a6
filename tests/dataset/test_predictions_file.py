"""Predictions, alone and beside labels, survive their file."""

from dataclasses import replace

import ase.io
import numpy as np
import pytest

from activecharge.dataset.extxyz import write_labels
from activecharge.dataset.predictions import read_pairs, write_pairs, write_predictions
from activecharge.errors import UserError


def test_predictions_are_read_by_plain_ase(tmp_path, make_label, make_prediction):
    label = make_label(0, 2)
    prediction = make_prediction(label)
    path = write_predictions(tmp_path / "p.xyz", [label.candidate.atoms], [prediction])
    atoms = ase.io.read(path)
    assert atoms.calc is None
    assert atoms.info["bec_convention"] == "pol_disp"
    for name, mean in prediction.mean.items():
        where = atoms.arrays if len(mean.shape) and len(mean) == 6 else atoms.info
        assert np.array_equal(np.ravel(where[f"committee_{name}"]), mean.ravel()), name
        assert np.array_equal(where[f"committee_{name}_std"], prediction.std[name]), name


def test_pairs_come_back_exactly(tmp_path, make_label, make_prediction):
    labels = [make_label(seed, 1 + seed, bool(seed)) for seed in range(2)]
    predictions = [make_prediction(label) for label in labels]
    path = write_pairs(tmp_path / "p.xyz", labels, predictions, [{"why": "control"}] * 2)
    assert ase.io.read(path, 0).info["why"] == "control"
    for label, prediction, (back, said) in zip(labels, predictions, read_pairs(path), strict=True):
        assert back.candidate.hash == label.candidate.hash
        for name in label.values:
            assert np.array_equal(back.values[name], label.values[name])
            assert np.array_equal(said.mean[name], prediction.mean[name])
            assert np.array_equal(said.std[name], prediction.std[name])
        assert said.descriptor.shape == (0,)


def test_no_pairs_is_a_fact_worth_a_file(tmp_path):
    assert read_pairs(write_pairs(tmp_path / "p.xyz", [], [])) == []


def test_labels_alone_are_no_pairs(tmp_path, make_label):
    path = write_labels(tmp_path / "a.xyz", [make_label()])
    with pytest.raises(UserError, match=r"frame 0 .* no predictions"):
        read_pairs(path)


def test_expected_errors_come_back(tmp_path, make_label, make_prediction):
    """NaN for the atoms of an element that the committee is not calibrated for."""
    label = make_label(0, 2)
    error = {"charges": np.array([np.nan, 0.01, 0.02] * 2), "energy": np.asarray(1 / 3)}
    prediction = replace(make_prediction(label), expected_error=error)
    path = write_pairs(tmp_path / "p.xyz", [label], [prediction])
    assert ase.io.read(path).info["committee_energy_expected_error"] == 1 / 3
    [(_, said)] = read_pairs(path)
    assert said.expected_error.keys() == error.keys()
    for name, value in error.items():
        np.testing.assert_array_equal(said.expected_error[name], value)


def test_latent_charges_come_back_under_their_name(tmp_path, make_label, make_prediction):
    label = make_label(0, 2)
    said = make_prediction(label)
    for values in (said.mean, said.std):
        values["latent_charges"] = values.pop("charges")
    [(_, back)] = read_pairs(write_pairs(tmp_path / "p.xyz", [label], [said]))
    assert back.mean.keys() == said.mean.keys() and "charges" not in back.mean
    assert np.array_equal(back.mean["latent_charges"], said.mean["latent_charges"])
    assert np.array_equal(back.disagreement["charges"], said.std["latent_charges"])
