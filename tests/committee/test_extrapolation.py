"""How far beyond its control labels a committee says it is."""

import numpy as np
import pytest

from activecharge.committee.calibration.calibration import Calibration, Fit
from activecharge.committee.calibration.extrapolation import largest_excess
from activecharge.records import Prediction

SYMBOLS = ["O", "H", "H"]


def fit(usual):
    return Fit(1.0, 0.0, (None,) * 19, 9, 9, 9, 9, usual)


def said(**errors) -> Prediction:
    values = {name: np.array(value) for name, value in errors.items()}
    return Prediction(values, values, np.empty(0), values)


KNOWN = Calibration(
    {"forces": {"O": fit(0.1), "H": fit(0.2)}, "charges": {"O": fit(0.01), "H": fit(None)}}
)


def test_the_worst_atom_of_all_properties_is_named():
    excess = largest_excess(KNOWN, said(forces=[0.3, 0.1, 0.5], charges=[0.02, 9.0, 9.0]), SYMBOLS)
    assert (excess.name, excess.atom, excess.element) == ("forces", 0, "O")
    assert excess.ratio == pytest.approx(3.0)
    assert str(excess).startswith(
        "the committee extrapolates: atom 0 (counting from 0, O) has an expected error of 0.3 eV/Å "
        "in forces, 3.0 times the 0.1 eV/Å that 95 % of the atoms of its control labels stay below"
    )
    charges = largest_excess(KNOWN, said(forces=[0.1, 0.1, 0.1], charges=[0.05, 9, 9]), SYMBOLS)
    assert (charges.name, charges.atom) == ("charges", 0)


def test_what_is_not_known_is_passed_over():
    assert largest_excess(KNOWN, said(), SYMBOLS) is None
    assert largest_excess(Calibration(), said(forces=[9.0] * 3), SYMBOLS) is None
    assert largest_excess(KNOWN, said(charges=[np.nan, 9.0, 9.0]), SYMBOLS) is None
    assert largest_excess(KNOWN, said(energy=9.0), SYMBOLS) is None
