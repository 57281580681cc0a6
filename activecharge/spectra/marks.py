"""Measured positions of water's bands, to draw beside a spectrum of one's own."""

from dataclasses import dataclass

from activecharge.spectra.spectra_options import Marks


@dataclass(frozen=True)
class MarkSet:
    """Maxima of a measured spectrum.

    Attributes
    ----------
    words : str
        What was measured.
    source : str
        By whom.
    wavenumbers : tuple of float
        cm⁻¹.
    """

    words: str
    source: str
    wavenumbers: tuple[float, ...]


MARKS: dict[Marks, MarkSet] = {
    "liquid": MarkSet(
        "χ″ of liquid H2O, 25 °C",
        "as cited by Stärk et al. 2026, https://doi.org/10.1039/d6cp00911e",
        (510.0, 1641.0, 3382.0),
    ),
    "gas": MarkSet(
        "fundamentals of H2O vapour",
        "Tennyson et al. 2013, https://doi.org/10.1016/j.jqsrt.2012.10.002",
        (1595.0, 3657.0, 3756.0),
    ),
}
"""By the name that `--marks` takes."""
