"""The regression of error on spread, and conformal factors, against laws that are known."""

import math

import numpy as np
import pytest
from committee_cases import join, make_blind

from activecharge.committee.calibration.error_model import (
    LEVELS,
    ErrorModel,
    conformal_factor,
    fit_error_model,
    frames_needed,
    ratio,
    relative_errors,
)


def test_the_expected_error_is_a_line_with_a_floor():
    model = ErrorModel(2.0, 0.3)
    np.testing.assert_allclose(model(np.array([0.0, 0.2])), [0.3, 0.5], rtol=1e-15)


@pytest.mark.parametrize(("slope", "floor"), [(2.0, 0.01), (0.7, 0.0), (0.0, 0.02)])
def test_the_regression_finds_the_law(slope, floor):
    blind = make_blind(4000, slope=slope, floor=floor)
    model = fit_error_model(blind)
    # 4000 squared errors fix a scale to 2/√4000 = 3 %; the two terms share it, and the least
    # floor is a hundredth of the typical error of 0.013.
    probe = np.array([0.003, 0.01, 0.03])
    np.testing.assert_allclose(model(probe), np.hypot(slope * probe, floor), rtol=0.1)


def test_the_unit_does_not_matter():
    blind, milli = make_blind(300), make_blind(300, unit=1000.0)
    first, second = fit_error_model(blind), fit_error_model(milli)
    # The same arithmetic but for powers of ten.
    assert second.slope == pytest.approx(first.slope, rel=1e-9)
    assert second.floor == pytest.approx(1000 * first.floor, rel=1e-9)


def test_control_frames_set_the_scale():
    """Chosen frames whose errors are three times larger must not raise the expectation."""
    control, chosen = make_blind(200, seed=1), make_blind(800, seed=2, scale=3.0, control=False)
    both = join(control, chosen)
    expected = fit_error_model(both)(control.spread)
    # Over control frames the squared errors average to the expectation: it was fitted so.
    assert control.shares() @ (control.error / expected) ** 2 == pytest.approx(1.0, rel=1e-9)


def test_without_control_frames_all_set_it():
    blind = make_blind(200, control=False)
    expected = fit_error_model(blind)(blind.spread)
    assert blind.shares() @ (blind.error / expected) ** 2 == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize("spread", [0.0, 0.02])
def test_a_constant_spread_gives_the_typical_error(spread):
    blind = make_blind(100)
    blind.spread[:] = spread
    rms = np.sqrt(blind.shares() @ blind.error**2)
    np.testing.assert_allclose(fit_error_model(blind)(blind.spread), rms, rtol=1e-9)


def test_no_error_at_all():
    blind = make_blind(20)
    blind.error[:] = 0.0
    model = fit_error_model(blind)
    assert model(np.array([0.01])) == 0.0
    assert conformal_factor(blind, relative_errors(blind), 0.9) == 0.0


def test_ratios_without_expected_error():
    found = ratio(np.array([0.0, 0.1, 0.1]), np.array([0.0, 0.0, 0.2]))
    np.testing.assert_array_equal(found, [0.0, np.inf, 0.5])


def test_old_frames_count_by_their_weight():
    """Weightless ones not at all; halves like half as many."""
    now, old = make_blind(100, seed=1), make_blind(300, seed=2, scale=4.0)
    old.weight[:] = 1e-12
    alone, together = fit_error_model(now), fit_error_model(join(now, old))
    assert together.slope == pytest.approx(alone.slope, rel=1e-6)
    assert together.floor == pytest.approx(alone.floor, rel=1e-6)
    old.weight[:] = 0.5
    assert join(now, old).frames_worth() == pytest.approx(250.0)


# -- conformal factors -------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("count", [20, 37, 200])
def test_with_one_atom_a_frame_it_is_the_split_conformal_quantile(level, count):
    blind = make_blind(count, atoms=1)
    scores = np.random.default_rng(0).exponential(size=count)
    textbook = np.sort(scores)[math.ceil(level * (count + 1) - 1e-9) - 1]
    assert conformal_factor(blind, scores, level) == textbook


@pytest.mark.parametrize(("level", "needed"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19)])
def test_too_few_frames_promise_nothing(level, needed):
    """However many atoms they have."""
    assert frames_needed(level) == needed
    enough, short = make_blind(needed, atoms=50), make_blind(needed - 1, atoms=50)
    assert math.isfinite(conformal_factor(enough, enough.error, level))
    assert math.isinf(conformal_factor(short, short.error, level))
    enough.weight[:] = 0.99
    assert math.isinf(conformal_factor(enough, enough.error, level))


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_coverage_is_what_theory_says_however_alike_atoms_of_a_frame_err(level):
    """A random atom of a new frame, 1500 times, each with 19 frames of 1 to 12 atoms."""
    rng, inside, trials, frames = np.random.default_rng(4), 0, 1500, 19
    for _ in range(trials):
        sizes = rng.integers(1, 13, size=frames + 1)
        # Each frame has a scale of its own, which its atoms share.
        scale = np.repeat(rng.lognormal(size=frames + 1), sizes)
        scores = scale * np.abs(rng.normal(size=sizes.sum()))
        blind = make_blind(0, sizes=sizes[:-1])
        known = len(blind)
        inside += scores[known] <= conformal_factor(blind, scores[:known], level)
    # At least the level; with ties of no weight at most 1/(F + 1) and one atom's mass above it.
    error = math.sqrt(level * (1 - level) / trials)
    assert level - 4 * error <= inside / trials <= level + 1 / (frames + 1) + 4 * error


def test_factors_rise_with_the_level():
    blind = make_blind(40)
    scores = relative_errors(blind)
    factors = [conformal_factor(blind, scores, level) for level in LEVELS]
    assert factors == sorted(factors)


def test_a_frame_is_not_judged_by_itself():
    """One frame of huge errors: its own score comes from a fit without it."""
    blind = make_blind(60, seed=3)
    odd = blind.frame == 7
    blind.error[odd] *= 1000
    inside = fit_error_model(blind)
    crossed = relative_errors(blind)[odd]
    assert crossed.min() > 10 * ratio(blind.error[odd], inside(blind.spread[odd])).min()
