"""How far a prediction lies from the labels that calibrated a committee."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from activecharge.committee.calibration.calibration import Calibration
from activecharge.properties import PROPERTIES
from activecharge.records import Prediction

JUDGED = ("forces", "charges", "bec")


@dataclass(frozen=True)
class Excess:
    """The atom whose expected error is largest beside what control labels had.

    Attributes
    ----------
    name : str
        The property.
    atom : int
        Counting from 0.
    element : str
    expected : float
        In the property's unit.
    usual : float
        As in `activecharge.committee.calibration.calibration.Fit`.
    """

    name: str
    atom: int
    element: str
    expected: float
    usual: float

    @property
    def ratio(self) -> float:
        """Expected over usual error."""
        return self.expected / self.usual

    def __str__(self) -> str:
        unit, what = PROPERTIES[self.name].unit, {"bec": "Born effective charges"}
        return (
            f"the committee extrapolates: atom {self.atom} (counting from 0, {self.element}) has "
            f"an expected error of {self.expected:.3g} {unit} in {what.get(self.name, self.name)}, "
            f"{self.ratio:.1f} times the {self.usual:.3g} {unit} that 95 % of the atoms of its "
            "control labels stay below; relax the frame first, or have the committee learn from "
            "such frames (said once; warn_beyond sets the limit)"
        )


def largest_excess(
    calibration: Calibration, prediction: Prediction, symbols: Sequence[str]
) -> Excess | None:
    """Where a prediction lies farthest beyond the control labels; None where nothing is known.

    Parameters
    ----------
    calibration : Calibration
    prediction : Prediction
        With expected errors.
    symbols : sequence of str
        Chemical symbols of its atoms.
    """
    found = []
    for name in JUDGED:
        if name in prediction.expected_error:
            expected = prediction.expected_error[name]
            usual = calibration.usual_error(name, symbols)
            known = np.isfinite(usual) & (usual > 0) & np.isfinite(expected)
            if known.any():
                ratio = np.divide(expected, usual, out=np.zeros(len(symbols)), where=known)
                atom = int(np.argmax(ratio))
                found.append(
                    Excess(name, atom, symbols[atom], float(expected[atom]), float(usual[atom]))
                )
    return max(found, key=lambda excess: excess.ratio, default=None)
