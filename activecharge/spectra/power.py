"""The spectrum of a current by Welch's method, with a resolution in wavenumbers."""

from functools import cache
from math import ceil

import numpy as np

from activecharge.units import LIGHT, PER_CM

_PADDING = 8
"""Points of the grid in a resolution, at least; peaks are then smooth curves."""

_GAUSSIAN_ENDS = 4.0
"""Standard deviations from the middle of the Gaussian window to its ends."""


def taper(window: str, length: int) -> np.ndarray:
    """A window's weights (length,) by name: hann, blackman, gaussian or rectangular."""
    from scipy.signal import get_window

    if window == "gaussian":
        return get_window(("gaussian", length / (2 * _GAUSSIAN_ENDS)), length)
    return get_window("boxcar" if window == "rectangular" else window, length)


@cache
def bins_of_width(window: str) -> float:
    """Full width at half height of the window's |W(ν)|², times its length: 1.44 for Hann's."""
    length, fine = 512, 128
    response = np.abs(np.fft.rfft(taper(window, length), length * fine)) ** 2
    half = response[0] / 2
    after = int(np.argmax(response < half))
    before, here = response[after - 1], response[after]
    return 2 * (after - 1 + (before - half) / (before - here)) / fine


def segment_length(window: str, resolution: float, spacing: float) -> int:
    """Points of a segment that resolves `resolution` cm⁻¹, `spacing` fs apart."""
    return ceil(bins_of_width(window) / (resolution * PER_CM * LIGHT * spacing))


def highest_wavenumber(spacing: float) -> float:
    """Nyquist's wavenumber in cm⁻¹ of points `spacing` fs apart."""
    return 1 / (2 * spacing * LIGHT * PER_CM)


def padded_length(length: int, window: str) -> int:
    """Points of a Fourier transform, an efficient number, that make a smooth curve."""
    from scipy.fft import next_fast_len

    return next_fast_len(ceil(_PADDING * length / bins_of_width(window)), real=True)


def grid(length: int, window: str, spacing: float) -> np.ndarray:
    """Wavenumbers in cm⁻¹ at which `power` gives the spectrum of segments of that length."""
    return np.fft.rfftfreq(padded_length(length, window), spacing) / (LIGHT * PER_CM)


def power(current: np.ndarray, spacing: float, length: int, window: str) -> np.ndarray:
    """Mean over half-overlapping segments of S(ω) = ∫⟨J(0)·J(t)⟩ exp(−iωt) dt.

    The two-sided spectrum, of which positive frequencies are given. Each segment's is
    Δt |Σ_t w_t J_t exp(−iωt)|² / Σ_t w_t²: the true one convolved with the window's |W(ω)|², whose
    area is 1, so that areas stay what they are. Nothing is taken off the mean of J, which is zero
    for what is bound. P. Welch, IEEE Trans. Audio Electroacoust. 15, 70 (1967),
    https://doi.org/10.1109/TAU.1967.1161901.

    Parameters
    ----------
    current : (T, ..., 3) numpy.ndarray
        Vectors at even distances of time, T at least `length`; e·Å/fs.
    spacing : float
        fs.
    length : int
        Points of a segment.
    window : str
        See `taper`.

    Returns
    -------
    numpy.ndarray
        (..., F) in (e·Å)²/fs at the wavenumbers of `grid`, summed over the three directions.
    """
    weights = taper(window, length)
    points = padded_length(length, window)
    starts = range(0, len(current) - length + 1, max(1, length // 2))
    total = np.zeros((*current.shape[1:-1], points // 2 + 1))
    for start in starts:
        piece = np.moveaxis(current[start : start + length], 0, -1) * weights
        total += (np.abs(np.fft.rfft(piece, points)) ** 2).sum(axis=-2)
    return total * (spacing / (weights**2).sum() / len(starts))


def undo_steps(
    wavenumber: np.ndarray, spectrum: np.ndarray, timestep: float
) -> tuple[np.ndarray, np.ndarray]:
    """Take back the shift of frequencies by the steps of velocity Verlet and its kin.

    A harmonic mode of frequency ω moves with ω′ = (2/Δt) arcsin(ωΔt/2), exactly (Hairer, Lubich,
    Wanner, Acta Numer. 12, 399 (2003), https://doi.org/10.1017/S0962492902000144): 3700 cm⁻¹ in
    steps of 0.5 fs is 19 cm⁻¹ too high. Areas are kept.

    Parameters
    ----------
    wavenumber : (F,) numpy.ndarray
        cm⁻¹, below 1/(2cΔt).
    spectrum : (..., F) numpy.ndarray
    timestep : float
        Of the dynamics, fs.

    Returns
    -------
    tuple of numpy.ndarray
        The wavenumbers meant, and the spectrum at them.
    """
    half = np.pi * LIGHT * PER_CM * timestep  # ω′Δt/2 of 1 cm⁻¹
    return np.sin(half * wavenumber) / half, spectrum / np.cos(half * wavenumber)
