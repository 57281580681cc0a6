"""A charged harmonic oscillator: position, height and area of its peak are known."""

import numpy as np
import pytest
from ase import units as ase_units
from scipy import constants
from spectra_cases import TEMPERATURE, angular, oscillator, phase_pairs, record, spectrum

from activecharge.spectra import optics
from activecharge.spectra.power import bins_of_width, grid, power, segment_length, taper
from activecharge.units import ACCELERATION, BOLTZMANN, LIGHT, PER_CM

CHARGE, MASS, VOLUME = 0.7, 3.0, 900.0
WINDOWS = ["hann", "blackman", "gaussian", "rectangular"]


def area_by_hand(charge=CHARGE, mass=MASS, volume=VOLUME) -> float:
    """∫ nα dν̃ [cm⁻²] of an isotropic oscillator, 3 q²/(12 ε₀ c² m V), in SI units."""
    q = charge * constants.e
    m = mass * constants.atomic_mass
    per_metre_squared = q**2 / (4 * constants.epsilon_0 * constants.c**2 * m * volume * 1e-30)
    return per_metre_squared * 1e-4


@pytest.mark.parametrize("window", WINDOWS)
def test_the_spectrum_of_a_cosine_is_that_of_the_window(window):
    """At every wavenumber: A²/4 (|W(ω − ω0)|² + |W(ω + ω0)|²) Δt/Σw², the sums written out."""
    wavenumber, spacing, length = 1600.0, 1.5, 400
    current, _ = oscillator(wavenumber, 1000, spacing)
    found = power(current, spacing, length, window).mean(axis=0)
    weights, time = taper(window, length), spacing * np.arange(length)
    amplitude = (np.abs(current) ** 2).sum(axis=2)[:, 0] + (np.abs(current) ** 2).sum(axis=2)[:, 1]
    squared = amplitude.mean()  # of the two phases together: A², summed over the directions
    omega = angular(1.0) * grid(length, window, spacing)
    response = sum(
        np.abs(np.exp(1j * np.outer(omega + sign * angular(wavenumber), time)) @ weights) ** 2
        for sign in (1, -1)
    )
    expected = squared / 4 * response * spacing / (weights**2).sum()
    # Sums of 400 terms in double precision.
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11 * expected.max())


@pytest.mark.parametrize("window", WINDOWS)
def test_peak_and_area_in_a_cell(window):
    wavenumber = 1600.0
    current, temperature = oscillator(wavenumber, 40_000)
    found = spectrum(
        record(current, temperature, volume=VOLUME), resolution=10, window=window, blocks=4
    )
    assert found.temperature == pytest.approx(TEMPERATURE, rel=1e-9)
    peak = max(found.peaks, key=lambda p: p.height.value)
    # The other end of a mirrored line reaches over by less than this.
    assert peak.centre.value == pytest.approx(wavenumber, abs=0.01)
    # Straight lines between points and the rounding up of the segment: 1 % of the resolution.
    assert peak.width.value == pytest.approx(10.0, rel=0.01)
    length = segment_length(window, 10, 1.0)
    weights = taper(window, length)
    squared = 2 * 3 * BOLTZMANN * TEMPERATURE * ACCELERATION / MASS * CHARGE**2
    height = squared / 4 * weights.sum() ** 2 / (weights**2).sum()
    expected = optics.absorption(np.array(height), TEMPERATURE, VOLUME)
    # A parabola through points an eighth of the width apart.
    assert peak.height.value == pytest.approx(expected, rel=2e-3)
    # A rectangle's response falls off as 1/ω², so that 1 % of its area lies beyond any range.
    rel = 1e-2 if window == "rectangular" else 1e-4
    [area] = spectrum(
        record(current, temperature, volume=VOLUME),
        resolution=10,
        window=window,
        bands=((100, 4400),),
    ).areas
    assert area.value.value == pytest.approx(area_by_hand(), rel=rel)


def test_height_for_hann_in_one_line():
    """S(ω0) = ⟨J²⟩ T/3 for segments of length T: Hann's (Σw)²/Σw² is 2/3 of the points."""
    current, _ = oscillator(1600.0, 40_000)
    length = segment_length("hann", 10, 1.0)
    height = power(current, 1.0, length, "hann").mean(axis=0).max()
    squared = (current**2).sum(axis=2).mean()
    assert height == pytest.approx(squared * length / 3, rel=1e-3)  # the grid misses the top


def test_kilometres_per_mole_of_a_harmonic_mode():
    """N_A/(12 ε₀ c²) |∂μ/∂Q|², three modes of |∂μ/∂Q|² = q²/m."""
    current, temperature = oscillator(1600.0, 40_000)
    [area] = spectrum(record(current, temperature), resolution=10, bands=((100, 4400),)).areas
    expected = 3 * optics.MODE_KM_PER_MOL * CHARGE**2 / MASS
    assert area.value.value == pytest.approx(expected, rel=1e-4)


def test_constants_are_those_of_si_and_of_others():
    si = constants.N_A * constants.e**2 / (12 * constants.epsilon_0 * constants.c**2)
    si /= constants.atomic_mass * 1000  # km/mol per e²/u
    assert pytest.approx(si, rel=1e-8) == optics.MODE_KM_PER_MOL
    # 42.255 km/mol per (D/Å)²/u, as many programs have it.
    assert optics.MODE_KM_PER_MOL * ase_units.Debye**2 == pytest.approx(42.255, rel=1e-4)
    assert pytest.approx(constants.c * 1e-5, rel=1e-9) == LIGHT
    wave = 1e2 * constants.c * constants.h / constants.e  # 1 cm⁻¹ in eV
    assert angular(1.0) * 0.6582119569 == pytest.approx(wave, rel=1e-9)


def test_sum_rule_of_the_oscillator():
    """∫ nα dω = π q²/(2 ε₀ c V m), whatever the frequency."""
    areas = []
    for wavenumber in (400.0, 1600.0, 3700.0):
        current, temperature = oscillator(wavenumber, 20_000)
        [area] = spectrum(
            record(current, temperature, volume=VOLUME), resolution=15, bands=((30, 4450),)
        ).areas
        areas.append(float(area.value.value))
    si = np.pi * (CHARGE * constants.e) ** 2
    si /= 2 * constants.epsilon_0 * constants.c * VOLUME * 1e-30 * MASS * constants.atomic_mass
    expected = si / (2 * np.pi * constants.c) * 1e-4  # over wavenumbers, in cm⁻²
    np.testing.assert_allclose(areas, expected, rtol=1e-4)


def test_response_and_permittivity():
    """χ″ = nαc/ω; Δε = q²/(3 ε₀ V k) for each direction, k the spring's."""
    wavenumber = 700.0
    current, temperature = oscillator(wavenumber, 40_000)
    found = spectrum(record(current, temperature, volume=VOLUME), resolution=5, window="blackman")
    spring = MASS * constants.atomic_mass * (angular(wavenumber) * 1e15) ** 2
    expected = (CHARGE * constants.e) ** 2 / (constants.epsilon_0 * VOLUME * 1e-30 * spring)
    # 1/ω² over a line of 5 cm⁻¹ is 3 (2.1/700)² more than at its middle.
    assert found.permittivity.value == pytest.approx(expected, rel=1e-4)
    top = np.argmax(found.absorption.value)
    here = found.wavenumber[top]
    omega = 2 * np.pi * constants.c * here * 100
    chi = found.absorption.value[top] * 100 * constants.c / omega
    assert found.susceptibility.value[top] == pytest.approx(chi, rel=1e-9)
    assert (
        np.isnan(found.susceptibility.value[0])
        and np.isfinite(found.susceptibility.value[1:]).all()
    )


def test_canonical_ensemble_within_its_own_error_bar():
    """Velocities drawn from Maxwell's distribution, phases at random: NVE from NVT."""
    rng = np.random.default_rng(3)
    replicas = 200
    amplitude = np.sqrt(BOLTZMANN * TEMPERATURE * ACCELERATION / MASS)
    # Amplitudes of energies E/k_BT that are exponential in each direction.
    speeds = amplitude * np.sqrt(2 * rng.exponential(size=(replicas, 3)))
    current, _ = oscillator(
        1600.0, 6000, phases=rng.uniform(0, 2 * np.pi, (replicas, 3)), speeds=speeds
    )
    found = spectrum(
        record(current, TEMPERATURE, volume=VOLUME), resolution=20, bands=((900, 2300),)
    )
    [area] = found.areas
    assert found.units == replicas  # whole trajectories: energy does not change within one
    spread = 1.97 * area_by_hand() / np.sqrt(3 * replicas)  # of 600 exponential energies
    # The scatter of a standard deviation of 200 draws is 5 %, of exponential ones 7 %.
    assert area.value.statistics == pytest.approx(1.65 / 1.97 * spread, rel=0.2)
    assert abs(area.value.value - area_by_hand()) < 2 * spread


def test_blocks_are_the_units_of_few_trajectories():
    current, temperature = oscillator(1600.0, 9000)
    found = spectrum(record(current, temperature), resolution=20, blocks=3)
    assert (found.trajectories, found.units) == (2, 6)
    assert found.length == pytest.approx(18.0)
    four = np.concatenate([current, current], axis=1)
    assert spectrum(record(four), resolution=20, blocks=3).units == 4


def test_steps_of_verlet_are_taken_back():
    """An oscillator of 3700 cm⁻¹ in steps of 1 fs seems to have 3780."""
    omega, step = angular(3700.0), 1.0
    x, v = np.array([1.0, 0.0]), np.array([0.0, omega])
    track = []
    for _ in range(30_000):
        v = v - omega**2 * x * step / 2
        x = x + v * step
        v = v - omega**2 * x * step / 2
        track.append(v)
    current = np.zeros((30_000, 2, 3))
    current[:, :, 0] = track
    one = record(current, timestep=step)
    kept = spectrum(one, resolution=10, step_correction=False).peaks[0]
    mended = spectrum(one, resolution=10)
    assert kept.centre.value == pytest.approx(3700 * 1.0224, abs=5)  # 1 + (ωΔt)²/24 + ...
    assert mended.peaks[0].centre.value == pytest.approx(3700, abs=0.01)
    areas = [
        spectrum(one, resolution=10, bands=((3000, 4400),), step_correction=mend).areas[0]
        for mend in (True, False)
    ]
    # Nothing of the area is lost by moving it, but for the trapezoids'.
    assert areas[0].value.value == pytest.approx(areas[1].value.value, rel=1e-4)


def test_width_of_windows():
    """In bins: Harris, Proc. IEEE 66, 51 (1978), https://doi.org/10.1109/PROC.1978.10837."""
    assert bins_of_width("rectangular") == pytest.approx(0.886, abs=1e-3)
    assert bins_of_width("hann") == pytest.approx(1.44, abs=3e-3)
    assert bins_of_width("blackman") == pytest.approx(1.64, abs=5e-3)


def test_quantum_corrections():
    """As Ramírez et al. 2004 have them, over the harmonic one that the formula contains."""
    wavenumber = np.array([0.0, 10.0, 1600.0, 3700.0])
    x = wavenumber * 1e2 * constants.h * constants.c / (constants.k * TEMPERATURE)
    with np.errstate(invalid="ignore"):
        harmonic = np.where(x > 0, x / -np.expm1(-x), 1.0)
    expected = {
        "harmonic": harmonic,
        "classical": harmonic,
        "standard": 2 / (1 + np.exp(-x)),
        "schofield": np.exp(x / 2),
        "mixed": np.sqrt(harmonic * np.exp(x / 2)),
    }
    for name, factor in expected.items():
        found = optics.quantum_factor(wavenumber, TEMPERATURE, name)
        np.testing.assert_allclose(found, factor / harmonic, rtol=1e-8)
        assert found[0] == 1
    current, temperature = oscillator(1600.0, 20_000)
    one = record(current, temperature)
    tops = {name: spectrum(one, correction=name).peaks[0].height.value for name in expected}
    assert tops["classical"] == tops["harmonic"]
    ratio = optics.quantum_factor(np.array([1600.0]), TEMPERATURE, "standard")[0]
    assert tops["standard"] / tops["harmonic"] == pytest.approx(ratio, rel=1e-3)


def test_white_noise_is_flat():
    """S = Δt ⟨J²⟩ of independent currents, at every wavenumber."""
    current = np.random.default_rng(0).normal(size=(200_000, 3))
    found = power(current, 2.0, 256, "hann")
    # 1500 half-independent segments of three directions: 1.5 % each.
    np.testing.assert_allclose(found, 2.0 * 3.0, rtol=0.1)
    assert found[5:-5].mean() == pytest.approx(6.0, rel=0.01)


def test_pairs_of_phases():
    """What the exact tests rest on: cos² and sin² of a pair are 1 together."""
    phases = phase_pairs(4)
    squared = np.cos(1.234 + phases) ** 2
    np.testing.assert_allclose(squared[:2] + squared[2:], 1, rtol=1e-12)
    assert angular(1.0) == pytest.approx(2 * np.pi * LIGHT * PER_CM)
