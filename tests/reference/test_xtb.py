"""The xtb library against tblite, an independent implementation of the same methods."""

import subprocess
import sys

import numpy as np
import pytest
from ase.build import molecule
from cases import message_without, rotational_breach

pytest.importorskip("xtb", reason="xtb is not installed (pip install 'activecharge[xtb]')")

from activecharge.reference.codes.tblite import tblite
from activecharge.reference.codes.xtb import label, settings
from activecharge.reference.failure import ReferenceFailure, Refusal
from activecharge.reference.reference_options import TbliteOptions, XtbOptions

METHODS = ("GFN2-xTB", "GFN1-xTB")


@pytest.mark.parametrize("method", METHODS)
def test_same_label_as_tblite(trimer, method):
    mine = label(trimer, XtbOptions(method=method))
    theirs = tblite.label(trimer, TbliteOptions(method=method))
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


def test_sum_rules(trimer):
    values = label(trimer, XtbOptions())
    # Third derivatives of the dipole times step²: 1e-6 e; times a lever of a few Å.
    np.testing.assert_allclose(values["bec"].sum(axis=0), 0, atol=1e-5)
    assert rotational_breach(trimer, values) < 5e-5


def test_cells_are_refused(box):
    with pytest.raises(Refusal, match="xtb labels free clusters only"):
        label(box, XtbOptions(method="GFN1-xTB"))


def test_no_convergence_is_a_failure(trimer):
    with pytest.raises(ReferenceFailure, match=r"xtb \(GFN2-xTB\): .* did not converge"):
        label(trimer, XtbOptions(max_iterations=2))


def test_outside_its_reach():
    water = molecule("H2O")
    water.numbers[1] = 2
    with pytest.raises(Refusal, match="even number"):
        label(water, XtbOptions())


def test_settings():
    given = settings(XtbOptions(method="GFN1-xTB"))
    assert (given["method"], given["step_A"]) == ("GFN1-xTB", 1e-3)
    assert given["version"].count(".") >= 1


def test_missing_package_says_how_to_install_it():
    code = message_without("xtb", "xtb")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'activecharge[xtb]'" in done.stdout
