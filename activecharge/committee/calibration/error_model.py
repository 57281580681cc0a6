"""From spread to error: a regression with two parameters, and conformal factors on top of it."""

import math
from dataclasses import dataclass

import numpy as np

from activecharge.committee.calibration.blind import Blind

LEVELS = tuple(round(0.05 * step, 2) for step in range(1, 20))
"""Nominal coverages at which factors are kept, 0.05 to 0.95."""

FOLDS = 5
"""Parts of the frames, each judged by a regression on the others."""

FEWEST_FRAMES = 5
"""Frames below which no regression is made, or no scale taken from control frames alone."""

LEAST_FLOOR = 1e-4
"""Least share of the mean square error that does not depend on the spread: members that agree
by chance promise a hundredth of the typical error, not none."""


@dataclass(frozen=True)
class ErrorModel:
    """Expected error σ of a spread u: σ² = slope² u² + floor².

    The first term is what members disagree about, the second what all of them get wrong alike.
    Proportional scaling (floor 0) is that of Imbalzano et al., J. Chem. Phys. 154, 074102
    (2021), DOI 10.1063/5.0036522.

    Attributes
    ----------
    slope : float
        Dimensionless.
    floor : float
        In the property's unit.
    """

    slope: float
    floor: float

    def __call__(self, spread: np.ndarray) -> np.ndarray:
        """Expected root mean square error, of the shape and unit of `spread`."""
        return np.hypot(self.slope * spread, self.floor)


def fit_error_model(blind: Blind) -> ErrorModel:
    """Fit the expected error by maximum likelihood of Gaussian errors.

    With σ² = s² v, v = (1 − f) u²/⟨u²⟩ + f, the best s² for given f is ⟨e²/v⟩, which leaves
    log s² + ⟨log v⟩ to be minimised over f in (0, 1]: a search on one bounded axis, which
    cannot fail. Averages run over frames, since atoms of one frame err together.

    How v depends on the spread is learned from all pairs: that frames were chosen for their
    spread does not bias the error at given spread much, and they are the ones that reach far.
    The scale s² comes from control frames alone where there are at least `FEWEST_FRAMES`, so
    that over all candidates the expected error is right on average.

    Parameters
    ----------
    blind : Blind
        At least one entry.

    Returns
    -------
    ErrorModel
    """
    weights = blind.shares()
    squared, error2 = blind.spread**2, blind.error**2
    mean = float(weights @ squared)
    relative = squared / mean if mean > 0 else squared
    share, v = _best_share(relative, error2, weights)
    control = blind.where(blind.control)
    if control.frames() >= FEWEST_FRAMES:
        scale = float(control.shares() @ (error2 / v)[blind.control])
    else:
        scale = float(weights @ (error2 / v))
    slope = math.sqrt(scale * (1 - share) / mean) if mean > 0 else 0.0
    return ErrorModel(slope, math.sqrt(scale * share))


def _best_share(
    relative: np.ndarray, error2: np.ndarray, weights: np.ndarray
) -> tuple[float, np.ndarray]:
    """The f of `fit_error_model` for u²/⟨u²⟩, e² and weights of all pairs (P,), and v (P,)."""

    def shape(share: np.ndarray) -> np.ndarray:
        return (1 - share)[:, None] * relative + share[:, None]

    shares = np.geomspace(LEAST_FLOOR, 1.0, 41)
    for _ in range(3):
        v = shape(shares)
        with np.errstate(divide="ignore"):  # errors that vanish altogether
            cost = np.log((error2 / v) @ weights) + np.log(v) @ weights
        best = int(np.argmin(cost))
        low, high = shares[max(best - 1, 0)], shares[min(best + 1, len(shares) - 1)]
        share = shares[best]
        shares = np.geomspace(low, high, 41)
    [v] = shape(np.array([share]))
    return share, v


def relative_errors(blind: Blind) -> np.ndarray:
    """Errors of the control entries in units of the error expected without their frame's fold.

    Parameters
    ----------
    blind : Blind

    Returns
    -------
    numpy.ndarray
        (C,) for the C control entries, in their order.
    """
    _, rank = np.unique(blind.frame, return_inverse=True)
    scores = np.zeros(len(blind))
    for fold in range(FOLDS):
        inside = rank % FOLDS == fold
        if (inside & blind.control).any():
            model = fit_error_model(blind.where(~inside))
            scores[inside] = ratio(blind.error[inside], model(blind.spread[inside]))
    return scores[blind.control]


def ratio(error: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Error over expected error; 0 where both vanish."""
    found = np.where(error > 0, np.inf, 0.0)
    return np.divide(error, expected, out=found, where=expected > 0)


def conformal_factor(blind: Blind, scores: np.ndarray, level: float) -> float:
    """The factor on the expected error that bounds the error with a given probability.

    Frames are exchangeable, atoms of one frame are not independent. So each of F frames has
    mass 1/(F + 1), shared by its atoms, and the frame to come has the rest, at infinity; the
    factor is the `level` quantile of that. It covers a random atom of a new frame with at least
    that probability (Lee, Barber, Willett, *Distribution-free inference with hierarchical
    data*, arXiv 2306.06342; with one atom a frame it is the usual split-conformal quantile).
    Frames of former committees have the mass of their weight in place of 1: Barber, Candès,
    Ramdas, Tibshirani, *Conformal prediction beyond exchangeability*, Ann. Statist. 51, 816
    (2023), DOI 10.1214/23-AOS2276, where the loss of coverage by such frames is bounded.

    Parameters
    ----------
    blind : Blind
        M entries.
    scores : (M,)
        Their errors in units of the expected error.
    level : float
        In (0, 1).

    Returns
    -------
    float
        Infinite where the frames are worth fewer than `frames_needed(level)`.
    """
    worth = blind.frames_worth()
    order = np.argsort(scores, kind="stable")
    mass = np.cumsum(blind.shares()[order]) * worth / (worth + 1)
    # Sums of fractions such as 9/10 must reach their level despite rounding.
    reached = np.flatnonzero(mass >= level - 1e-12)
    return float(scores[order[reached[0]]]) if len(reached) else math.inf


def frames_needed(level: float) -> int:
    """Fewest frames that support a claim of coverage: 1 for 50 %, 4, 9, 19 for 80, 90, 95 %."""
    return math.ceil(1 / (1 - level) - 1e-9) - 1
