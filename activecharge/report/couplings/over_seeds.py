"""Errors of one scheme's trainings, which differ in their seeds, summed up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from activecharge.report.metrics import PropertyErrors


@dataclass(frozen=True)
class OverSeeds:
    """A number of each training of a scheme.

    Attributes
    ----------
    mean, std : float or None
        Mean and standard deviation (n − 1) of those that have a meaning; None without enough.
    seeds : tuple of (float or None)
        The single values.
    """

    mean: float | None
    std: float | None
    seeds: tuple[float | None, ...]

    @classmethod
    def of(cls, values: Iterable[float | None]) -> "OverSeeds":
        """Sum up values, None standing for one that has no meaning."""
        seeds = tuple(values)
        known = [value for value in seeds if value is not None]
        return cls(
            mean=float(np.mean(known)) if known else None,
            std=float(np.std(known, ddof=1)) if len(known) > 1 else None,
            seeds=seeds,
        )


@dataclass(frozen=True)
class ElementSpread:
    """Mean absolute and root mean square errors of one element's atoms, over seeds."""

    mae: OverSeeds
    rmse: OverSeeds


@dataclass(frozen=True)
class SchemeErrors:
    """Errors of one property by one scheme, over seeds.

    Attributes
    ----------
    unit : str
    mae, rmse, r2 : OverSeeds
        As in `activecharge.report.metrics.PropertyErrors`.
    per_element : dict of str to ElementSpread
    """

    unit: str
    mae: OverSeeds
    rmse: OverSeeds
    r2: OverSeeds
    per_element: dict[str, ElementSpread]

    @classmethod
    def of(cls, found: Sequence[PropertyErrors]) -> "SchemeErrors":
        """Sum up the errors of at least one seed."""
        elements = {e: [f.per_element[e] for f in found] for e in found[0].per_element}
        return cls(
            unit=found[0].unit,
            mae=OverSeeds.of(f.mae for f in found),
            rmse=OverSeeds.of(f.rmse for f in found),
            r2=OverSeeds.of(f.r2 for f in found),
            per_element={
                element: ElementSpread(
                    OverSeeds.of(f.mae for f in parts), OverSeeds.of(f.rmse for f in parts)
                )
                for element, parts in elements.items()
            },
        )
