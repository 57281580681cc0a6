"""What the vibrations of a cluster are, as a record with units."""

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from activecharge.spectra.error_bars import range_of_draw
from activecharge.spectra.spectra_options import VibrationsOptions


@dataclass(frozen=True)
class Vibrations:
    """K harmonic modes of a relaxed cluster by M members and their mean, the lowest first.

    Attributes
    ----------
    atoms : ase.Atoms
        At the minimum of the members' mean.
    wavenumber : (K,) numpy.ndarray
        By the mean's Hessian, cm⁻¹; of imaginary modes, the negative of its size.
    intensity : (K,) numpy.ndarray
        By the mean's Born effective charges, km/mol; in a degenerate set, the mean over it.
    wavenumber_members, intensity_members : (M, K) numpy.ndarray
        By each member's own Hessian and charges in the same place, matched to the mean's modes.
    overlap : (M, K) numpy.ndarray
        Of each member's mode with its degenerate set of the mean's: 1 where they are one.
    sets : (K,) numpy.ndarray
        Which degenerate set each mode is of.
    vectors : (K, N, 3) numpy.ndarray
        Mass-weighted displacements, orthonormal.
    options : VibrationsOptions
    largest_force : float
        Of the mean, on an atom, eV/Å; NaN where it was not relaxed.
    forces_factor, bec_factor : float
        By which calibration widens (or narrows) ranges of wavenumbers and intensities; 1 without.
    """

    atoms: Atoms
    wavenumber: np.ndarray
    intensity: np.ndarray
    wavenumber_members: np.ndarray
    intensity_members: np.ndarray
    overlap: np.ndarray
    sets: np.ndarray
    vectors: np.ndarray
    options: VibrationsOptions
    largest_force: float = float("nan")
    forces_factor: float = 1.0
    bec_factor: float = 1.0

    @property
    def wavenumber_width(self) -> np.ndarray:
        """Half-widths (K,) of nominal 90 % ranges by the members' spread; NaN of one member."""
        return self.forces_factor * _width(self.wavenumber_members)

    @property
    def intensity_width(self) -> np.ndarray:
        """As `wavenumber_width`, km/mol."""
        return self.bec_factor * _width(self.intensity_members)

    @property
    def imaginary(self) -> int:
        """How many modes lead downhill."""
        return int((self.wavenumber < 0).sum())


def _width(members: np.ndarray) -> np.ndarray:
    if len(members) < 2:
        return np.full(members.shape[1], np.nan)
    return range_of_draw(len(members)) * members.std(axis=0, ddof=1)
