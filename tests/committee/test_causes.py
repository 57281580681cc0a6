"""Which atom and which property make a frame uncertain."""

import numpy as np
from ase import Atoms

from activecharge.committee.disagreement import score
from activecharge.records import Candidate, Prediction


def floats(values):
    return {k: np.asarray(v, float) for k, v in values.items()}


def cause(atoms, std, error, weights):
    candidate = Candidate(Atoms(atoms), "a", "file")
    [found] = score([candidate], [Prediction({}, floats(std), np.zeros(1), floats(error))], weights)
    return found.cause


def test_the_cause_is_the_atom_and_property_that_weigh_most():
    std = {"charges": [0.1, 0.2, 0.3], "bec": [0.3, 0.9, 0.2], "energy": 0.3}
    assert cause("OHH", std, {}, {"charges": 1.0, "bec": 3.0}) == {
        "property": "bec",
        "atom": 1,
        "element": "H",
        "spread": 0.9,
    }
    assert cause("OHH", std, {}, {"charges": 1.0})["atom"] == 2
    assert cause("OHH", std, {}, {"energy": 1.0}) == {"property": "energy", "spread": 0.3 / 3}
    assert cause("OHH", std, {}, {"charges": 0.0}) == {}


def test_the_cause_goes_by_expected_errors():
    std, error = {"charges": [0.1, 0.2, 0.3]}, {"charges": [0.5, 0.3, 0.4]}
    assert cause("OHH", std, error, {"charges": 1.0}) == {
        "property": "charges",
        "atom": 0,
        "element": "O",
        "spread": 0.1,
        "expected_error": 0.5,
    }


def test_the_cause_of_a_broken_frame_is_what_broke():
    std = {"charges": [0.1, 0.2, 0.3], "bec": [0.3, np.nan, 0.9]}
    found = cause("OHH", std, {}, {"charges": 1.0})
    assert (found["property"], found["atom"]) == ("bec", 1)
