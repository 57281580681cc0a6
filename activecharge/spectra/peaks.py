"""Peaks of a curve: where they are, how high and how wide."""

from collections.abc import Sequence

import numpy as np

SHAPE = ("centre", "height", "width")
"""What `measure_peak` gives, in this order."""


def find_peaks(
    x: np.ndarray, y: np.ndarray, lowest: float, prominence: float, distance: float
) -> list[int]:
    """Indices of the peaks of a curve.

    Parameters
    ----------
    x, y : (F,) numpy.ndarray
        x rises.
    lowest : float
        Peaks left of it are none.
    prominence : float
        How far they stand out of what is around them, as a share of the highest one of them.
    distance : float
        Between peaks at least, in units of x.
    """
    from scipy.signal import find_peaks as search

    inside = x >= lowest
    top = float(y[inside].max(initial=0.0))
    if top <= 0:
        return []
    apart = max(1, int(distance / (x[-1] - x[0]) * (len(x) - 1)))
    found, _ = search(y, prominence=prominence * top, distance=apart)
    return [int(index) for index in found if inside[index]]


def measure_peak(x: np.ndarray, y: np.ndarray, top: int) -> tuple[float, float, float]:
    """Centre, height and full width at half height of the peak whose highest point is `top`.

    Centre and height are those of the parabola through the logarithms of the three points there,
    and the width lies between the points of half that height, between which the curve is taken for
    straight. NaN where the curve rises above the peak before it falls to half of it.
    """
    centre, height = float(x[top]), float(y[top])
    if 0 < top < len(y) - 1 and (y[top - 1 : top + 2] > 0).all():
        # In units of the grid, which is even to first order about a peak.
        left, mid, right = np.log(y[top - 1 : top + 2])
        bend = left - 2 * mid + right
        if bend < 0:
            shift = (left - right) / (2 * bend)
            step = x[top + 1] - x[top] if shift > 0 else x[top] - x[top - 1]
            centre += shift * step
            height = float(np.exp(mid - (left - right) * shift / 4))
    ends = [_half(x, y, top, height, step) for step in (-1, 1)]
    return centre, height, ends[1] - ends[0]


def _half(x: np.ndarray, y: np.ndarray, top: int, height: float, step: int) -> float:
    """Where the curve has fallen to half the height on one side; NaN if it does not."""
    index = top
    while 0 <= index + step < len(y) and y[index + step] <= height:
        index += step
        if y[index] < height / 2:
            inner, outer = y[index - step], y[index]
            share = (inner - height / 2) / (inner - outer)
            return float(x[index - step] + share * (x[index] - x[index - step]))
    return float("nan")


def measure_near(
    x: np.ndarray, y: np.ndarray, reaches: Sequence[tuple[float, float]]
) -> np.ndarray:
    """Shapes (P, 3) of the highest point in each of P ranges of x; NaN where it is at an end."""
    shapes = np.full((len(reaches), 3), np.nan)
    for place, (low, high) in enumerate(reaches):
        inside = np.flatnonzero((x >= low) & (x <= high))
        if len(inside) < 3:
            continue
        top = int(inside[np.argmax(y[inside])])
        if inside[0] < top < inside[-1]:
            shapes[place] = measure_peak(x, y, top)
    return shapes


def reaches_of(shapes: np.ndarray, least: float) -> list[tuple[float, float]]:
    """Where peaks of like curves are looked for: about each of P shapes (P, 3), not at another's.

    As far as its width, or `least` where that is more, but half the way to the next one at most.
    """
    centres = shapes[:, 0]
    found = []
    for centre, _, width in shapes:
        reach = max(least, width if np.isfinite(width) else 0.0)
        low, high = centre - reach, centre + reach
        below, above = centres[centres < centre], centres[centres > centre]
        if len(below):
            low = max(low, (centre + below.max()) / 2)
        if len(above):
            high = min(high, (centre + above.min()) / 2)
        found.append((float(low), float(high)))
    return found
