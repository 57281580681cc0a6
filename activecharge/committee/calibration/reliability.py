"""Whether calibrated errors came true, on pairs that no part of the calibration has seen."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from activecharge.committee.calibration.blind import blind
from activecharge.committee.calibration.calibration import Calibration
from activecharge.committee.calibration.error_model import LEVELS, frames_needed, ratio
from activecharge.records import BlindPair

SHOWN = (0.5, 0.8, 0.9, 0.95)
"""Nominal coverages that tables show."""

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


def reliability(parts: Sequence[dict[str, Judged]]) -> list[dict[str, Any]]:
    """Sum up how well expected errors and bounds came true.

    Parameters
    ----------
    parts : sequence of what `judge` gave
        One for each calibration that was judged, as those of successive rounds.

    Returns
    -------
    list of dict
        For each property and element, and for all elements together, JSON-able:

        - "property", "element", "frames", "entries";
        - "expected", "observed": root mean square expected error, which is the sharpness, and
          root mean square error, in the property's unit; frames count alike;
        - "spearman": rank correlation of expected and actual error within a part, averaged over
          parts by their entries; None where it says nothing;
        - "curve": [nominal, observed] coverage at each of `LEVELS` that may be claimed, which
          takes `frames_needed` frames both in the calibration and here;
        - "coverage": for those of `SHOWN` that may be claimed, by nominal coverage as text,
          "share" of entries inside, frames counting alike, and its standard "error";
        - "area": area between the curve and the diagonal (Tran et al., Mach. Learn.: Sci.
          Technol. 1, 025006 (2020), DOI 10.1088/2632-2153/ab7e1a); None without 80 %.
    """
    rows = []
    for name in dict.fromkeys(name for part in parts for name in part):
        chosen = [part[name] for part in parts if name in part]
        elements = sorted({e for judged in chosen for e in judged.element.tolist()})
        for element in [*elements, ALL] if len(elements) > 1 else elements:
            rows.append({"property": name, "element": element, **_sum_up(chosen, element)})
    return rows


def _sum_up(parts: Sequence[Judged], element: str) -> dict[str, Any]:
    masks = [np.ones(len(p.frame), bool) if element == ALL else p.element == element for p in parts]
    shift = np.cumsum([0, *(int(p.frame.max()) + 1 for p in parts)])
    frame = np.concatenate([p.frame[m] + s for p, m, s in zip(parts, masks, shift, strict=False)])
    expected, error, inside = (
        np.concatenate([getattr(p, key)[m] for p, m in zip(parts, masks, strict=True)])
        for key in ("expected", "error", "inside")
    )
    _, number, count = np.unique(frame, return_inverse=True, return_counts=True)
    weights = 1.0 / (count[number] * len(count))
    ranks = [
        (spearman(p.expected[m], p.error[m]), int(m.sum()))
        for p, m in zip(parts, masks, strict=True)
    ]
    ranked = np.array([(value, count) for value, count in ranks if value is not None])
    curve = {
        level: found
        for column, level in enumerate(LEVELS)
        if (found := _coverage(inside[:, column], frame, level)) is not None
    }
    return {
        "frames": len(count),
        "entries": len(frame),
        "expected": float(np.sqrt(weights @ expected**2)),
        "observed": float(np.sqrt(weights @ error**2)),
        "spearman": float(np.average(ranked[:, 0], weights=ranked[:, 1])) if len(ranked) else None,
        "curve": [[level, share] for level, (share, _) in curve.items()],
        "coverage": {
            str(level): {"share": curve[level][0], "error": curve[level][1]}
            for level in SHOWN
            if level in curve
        },
        "area": _area(curve) if 0.8 in curve else None,
    }


def _coverage(inside: np.ndarray, frame: np.ndarray, level: float) -> tuple[float, float] | None:
    """Share of entries inside and its standard error over frames; None if that says nothing."""
    claimed = ~np.isnan(inside)
    _, number, count = np.unique(frame[claimed], return_inverse=True, return_counts=True)
    if len(count) < max(frames_needed(level), 2):
        return None
    shares = np.bincount(number, inside[claimed]) / count
    return float(shares.mean()), float(shares.std(ddof=1) / math.sqrt(len(shares)))


def _area(curve: dict[float, tuple[float, float]]) -> float:
    level = np.array([0.0, *curve, 1.0])
    gap = np.abs([0.0, *(share - nominal for nominal, (share, _) in curve.items()), 0.0])
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
