"""What a committee's spread is worth: the error to expect, and bounds that hold as they say."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from activecharge.committee.calibration.blind import Blind, blind
from activecharge.committee.calibration.error_model import (
    FEWEST_FRAMES,
    LEVELS,
    conformal_factor,
    fit_error_model,
    relative_errors,
)
from activecharge.errors import UserError
from activecharge.files import write_json
from activecharge.properties import PROPERTIES
from activecharge.records import BlindPair, Prediction

CALIBRATION = "calibration.json"
"""The file, beside the members of a committee."""

USUAL = 0.95
"""Share of the control entries whose expected errors are called usual."""

_FORMAT = "activecharge calibration 1"


@dataclass(frozen=True)
class Fit:
    """The calibration of one property of one element.

    Attributes
    ----------
    slope, floor : float
        As in `activecharge.committee.calibration.error_model.ErrorModel`.
    factors : tuple of (float or None)
        For each of `LEVELS`, the bound on the error in units of the expected error; None where
        there were too few control frames for it.
    frames, control_frames : int
        Frames fitted to, and those of them that were drawn at random.
    entries, control_entries : int
        The same counted in atoms (or frames, for properties of the frame).
    usual : float or None
        The expected error that 95 % of the control entries stay below, frames counting by their
        weight; None without any, and in files of former versions.
    """

    slope: float
    floor: float
    factors: tuple[float | None, ...]
    frames: int
    control_frames: int
    entries: int
    control_entries: int
    usual: float | None = None

    def factor(self, level: float) -> float:
        """The factor of one of `LEVELS`; NaN where nothing can be claimed."""
        found = self.factors[LEVELS.index(level)]
        return math.nan if found is None else found


@dataclass(frozen=True)
class Calibration:
    """Expected errors and their bounds, by property and element.

    Attributes
    ----------
    fits : dict of str to dict of str to Fit
        By property name, then by chemical symbol (an empty string for properties of the
        frame). What had too few frames is absent.
    """

    fits: dict[str, dict[str, Fit]] = field(default_factory=dict)

    @classmethod
    def fit(cls, pairs: Sequence[BlindPair]) -> "Calibration":
        """Learn from predictions that were made before training on the labels.

        The expected error is a regression on all pairs. The factors of its bounds are
        cross-conformal: each control frame is judged by a regression that has not seen its
        part of the frames. Pairs that were chosen for their spread do not enter them.

        Parameters
        ----------
        pairs : sequence of BlindPair
            In any order.

        Returns
        -------
        Calibration
            A property of an element with fewer than `FEWEST_FRAMES` frames is left out.
        """
        fits: dict[str, dict[str, Fit]] = {}
        for name in PROPERTIES:
            entries = blind(name, pairs)
            for element in sorted(set(entries.element.tolist())):
                of_element = entries.where(entries.element == element)
                if of_element.frames() >= FEWEST_FRAMES:
                    fits.setdefault(name, {})[element] = _fit(of_element)
        return cls(fits)

    def expected_error(self, name: str, spread: ArrayLike, symbols: Sequence[str]) -> np.ndarray:
        """Root mean square error to expect where a committee has a given spread.

        Parameters
        ----------
        name : str
            Property name.
        spread : (N,) or ()
            As in `activecharge.records.Prediction.std`, in the property's unit.
        symbols : sequence of str
            Chemical symbols of the frame's N atoms.

        Returns
        -------
        numpy.ndarray
            Of the shape and unit of `spread`, for vectors and tensors of one component; NaN
            where the calibration does not know the element or the property.
        """
        scale = 1 / len(symbols) if name == "energy" else 1.0
        slope = self._each(name, symbols, lambda fit: fit.slope)
        floor = self._each(name, symbols, lambda fit: fit.floor)
        return np.asarray(np.hypot(slope * scale * np.asarray(spread), floor) / scale)

    def usual_error(self, name: str, symbols: Sequence[str]) -> np.ndarray:
        """What 95 % of the control labels' expected errors stay below, for each atom (N,) or for
        the frame (); NaN where that is not known."""
        return self._each(name, symbols, lambda fit: math.nan if fit.usual is None else fit.usual)

    def apply(self, prediction: Prediction, symbols: Sequence[str]) -> Prediction:
        """The prediction with expected errors of all properties the calibration knows of it."""
        found = {
            name: self.expected_error(name, spread, symbols)
            for name, spread in prediction.std.items()
            if name in self.fits
        }
        known = {name: error for name, error in found.items() if np.isfinite(error).any()}
        return replace(prediction, expected_error=known)

    def half_width(
        self, prediction: Prediction, name: str, level: float, symbols: Sequence[str]
    ) -> np.ndarray:
        """Bound that the error stays below with probability `level`.

        Parameters
        ----------
        prediction : Prediction
            One with expected errors.
        name : str
            Property name.
        level : float
            One of `activecharge.committee.calibration.error_model.LEVELS`.
        symbols : sequence of str
            Chemical symbols of the frame's N atoms.

        Returns
        -------
        numpy.ndarray
            (N,) or (), in the property's unit, for the root mean square over components; NaN
            where there were too few control frames to claim that level.
        """
        if level not in LEVELS:
            raise UserError(
                f"no bounds are kept for the level {level}; choose one of {LEVELS[0]} to "
                f"{LEVELS[-1]} in steps of 0.05"
            )
        factor = self._each(name, symbols, lambda fit: fit.factor(level))
        return np.asarray(factor * prediction.expected_error.get(name, np.nan))

    def _each(self, name: str, symbols: Sequence[str], value: Callable[[Fit], float]) -> np.ndarray:
        """A fit's value for each atom (N,), or for the frame (); NaN where there is no fit."""
        fits = self.fits.get(name, {})
        known = {element: value(fit) for element, fit in fits.items()}
        if not PROPERTIES[name].per_atom:
            return np.array(known.get("", np.nan))
        return np.array([known.get(symbol, np.nan) for symbol in symbols])

    def save(self, path: Path | str) -> Path:
        """Write the calibration as JSON, atomically."""
        return write_json(path, self.data())

    def data(self) -> dict[str, Any]:
        """The calibration as data that JSON can hold."""
        fits = {
            name: {element: asdict(fit) for element, fit in by_element.items()}
            for name, by_element in self.fits.items()
        }
        return {"format": _FORMAT, "levels": LEVELS, "fits": fits}

    @classmethod
    def load(cls, path: Path | str) -> "Calibration":
        """Read what `save` wrote.

        Raises
        ------
        UserError
            If the file is not such a calibration.
        """
        try:
            return cls.rebuilt(json.loads(Path(path).read_bytes()))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{path}: not a calibration that this version can read; delete it to go on with "
                "raw spreads, or run the campaign again to make it anew"
            ) from error

    @classmethod
    def rebuilt(cls, data: dict[str, Any]) -> "Calibration":
        """What `data` gave.

        Raises
        ------
        ValueError, KeyError, TypeError, AttributeError
            If this is not such a calibration.
        """
        if (data["format"], tuple(data["levels"])) != (_FORMAT, LEVELS):
            raise ValueError("another format")
        return cls(
            {
                name: {e: Fit(**{**fit, "factors": tuple(fit["factors"])}) for e, fit in of.items()}
                for name, of in data["fits"].items()
            }
        )


def _fit(entries: Blind) -> Fit:
    model = fit_error_model(entries)
    control = entries.where(entries.control)
    scores = relative_errors(entries)
    factors = [conformal_factor(control, scores, level) for level in LEVELS]
    return Fit(
        slope=model.slope,
        floor=model.floor,
        factors=tuple(factor if math.isfinite(factor) else None for factor in factors),
        frames=entries.frames(),
        control_frames=control.frames(),
        entries=len(entries),
        control_entries=len(control),
        usual=_usual(model(control.spread), control.shares()) if len(control) else None,
    )


def _usual(expected: np.ndarray, shares: np.ndarray) -> float:
    """The smallest value that a share of `USUAL` stays at or below."""
    order = np.argsort(expected, kind="stable")
    # Rounding may leave the sum of all shares just below one.
    place = int(np.searchsorted(np.cumsum(shares[order]), USUAL * (1 - 1e-12)))
    return float(expected[order[min(place, len(order) - 1)]])
