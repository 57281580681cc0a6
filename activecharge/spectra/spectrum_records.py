"""What a spectrum is, as records with units."""

from dataclasses import dataclass

import numpy as np

from activecharge.spectra.error_bars import Uncertain
from activecharge.spectra.spectra_options import SpectrumOptions


@dataclass(frozen=True)
class Peak:
    """A peak of the absorption; each number is an `Uncertain` of shape ().

    Attributes
    ----------
    centre : Uncertain
        cm⁻¹.
    height : Uncertain
        In the absorption's unit.
    width : Uncertain
        Full width at half height, cm⁻¹, with that of the resolution in it; NaN where the curve
        rises to a higher peak before it falls to half.
    """

    centre: Uncertain
    height: Uncertain
    width: Uncertain


@dataclass(frozen=True)
class Area:
    """The integral of the absorption over a range of wavenumbers.

    Attributes
    ----------
    low, high : float
        cm⁻¹.
    value : Uncertain
        Shape (), in `Spectrum.area_unit`.
    """

    low: float
    high: float
    value: Uncertain


@dataclass(frozen=True)
class Spectrum:
    """An infrared spectrum with half-widths of nominal 90 % ranges.

    Attributes
    ----------
    periodic : bool
        Whether it is that of a cell, whose absorption is n(ω)α(ω), or of a free cluster, whose
        absorption is a cross section.
    wavenumber : (F,) numpy.ndarray
        cm⁻¹, from 0 to `options.upto`.
    absorption : Uncertain
        Shape (F,): nα in cm⁻¹, Napierian, or the cluster's cross section in Å².
    susceptibility : Uncertain or None
        χ″ (F,), NaN at 0 cm⁻¹; None of clusters.
    permittivity : Uncertain or None
        Shape (): what motions of the nuclei above `lowest` add to the static ε; None of clusters.
    lowest : float
        cm⁻¹; where peaks and `permittivity` begin.
    peaks : tuple of Peak
    areas : tuple of Area
    temperature : float
        Of the formula, K; the mean where each trajectory has its own.
    volume : float or None
        Å³.
    formula : str
        Of the atoms.
    members : tuple of int
        Whose Born effective charges are the spread's.
    trajectories : int
        That the value is taken from.
    length : float
        Of all these trajectories together, ps.
    units : int
        Parts of them, or whole ones, that were taken for independent.
    resolution : float
        What a sharp line's full width at half height is, cm⁻¹.
    options : SpectrumOptions
    notes : tuple of str
        What the reader should know, a sentence each.
    """

    periodic: bool
    wavenumber: np.ndarray
    absorption: Uncertain
    susceptibility: Uncertain | None
    permittivity: Uncertain | None
    lowest: float
    peaks: tuple[Peak, ...]
    areas: tuple[Area, ...]
    temperature: float
    volume: float | None
    formula: str
    members: tuple[int, ...]
    trajectories: int
    length: float
    units: int
    resolution: float
    options: SpectrumOptions
    notes: tuple[str, ...]

    @property
    def unit(self) -> str:
        """Of the absorption."""
        return "cm⁻¹" if self.periodic else "Å²"

    @property
    def area_unit(self) -> str:
        """Of its integral over wavenumbers."""
        return "cm⁻²" if self.periodic else "km/mol"
