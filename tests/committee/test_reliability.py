"""Judging calibrations: coverage, rank correlation, areas, and what is not claimed."""

import numpy as np
import pytest
from committee_cases import make_pairs
from scipy.stats import spearmanr

from activecharge.committee.calibration.calibration import Calibration
from activecharge.committee.calibration.error_model import LEVELS
from activecharge.committee.calibration.reliability import Judged, judge, reliability, spearman


@pytest.mark.parametrize("values", [7, 10_000])
def test_the_rank_correlation_is_spearmans(values):
    """With many ties and with none."""
    rng = np.random.default_rng(0)
    first = rng.integers(values, size=300).astype(float)
    second = first + rng.integers(values, size=300)
    # The same ranks, correlated in another order of sums.
    assert spearman(first, second) == pytest.approx(spearmanr(first, second).statistic, rel=1e-12)


def test_the_rank_correlation_of_what_does_not_vary_or_is_too_few():
    line = np.arange(20.0)
    assert spearman(line, np.ones(20)) is None
    assert spearman(line[:9], line[:9]) is None
    assert spearman(line, -line) == pytest.approx(-1.0)


def judged(shares, frames=40, atoms=25, element="O"):
    """Frames each of whose atoms keep within the bounds of `LEVELS` in given shares."""
    count = frames * atoms
    inside = np.tile(np.arange(atoms), frames)[:, None] < np.round(np.multiply(shares, atoms), 6)
    return {
        "bec": Judged(
            np.full(count, element),
            np.repeat(np.arange(frames), atoms),
            np.full(count, 0.02),
            np.full(count, 0.01),
            inside.astype(float),
        )
    }


def test_a_perfect_calibration_has_no_area():
    # Shares of 100 atoms resolve levels in steps of 0.05 exactly.
    [row] = reliability([judged(LEVELS, atoms=100)])
    np.testing.assert_allclose([found.share for found in row.coverage.values()], LEVELS, atol=1e-12)
    assert row.area == pytest.approx(0.0, abs=1e-12)
    assert tuple(row.coverage) == LEVELS
    assert row.coverage[0.9].error == pytest.approx(0.0, abs=1e-12)
    assert (row.frames, row.entries) == (40, 4000)
    assert (row.expected, row.observed) == (pytest.approx(0.02), pytest.approx(0.01))
    assert row.spearman is None


def test_the_area_of_bounds_that_always_hold():
    # Under the line from (0, 0) over one at 0.05 to 0.95 to (1, 1), less the diagonal:
    # the trapezoids 0.05·0.95/2, then from 0.95 to 0.05 over 0.9, then 0.05·0.05/2.
    [row] = reliability([judged(np.ones(len(LEVELS)))])
    assert row.area == pytest.approx(0.02375 + 0.45 + 0.00125)


@pytest.mark.parametrize(
    ("frames", "highest"), [(1, None), (2, 0.65), (3, 0.75), (4, 0.8), (9, 0.9), (19, 0.95)]
)
def test_coverage_is_not_claimed_from_few_frames(frames, highest):
    """However many atoms they have: n frames support n / (n + 1)."""
    [row] = reliability([judged(LEVELS, frames=frames, atoms=100)])
    assert max(row.coverage, default=None) == highest
    assert (row.area is None) == (frames < 4)


def test_what_a_calibration_does_not_promise_is_not_judged():
    found = judge(Calibration.fit(make_pairs(12)), make_pairs(50, seed=1))
    assert np.isnan(found["charges"].inside[:, LEVELS.index(0.95)]).all()
    assert np.isfinite(found["charges"].inside[:, LEVELS.index(0.9)]).all()
    rows = reliability([found])
    assert all(max(row.coverage) == 0.9 for row in rows)


def test_rounds_add_up_without_mixing_their_frames():
    parts = [judged(LEVELS, frames=3, atoms=20), judged(np.ones(19), frames=6, atoms=10)]
    [row] = reliability(parts)
    assert (row.frames, row.entries) == (9, 120)
    assert row.coverage[0.5].share == pytest.approx((3 * 0.5 + 6) / 9)
    assert 0.95 not in row.coverage


def test_elements_are_told_apart_and_summed_up():
    parts = [judged(LEVELS, atoms=20), judged(np.ones(19), element="H")]
    rows = {row.element: row for row in reliability(parts)}
    assert list(rows) == ["H", "O", "all"]
    assert rows["O"].coverage[0.5].share == pytest.approx(0.5)
    assert rows["H"].coverage[0.5].share == 1.0
    assert rows["all"].coverage[0.5].share == pytest.approx(0.75)


def test_nothing_to_judge():
    calibration = Calibration.fit(make_pairs(20))
    assert judge(calibration, []) == {} == judge(Calibration(), make_pairs(3))
    assert reliability([]) == reliability([{}]) == []


def test_errors_from_elsewhere_show_in_the_coverage():
    """Three times the errors: nominal 90 % hold far more seldom, and the report says so."""
    calibration = Calibration.fit(make_pairs(200))
    rows = reliability([judge(calibration, make_pairs(400, seed=5, scale=3.0))])
    assert {row.property for row in rows} == {"charges", "bec", "energy"}
    for row in rows:
        if row.property != "energy":
            assert row.coverage[0.9].share < 0.6
            assert row.observed > 2 * row.expected
