"""Any ASE calculator: a real one (tblite's) and small ones that say more or go wrong."""

import sys

import numpy as np
import pytest
from pydantic import ValidationError

pytest.importorskip("tblite.ase")

from activecharge.errors import UserError
from activecharge.reference.codes.ase import AseOptions, label, settings
from activecharge.reference.failure import ReferenceFailure, Refusal

TBLITE = AseOptions(
    calculator="tblite.ase:TBLite",
    arguments={"method": "GFN1-xTB", "accuracy": 1e-4, "verbosity": 0},
)

CALCULATORS = """\
import numpy as np
from ase.calculators.calculator import Calculator, all_changes

class Charged(Calculator):
    implemented_properties = ["energy", "forces", "stress", "born_effective_charges"]

    def calculate(self, atoms=None, properties=(), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        n = len(atoms)
        self.results = {
            "energy": 1.0,
            "forces": np.zeros((n, 3)),
            "stress": np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            "born_effective_charges": np.arange(9.0 * n).reshape(n, 3, 3),
        }

class Broken(Calculator):
    implemented_properties = ["energy", "forces", "dipole"]

    def calculate(self, *args, **kwargs):
        raise RuntimeError("out of luck")
"""


@pytest.fixture(autouse=True)
def calculators(tmp_path, monkeypatch):
    (tmp_path / "my_calculators.py").write_text(CALCULATORS)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("my_calculators", None)


def test_same_label_as_the_code_itself(trimer, tblite_labels):
    mine, theirs = label(trimer, TBLITE), tblite_labels["GFN1-xTB"]
    assert mine.keys() == theirs.keys()
    # ASE's constants are CODATA 2014: 1e-7 relative of 470 eV.
    np.testing.assert_allclose(mine["energy"], theirs["energy"], rtol=1e-6)
    for name in ("forces", "charges", "dipole"):
        np.testing.assert_allclose(mine[name], theirs[name], atol=1e-5)
    # Second order of the step of 5e-3 Å: 25 times the 3e-6 e of 1e-3 Å.
    np.testing.assert_allclose(mine["bec"], theirs["bec"], atol=3e-4)


def test_own_born_effective_charges_need_their_index_order(box):
    options = AseOptions(calculator="my_calculators:Charged", bec="calculator")
    with pytest.raises(UserError, match=r"reference\.bec_convention"):
        label(box, options)
    first = label(box, options.model_copy(update={"bec_convention": "pol_disp"}))
    second = label(box, options.model_copy(update={"bec_convention": "disp_pol"}))
    np.testing.assert_array_equal(first["bec"].ravel(), np.arange(54.0))
    np.testing.assert_array_equal(second["bec"], first["bec"].transpose(0, 2, 1))
    expected = [[1, 6, 5], [6, 2, 4], [5, 4, 3]]
    np.testing.assert_array_equal(first["stress"], expected)


def test_what_is_not_offered(box, trimer):
    charged = AseOptions(calculator="my_calculators:Charged")
    with pytest.raises(UserError, match="offers no dipole"):
        label(trimer, charged)
    assert "bec" not in label(trimer, charged.model_copy(update={"bec": "none"}))
    own = TBLITE.model_copy(update={"bec": "calculator", "bec_convention": "pol_disp"})
    with pytest.raises(UserError, match="does not offer born_effective_charges"):
        label(trimer, own)
    with pytest.raises(Refusal, match="dipole of a cell"):
        label(box, TBLITE)


def test_faults(trimer):
    with pytest.raises(ReferenceFailure, match="RuntimeError: out of luck"):
        label(trimer, AseOptions(calculator="my_calculators:Broken"))
    for name, words in (
        ("my_calculators:Absent", "no attribute 'Absent'"),
        ("no_such_package:Calculator", "No module named"),
    ):
        with pytest.raises(UserError, match=rf"reference\.calculator: cannot make .*{words}"):
            label(trimer, AseOptions(calculator=name))
    with pytest.raises(ValidationError, match="calculator"):
        AseOptions(calculator="nonsense")


def test_settings():
    assert settings(TBLITE)["arguments"]["method"] == "GFN1-xTB"
    assert settings(TBLITE)["calculator"] == "tblite.ase:TBLite"
