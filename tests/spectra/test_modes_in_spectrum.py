"""Two ways to one answer: the spectrum of springs in motion has their modes and intensities."""

import numpy as np
from spectra_cases import record, spectrum
from vibration_cases import springs

from activecharge.spectra.harmonic.normal_modes import Modes, harmonic_modes
from activecharge.units import ACCELERATION, BOLTZMANN

STEP = 0.5
"""fs."""
COLD = 10.0
"""K."""
PLACES = np.array([[0.0, 0.0, 0.12], [0.0, 0.76, -0.47], [0.0, -0.76, -0.47]])
MASSES = np.array([15.999, 1.008, 1.008])
PAIRS = {(0, 1): 48.0, (0, 2): 48.0, (1, 2): 16.0}
"""eV/Å²: stretches and bend about those of water."""


def run(hessian: np.ndarray, bec: np.ndarray, modes: Modes, steps: int) -> np.ndarray:
    """Ṁ (T, 3) by velocity Verlet, each mode begun with the energy k_BT."""
    roots = np.sqrt(MASSES)[:, None]
    speed = np.sqrt(2 * BOLTZMANN * COLD * ACCELERATION)
    velocity = (speed * modes.vectors.sum(axis=0) / roots).ravel()
    pull = ACCELERATION / np.repeat(MASSES, 3)
    moved, slopes = np.zeros(9), bec.transpose(1, 0, 2).reshape(3, 9)
    current = []
    for _ in range(steps):
        current.append(slopes @ velocity)
        velocity = velocity - pull * (hessian @ moved) * STEP / 2
        moved = moved + velocity * STEP
        velocity = velocity - pull * (hessian @ moved) * STEP / 2
    return np.array(current)


def test_peaks_and_areas_are_those_of_the_modes():
    hessian = springs(PLACES, PAIRS)
    rng = np.random.default_rng(0)
    bec = rng.normal(0, 0.3, (3, 3, 3))
    bec -= bec.mean(axis=0)
    modes = harmonic_modes(hessian, bec, PLACES, MASSES)
    assert 1500 < modes.wavenumber[0] < 1600 and 3700 < modes.wavenumber[1] < 3800
    current = run(hessian, bec, modes, 40_000)
    bands = [(wave - 60, wave + 60) for wave in modes.wavenumber]
    seen = spectrum(
        record(current[:, None], COLD, spacing=STEP, timestep=STEP),
        resolution=10,
        upto=5000,
        window="blackman",
        bands=bands,
        prominence=0.001,
    )
    centres = [float(peak.centre.value) for peak in seen.peaks]
    # The shift by steps of 0.5 fs, some 20 cm⁻¹ of stretches, is taken back.
    np.testing.assert_allclose(centres, modes.wavenumber, atol=0.005)
    areas = [float(area.value.value) for area in seen.areas]
    # Blackman's window makes the mean of cos² over broken periods ½ to this.
    np.testing.assert_allclose(areas, modes.intensity, rtol=1e-5)
