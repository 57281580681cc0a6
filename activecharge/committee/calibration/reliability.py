"""Whether calibrated errors came true, on pairs that no part of the calibration has seen."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from activecharge.committee.calibration.blind import blind
from activecharge.committee.calibration.calibration import Calibration
from activecharge.committee.calibration.error_model import LEVELS, frames_needed, ratio
from activecharge.records import BlindPair, Coverage, Reliability

ALL = "all"
"""Stands for all elements together."""

FEWEST_RANKED = 10
"""Entries below which a rank correlation says nothing."""


@dataclass(frozen=True)
class Judged:
    """Expected and actual errors of one property, an entry for each atom (or frame).

    Attributes
    ----------
    element : numpy.ndarray
        (M,) as in `activecharge.committee.calibration.blind.Blind`.
    frame : numpy.ndarray
        (M,) of int, as there.
    expected, error : numpy.ndarray
        (M,) in the property's unit.
    inside : numpy.ndarray
        (M, L) whether the error kept within the bound of each of `LEVELS`; NaN where the
        calibration claims no such bound.
    """

    element: np.ndarray
    frame: np.ndarray
    expected: np.ndarray
    error: np.ndarray
    inside: np.ndarray


def judge(calibration: Calibration, pairs: Sequence[BlindPair]) -> dict[str, Judged]:
    """Hold a calibration against pairs that it was not made from.

    Parameters
    ----------
    calibration : Calibration
    pairs : sequence of BlindPair
        For coverage to mean anything, frames drawn at random.

    Returns
    -------
    dict of str to Judged
        By property name, where the calibration knows at least one entry.
    """
    found = {}
    for name, fits in calibration.fits.items():
        entries = blind(name, pairs)
        entries = entries.where(np.isin(entries.element, list(fits)))
        if not len(entries):
            continue
        expected, bounds = np.empty(len(entries)), np.empty((len(entries), len(LEVELS)))
        for element, fit in fits.items():
            of = entries.element == element
            expected[of] = np.hypot(fit.slope * entries.spread[of], fit.floor)
            bounds[of] = [fit.factor(level) for level in LEVELS]
        relative = ratio(entries.error, expected)[:, None]
        inside = np.where(np.isnan(bounds), np.nan, relative <= bounds)
        found[name] = Judged(entries.element, entries.frame, expected, entries.error, inside)
    return found


def reliability(parts: Sequence[dict[str, Judged]]) -> list[Reliability]:
    """Sum up how well expected errors and bounds came true.

    Rank correlations are within a part, averaged over parts by their entries. Coverage at one of
    `LEVELS` may be claimed from `frames_needed` frames, both in the calibration and here. For the
    area see Tran et al., Mach. Learn.: Sci. Technol. 1, 025006 (2020),
    DOI 10.1088/2632-2153/ab7e1a.

    Parameters
    ----------
    parts : sequence of what `judge` gave
        One for each calibration that was judged, as those of successive rounds.

    Returns
    -------
    list of Reliability
        For each property and element, and for all elements together where there are several.
    """
    rows = []
    for name in dict.fromkeys(name for part in parts for name in part):
        chosen = [part[name] for part in parts if name in part]
        elements = sorted({e for judged in chosen for e in judged.element.tolist()})
        for element in [*elements, ALL] if len(elements) > 1 else elements:
            rows.append(_sum_up(chosen, name, element))
    return rows


def _sum_up(parts: Sequence[Judged], name: str, element: str) -> Reliability:
    masks = [np.ones(len(p.frame), bool) if element == ALL else p.element == element for p in parts]
    shift = np.cumsum([0, *(int(p.frame.max()) + 1 for p in parts)])
    frame = np.concatenate([p.frame[m] + s for p, m, s in zip(parts, masks, shift, strict=False)])
    expected, error, inside = (
        np.concatenate([getattr(p, key)[m] for p, m in zip(parts, masks, strict=True)])
        for key in ("expected", "error", "inside")
    )
    _, number, count = np.unique(frame, return_inverse=True, return_counts=True)
    weights = 1.0 / (count[number] * len(count))
    coverage = {
        level: found
        for column, level in enumerate(LEVELS)
        if (found := _coverage(inside[:, column], frame, level)) is not None
    }
    return Reliability(
        property=name,
        element=element,
        frames=len(count),
        entries=len(frame),
        expected=float(np.sqrt(weights @ expected**2)),
        observed=float(np.sqrt(weights @ error**2)),
        spearman=_rank_correlation(parts, masks),
        coverage=coverage,
        area=_area(coverage) if 0.8 in coverage else None,
    )


def _rank_correlation(parts: Sequence[Judged], masks: Sequence[np.ndarray]) -> float | None:
    """Of expected and actual error within each part, averaged over parts by their entries."""
    ranked = np.array(
        [
            (value, m.sum())
            for p, m in zip(parts, masks, strict=True)
            if (value := spearman(p.expected[m], p.error[m])) is not None
        ]
    )
    return float(np.average(ranked[:, 0], weights=ranked[:, 1])) if len(ranked) else None


def _coverage(inside: np.ndarray, frame: np.ndarray, level: float) -> Coverage | None:
    """Share of entries inside and its standard error over frames; None if that says nothing."""
    claimed = ~np.isnan(inside)
    _, number, count = np.unique(frame[claimed], return_inverse=True, return_counts=True)
    if len(count) < max(frames_needed(level), 2):
        return None
    shares = np.bincount(number, inside[claimed]) / count
    return Coverage(float(shares.mean()), float(shares.std(ddof=1) / math.sqrt(len(shares))))


def _area(coverage: dict[float, Coverage]) -> float:
    level = np.array([0.0, *coverage, 1.0])
    gap = np.abs([0.0, *(found.share - nominal for nominal, found in coverage.items()), 0.0])
    return float(np.sum(np.diff(level) * (gap[1:] + gap[:-1]) / 2))


def spearman(first: np.ndarray, second: np.ndarray) -> float | None:
    """Rank correlation of two samples (M,), equal values sharing their mean rank.

    Returns
    -------
    float or None
        None for fewer than `FEWEST_RANKED` entries, or where one sample does not vary.
    """
    if len(first) < FEWEST_RANKED:
        return None
    a, b = (_ranks(x) - (len(x) - 1) / 2 for x in (first, second))
    norm = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / norm if norm > 0 else None


def _ranks(values: np.ndarray) -> np.ndarray:
    _, inverse, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count) - 1
    return (last - (count - 1) / 2)[inverse]
