"""Error bars of what is measured from spectra: members' charges, their forces, and statistics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

NOMINAL = 0.9
"""Chance at which half-widths are meant to hold the true value."""

Measure = Callable[[np.ndarray], np.ndarray]
"""Takes a spectrum (F,) and gives numbers (V,), NaN where there is none."""


@dataclass(frozen=True)
class Uncertain:
    """Numbers with half-widths of their nominal 90 % ranges, by source; NaN where unknown.

    Attributes
    ----------
    value : numpy.ndarray
        Shape (V,), as are the others.
    members : numpy.ndarray
        By the spread of the members' Born effective charges along the same trajectories.
    forces : numpy.ndarray
        By the spread between trajectories that single members drive, statistics taken off.
    statistics : numpy.ndarray
        By the finite trajectories.
    together : numpy.ndarray
        All that are known.
    """

    value: np.ndarray
    members: np.ndarray
    forces: np.ndarray
    statistics: np.ndarray
    together: np.ndarray

    def part(self, key: int | slice) -> "Uncertain":
        """Some of the numbers; of a single one, shapes are ()."""
        return Uncertain(
            self.value[key],
            self.members[key],
            self.forces[key],
            self.statistics[key],
            self.together[key],
        )

    def scaled(self, factor: float | np.ndarray) -> "Uncertain":
        """In another unit."""
        return Uncertain(
            self.value * factor,
            self.members * factor,
            self.forces * factor,
            self.statistics * factor,
            self.together * factor,
        )


@dataclass(frozen=True)
class Ensemble:
    """Spectra of trajectories, or parts of them, that count as independent.

    Attributes
    ----------
    units : dict of (int or None) to numpy.ndarray
        (U, M + 1, F) by what drives (a member, None for their mean): U trajectories or parts, and
        spectra by the Born effective charges of each of M members and, last, by their mean.
    members : tuple of int
        Which members the M are.
    """

    units: Mapping[int | None, np.ndarray]
    members: tuple[int, ...]

    @property
    def central(self) -> list[np.ndarray]:
        """Units of the trajectories that the value is taken from: driven by the mean, if any."""
        return [self.units[None]] if None in self.units else list(self.units.values())

    def mean(self, which: int = -1) -> np.ndarray:
        """The spectrum (F,) by one member's charges, or the mean's; drivers count alike."""
        return np.mean([units[:, which].mean(axis=0) for units in self.central], axis=0)

    def measure(self, measure: Measure) -> Uncertain:
        """Measure the mean's spectrum, with half-widths of 90 % ranges.

        A range is that of a draw from where the members come from: Student's quantile of M − 1
        degrees of freedom times their standard deviation times √(1 + 1/M), about the mean's value.
        Statistics are those of the jackknife, which leaves out one unit at a time.
        """
        value = measure(self.mean())
        charges = _between([measure(self.mean(m)) for m in range(len(self.members))], value)
        statistics = _jackknife([u[:, -1] for u in self.central], measure, value)
        drivers = {d: u for d, u in self.units.items() if d is not None}
        forces = both = np.full_like(value, np.nan)
        if len(drivers) > 1:
            forces = _trajectories([u[:, -1] for u in drivers.values()], measure, value)
            if set(drivers) <= set(self.members):
                own = [u[:, self.members.index(d)] for d, u in drivers.items()]
                both = _trajectories(own, measure, value)
        known = np.where(np.isnan(both), np.sqrt(_square(charges) + _square(forces)), both)
        together = np.sqrt(_square(known) + _square(statistics))
        unknown = np.isnan(charges) & np.isnan(forces) & np.isnan(statistics)
        together = np.where(unknown, np.nan, together)
        return Uncertain(value, charges, forces, statistics, together)


def range_of_draw(count: int) -> float:
    """By how many standard deviations of `count` draws another one misses their mean in 10 %."""
    return student(count - 1) * float(np.sqrt(1 + 1 / count))


def student(freedom: int) -> float:
    """Two-sided quantile of Student's distribution for the nominal coverage."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + NOMINAL) / 2))


def _between(
    measured: list[np.ndarray], value: np.ndarray, noise: float | np.ndarray = 0.0
) -> np.ndarray:
    """Half-width by the spread of members, of whose variance `noise` is not theirs."""
    here = np.array(measured).reshape(len(measured), -1)
    counts = np.isfinite(here).sum(axis=0)
    width = np.full_like(value, np.nan)
    for count in range(2, len(here) + 1):
        of = counts == count
        variance = np.nanvar(here[:, of], axis=0, ddof=1) - np.broadcast_to(noise, value.shape)[of]
        width[of] = range_of_draw(count) * np.sqrt(np.maximum(variance, 0.0))
    return width


def _trajectories(groups: list[np.ndarray], measure: Measure, value: np.ndarray) -> np.ndarray:
    """Half-width by the spread between drivers, of whom each has units (U, F)."""
    noise = np.mean([_variance(units, measure, value) for units in groups], axis=0)
    measured = [measure(units.mean(axis=0)) for units in groups]
    return _between(measured, value, np.nan_to_num(noise))


def _jackknife(groups: list[np.ndarray], measure: Measure, value: np.ndarray) -> np.ndarray:
    """Half-width by statistics, each group's units (U, F) being draws of their own."""
    variance, freedom = np.zeros_like(value), 0
    means = [units.mean(axis=0) for units in groups]
    for place, units in enumerate(groups):
        if len(units) < 2:
            return np.full_like(value, np.nan)
        others = [mean for index, mean in enumerate(means) if index != place]

        def of(spectrum: np.ndarray, others: list[np.ndarray] = others) -> np.ndarray:
            return measure(np.mean([spectrum, *others], axis=0))

        variance = variance + _variance(units, of, value)
        freedom += len(units) - 1
    return student(freedom) * np.sqrt(variance)


def _variance(units: np.ndarray, measure: Measure, value: np.ndarray) -> np.ndarray:
    """The jackknife's variance of a measure of the mean of units (U, F); NaN of fewer than 2."""
    count = len(units)
    if count < 2:
        return np.full_like(value, np.nan)
    total = units.sum(axis=0)
    left = np.array([measure((total - unit) / (count - 1)) for unit in units])
    return (count - 1) / count * ((left - left.mean(axis=0)) ** 2).sum(axis=0)


def _square(width: np.ndarray) -> np.ndarray:
    return np.nan_to_num(width) ** 2
