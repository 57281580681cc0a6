"""How far sources reach, and what they earned."""

import numpy as np
import pytest

from activecharge.committee.selection.choose import Choice
from activecharge.committee.selection.novelty import distances, tally, variety
from activecharge.records import Candidate, SourceTally


def test_distances_by_hand():
    """Known frames on a line, each 2 apart, of spread √8: nearest neighbours are 2/√8 apart."""
    known = np.array([[-4.0], [-2.0], [0.0], [2.0], [4.0]])
    found = distances(np.array([[0.0], [1.0], [10.0], [np.nan]]), known)
    # Distances come from differences of squares, exact to 1e-8 of the norm.
    assert found[:3] == pytest.approx([0.0, 0.5, 3.0], abs=1e-6)
    assert np.isnan(found[3])


def test_distances_do_not_depend_on_units_or_origin():
    rng = np.random.default_rng(0)
    known, others = rng.normal(size=(30, 4)), rng.normal(size=(8, 4))
    scale, shift = np.array([1.0, 10.0, 0.1, 3.0]), rng.normal(size=4)
    again = distances(others * scale + shift, known * scale + shift)
    assert again == pytest.approx(distances(others, known), rel=1e-6)


@pytest.mark.parametrize(
    "known", [np.empty(0), np.empty((0, 2)), np.zeros((1, 2)), np.full((3, 2), np.nan)]
)
def test_too_little_is_known(known):
    assert np.isnan(distances(np.ones((3, 2)), known)).all()


def test_sources_are_told_apart(make_scored):
    known = np.array([[0.0], [1.0], [2.0]])
    pool = [
        *(make_scored(descriptor=(x,), source="clusters") for x in (0.0, 1.0, 2.0)),
        *(make_scored(descriptor=(x,), source="ice") for x in (4.0, 6.0)),
        make_scored(descriptor=(np.nan,), source="boxes"),
    ]
    choices = [
        Choice(pool[0].candidate, "control"),
        Choice(pool[3].candidate, "uncertain"),
        Choice(pool[4].candidate, "diverse"),
    ]
    rows = {row.source: row for row in tally(pool, choices, known)}
    assert list(rows) == ["clusters", "ice", "boxes"]
    zero = pytest.approx(0, abs=1e-6)
    assert rows["clusters"] == SourceTally("clusters", 3, zero, zero, chosen=0, control=1)
    distance, far = pytest.approx(3.0, abs=1e-6), pytest.approx(3.8, abs=1e-6)
    assert rows["ice"] == SourceTally("ice", 2, distance, far, chosen=2, control=0)
    assert rows["boxes"] == SourceTally("boxes", 1, None, None, chosen=0, control=0)
    assert tally([], [], known) == []


def test_varieties_of_one_kind():
    def name(**origin):
        return variety(Candidate(None, "", "dynamics", origin))

    assert name(temperature_K=300) == "dynamics"
    assert name(start="ice", carved=4) == "dynamics from ice, carved"
    assert name(bias="charges", field_V_per_A=[0, 0, 0.1]) == "dynamics, biased, in a field"
