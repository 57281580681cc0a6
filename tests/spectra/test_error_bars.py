"""Error bars by source: each alone, where it is known what it must be."""

import numpy as np
import pytest
from spectra_cases import oscillator, phase_pairs, record, spectrum

from activecharge.spectra.error_bars import Ensemble, range_of_draw, student

WAVE = 1600.0


def test_students_quantiles():
    """As in tables: 90 %, two-sided."""
    assert student(1) == pytest.approx(6.3138, rel=1e-4)
    assert student(3) == pytest.approx(2.3534, rel=1e-4)
    assert student(10_000) == pytest.approx(1.6450, rel=1e-3)


def test_members_charges_alone():
    """Charges scaled by s: the current's spectrum is scaled by s²."""
    scales = np.array([0.8, 0.9, 1.0, 1.1, 1.2])
    current, temperature = oscillator(WAVE, 6000)
    found = spectrum(record(current[:, :, None] * scales[:, None], temperature))
    [peak] = found.peaks
    height = peak.height
    expected = range_of_draw(5) * (scales**2).std(ddof=1) * height.value
    assert height.members == pytest.approx(expected, rel=1e-6)
    assert peak.centre.members == pytest.approx(0, abs=1e-6)
    # The value is that of the mean charge, not the mean of spectra (which is 1.02).
    alone = spectrum(record(current, temperature)).peaks[0].height.value
    assert height.value == pytest.approx(alone, rel=1e-9)
    assert np.isnan(height.forces)
    band = found.absorption.members / found.absorption.value
    np.testing.assert_allclose(band, band[0], rtol=1e-6)


def driven(waves, members=4, steps=12_000, scales=None):
    """A pair of replicas by each driver, which differ in frequency, and in charge where asked."""
    scales = np.ones(members) if scales is None else scales
    tracks, kinetic = zip(*(oscillator(wave, steps) for wave in waves), strict=True)
    current = np.concatenate(tracks, axis=1)[:, :, None] * scales[:, None]
    drivers = tuple(member for member in range(len(waves)) for _ in range(2))
    return record(current, np.concatenate(kinetic, axis=1), drivers=drivers)


def test_forces_alone():
    """Drivers whose modes differ: the peak's place has their spread."""
    waves = WAVE + np.array([-15.0, -5.0, 5.0, 15.0])
    found = spectrum(driven(waves), resolution=60, blocks=2)
    [peak] = found.peaks
    expected = range_of_draw(4) * waves.std(ddof=1)
    assert peak.centre.forces == pytest.approx(expected, rel=0.01)
    assert peak.centre.members == pytest.approx(0, abs=1e-6)
    assert peak.centre.together == pytest.approx(expected, rel=0.01)
    assert peak.centre.statistics < 0.02 * expected


def test_charges_and_forces_of_one_member_go_together():
    """Where large charges come with one driver's forces, ranges do not add as independent ones."""
    waves = WAVE + np.array([-15.0, -5.0, 5.0, 15.0])
    scales = np.array([0.8, 0.9, 1.1, 1.2])
    found = spectrum(driven(waves, scales=scales), resolution=200, blocks=2, bands=((800, 2400),))
    [area] = found.areas
    # Each driver's own area: its charge squared.
    own = range_of_draw(4) * (scales**2).std(ddof=1) * area.value.value
    assert area.value.together == pytest.approx(own, rel=0.02)
    assert area.value.forces == pytest.approx(0, abs=0.02 * own)  # areas do not see frequencies


def test_noise_of_single_trajectories_is_not_that_of_forces():
    """Drivers that are equal: their trajectories differ by statistics alone."""
    rng = np.random.default_rng(5)
    current = rng.normal(size=(60_000, 8, 1, 3)) * np.ones((1, 1, 4, 1))
    drivers = tuple(np.repeat(range(4), 2).tolist())
    found = spectrum(record(current, drivers=drivers), resolution=100, bands=((500, 4000),))
    [area] = found.areas
    # Of the whole band: four means of 16 parts each scatter twice as much as the mean of all.
    assert area.value.forces < 3 * area.value.statistics
    inside = found.absorption.forces < found.absorption.statistics
    assert inside.mean() > 0.3  # the variance that is taken off is often all of it


def test_mean_trajectories_make_the_value_and_single_ones_its_forces():
    waves = WAVE + np.array([-10.0, 10.0])
    each = driven(waves, members=2)
    current, temperature = oscillator(WAVE, 12_000)
    mean = record(np.repeat(current[:, :, None], 2, axis=2), temperature)
    found = spectrum(mean, each, resolution=60, blocks=2)
    assert found.trajectories == 2  # of four more, none
    [peak] = found.peaks
    assert peak.centre.value == pytest.approx(WAVE, abs=0.05)
    assert peak.centre.forces == pytest.approx(range_of_draw(2) * waves.std(ddof=1), rel=0.01)


def test_the_jackknife_of_a_mean_is_its_standard_error():
    rng = np.random.default_rng(1)
    units = rng.normal(5, 1, (12, 2, 7))
    found = Ensemble({None: units}, (0,)).measure(lambda y: y)
    error = units[:, -1].std(axis=0, ddof=1) / np.sqrt(12)
    np.testing.assert_allclose(found.statistics, student(11) * error, rtol=1e-10)
    np.testing.assert_allclose(found.value, units[:, -1].mean(axis=0), rtol=1e-12)
    assert np.isnan(found.members).all()


def test_statistics_hold_the_truth_as_often_as_they_say():
    """Areas of 8 canonical trajectories, 300 times: 90 % within, less what skewness takes."""
    rng = np.random.default_rng(2)
    units = rng.exponential(size=(300, 8, 3)).mean(axis=2)[:, :, None, None]
    inside = 0
    for trial in units:
        found = Ensemble({None: trial.repeat(2, axis=1)}, (0,)).measure(lambda y: y)
        inside += abs(found.value[0] - 1) < found.statistics[0]
    # 0.9 ± 0.017 of a binomial count; sums of exponentials fall short by 0.03.
    assert 0.82 < inside / 300 < 0.95


def test_members_hold_another_member_as_often_as_they_say():
    """With four members, whose standard deviation is hardly known: Student's range is exact."""
    draws = np.random.default_rng(4).normal(size=(4000, 5))
    spread = draws[:, :4].std(axis=1, ddof=1)
    inside = np.abs(draws[:, 4] - draws[:, :4].mean(axis=1)) < range_of_draw(4) * spread
    assert inside.mean() == pytest.approx(0.9, abs=0.015)  # three standard errors


def test_one_short_trajectory_says_what_its_bars_lack():
    current, temperature = oscillator(WAVE, 3000, phases=phase_pairs(2)[:1])
    found = spectrum(record(current, temperature), blocks=1)
    assert np.isnan(found.peaks[0].height.together)
    for note, word in zip(found.notes, ("charges", "forces", "statistics"), strict=True):
        assert word in note
