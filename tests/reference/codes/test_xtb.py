"""The xtb library against tblite, an independent implementation of the same methods."""

import numpy as np
import pytest
from ase.build import molecule

pytest.importorskip("xtb", reason="xtb is not installed (pip install 'activecharge[xtb]')")

from activecharge.reference.codes.xtb import XtbOptions, label, settings
from activecharge.reference.failure import ReferenceFailure, Refusal


@pytest.mark.parametrize("method", ["GFN2-xTB", "GFN1-xTB"])
def test_same_label_as_tblite(trimer, tblite_labels, method):
    """tblite's labels obey the sum rules, so these do, too."""
    mine, theirs = label(trimer, XtbOptions(method=method)), tblite_labels[method]
    assert mine.keys() == theirs.keys()
    for name, tolerance in {
        # The libraries differ by 4e-7 eV in constants (of 470 eV), and are converged to 1e-8.
        "energy": 2e-6,
        "forces": 1e-6,
        "charges": 1e-7,
        "dipole": 1e-7,
        # Errors of second order of both differences: 1e-6 e by the field (tblite), 3e-6 e by
        # the displacement (xtb).
        "bec": 1e-5,
    }.items():
        np.testing.assert_allclose(mine[name], theirs[name], rtol=0, atol=tolerance, err_msg=name)


def test_faults(trimer, box):
    with pytest.raises(ReferenceFailure, match=r"xtb \(GFN2-xTB\): .* did not converge"):
        label(trimer, XtbOptions(max_iterations=2))
    with pytest.raises(Refusal, match="xtb labels free clusters only"):
        label(box, XtbOptions(method="GFN1-xTB"))
    water = molecule("H2O")
    water.numbers[1] = 2
    with pytest.raises(Refusal, match="even number"):
        label(water, XtbOptions())


def test_settings():
    given = settings(XtbOptions(method="GFN1-xTB"))
    assert (given["method"], given["step_A"]) == ("GFN1-xTB", 1e-3)
    assert given["version"].count(".") >= 1
