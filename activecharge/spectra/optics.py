"""From the spectrum of the current to what is measured, and the constants on the way.

The spectrum S(ω) = ∫⟨Ṁ(0)·Ṁ(t)⟩ exp(−iωt) dt runs over the whole line of times, so that
⟨Ṁ²⟩ = (1/2π) ∫ S dω over all frequencies, negative ones too, or 2c ∫ S dν̃ over positive
wavenumbers ν̃ = ω/2πc.
"""

import numpy as np
from scipy.integrate import trapezoid

from activecharge.spectra.spectra_options import Correction
from activecharge.units import (
    ACCELERATION,
    AVOGADRO,
    BOLTZMANN,
    COULOMB,
    HBAR,
    LIGHT,
    PER_CM,
)

KM_PER_MOL = 1e-13 * AVOGADRO
"""An integrated cross section of 1 Å²·Å⁻¹ a molecule, in km/mol."""

MODE_KM_PER_MOL = np.pi * COULOMB * ACCELERATION / (3 * LIGHT**2) * KM_PER_MOL
"""N_A/(12 ε₀ c²) in km/mol per e²/u: of a harmonic mode with |∂μ/∂Q|² in e²/u."""


def angular(wavenumber: np.ndarray) -> np.ndarray:
    """Angular frequency in fs⁻¹ of wavenumbers in cm⁻¹."""
    return 2 * np.pi * LIGHT * PER_CM * np.asarray(wavenumber, float)


def wavenumber_of(omega: np.ndarray) -> np.ndarray:
    """Wavenumber in cm⁻¹ of angular frequencies in fs⁻¹."""
    return np.asarray(omega, float) / (2 * np.pi * LIGHT * PER_CM)


def cross_section(spectrum: np.ndarray, temperature: float) -> np.ndarray:
    """σ(ω) = S(ω)/(6 ε₀ c k_B T): what a molecule or cluster absorbs, all directions alike.

    With Q the mass-weighted coordinate of a harmonic mode, ∫σ dν̃ = |∂μ/∂Q|²/(12 ε₀ c²), the
    quantum mechanical value. That holds since the formula contains the harmonic quantum correction:
    the classical field's work and the quantum mechanical rate with Q(ω) = βħω/(1 − exp(−βħω)) are
    one (Ramírez et al., J. Chem. Phys. 121, 3973 (2004), https://doi.org/10.1063/1.1774986).

    Parameters
    ----------
    spectrum : numpy.ndarray
        (e·Å)²/fs, any shape.
    temperature : float
        K.

    Returns
    -------
    numpy.ndarray
        Å².
    """
    # 1/ε₀ is 4π times the Coulomb constant.
    return 4 * np.pi * COULOMB / (6 * LIGHT * BOLTZMANN * temperature) * spectrum


def absorption(spectrum: np.ndarray, temperature: float, volume: float) -> np.ndarray:
    """n(ω)α(ω) = S(ω)/(6 ε₀ c V k_B T) in cm⁻¹, of a cell of `volume` Å³; Napierian, n unknown."""
    return cross_section(spectrum, temperature) / volume / PER_CM


def susceptibility(nalpha: np.ndarray, wavenumber: np.ndarray) -> np.ndarray:
    """χ″(ω) = n(ω)α(ω)c/ω, from nα and ν̃ in cm⁻¹; at ν̃ = 0 it is NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(wavenumber > 0, nalpha / (2 * np.pi * wavenumber), np.nan)


def ionic_permittivity(nalpha: np.ndarray, wavenumber: np.ndarray) -> np.ndarray:
    """Δε = (2/π) ∫ χ″/ω dω over the wavenumbers given, none of which is 0 (Kramers–Kronig)."""
    loss = nalpha / (2 * np.pi * wavenumber)
    return 2 / np.pi * trapezoid(loss / wavenumber, wavenumber, axis=-1)


def quantum_factor(wavenumber: np.ndarray, temperature: float, name: Correction) -> np.ndarray:
    """What a quantum correction other than the harmonic one changes the absorption by.

    Corrections Q(ω) turn the classical spectrum into that of a quantum mechanical correlation
    function. With x = ħω/k_B T they are (Ramírez et al. 2004, DOI 10.1063/1.1774986):
    harmonic x/(1 − e^−x); standard 2/(1 + e^−x); schofield e^(x/2); and the mean of harmonic and
    Schofield's, mixed: e^(x/4) [x/(1 − e^−x)]^(1/2). "classical" is another name of harmonic.

    Parameters
    ----------
    wavenumber : numpy.ndarray
        cm⁻¹, not negative.
    temperature : float
        K.
    name : str

    Returns
    -------
    numpy.ndarray
        Q(ω) over the harmonic one; ones for harmonic.
    """
    x = HBAR * angular(wavenumber) / (BOLTZMANN * temperature)
    # (1 − e^−x)/x, which is 1 at x = 0.
    inverse = np.where(x > 0, -np.expm1(-x) / np.where(x > 0, x, 1.0), 1.0)
    if name == "standard":
        return 2 * inverse / (1 + np.exp(-x))
    if name == "schofield":
        return np.exp(x / 2) * inverse
    if name == "mixed":
        return np.exp(x / 4) * np.sqrt(inverse)
    return np.ones_like(x)
