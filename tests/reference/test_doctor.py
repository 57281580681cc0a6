"""What the machine can do is looked at, not assumed."""

from importlib import metadata

import pytest
from reference_cases import needs_cp2k

from activecharge.reference import doctor
from activecharge.reference.codes.code_table import CODES
from activecharge.reference.doctor import Check, examine, probe, render

pytestmark = pytest.mark.slow


@pytest.mark.usefixtures("fresh_workers")
class TestProbe:
    def test_a_code_that_works_has_labelled_a_molecule(self):
        check = probe("tblite")
        assert check.usable
        assert check.version == metadata.version("tblite")
        assert "energy, forces, charges, dipole, bec" in check.detail
        assert not check.hint

    def test_a_code_that_is_not_installed_says_how_to_install_it(self, monkeypatch, tmp_path):
        """The worker finds modules where this process does; an empty one hides the real one."""
        (tmp_path / "tblite").mkdir()
        (tmp_path / "tblite" / "__init__.py").touch()
        monkeypatch.syspath_prepend(str(tmp_path))
        check = probe("tblite")
        assert not check.usable
        assert "pip install tblite" in check.hint

    def test_a_code_that_takes_too_long_is_not_usable(self, monkeypatch):
        """Of 27 molecules, seconds: one may be done before a busy machine looks at the clock."""
        water = doctor._water()
        water.cell = [3.5] * 3
        many = water * (3, 3, 3)
        many.cell = None
        monkeypatch.setattr(doctor, "_water", lambda: many)
        check = probe("tblite", timeout=1e-3)
        assert not check.usable
        assert "timed out" in check.detail

    def test_a_calculator_of_ase_is_tried(self):
        assert probe("ase").usable

    @needs_cp2k
    def test_cp2k_labels_in_seconds(self):
        check = probe("cp2k")
        assert check.usable, check.detail
        assert check.version.startswith("20")

    @pytest.mark.parametrize(("kind", "needs"), [("command", "command"), ("recorded", "file")])
    def test_codes_that_need_something_of_the_user_say_what(self, kind, needs):
        check = probe(kind)
        assert check.usable
        assert check.detail.endswith(f"needs your {needs}")


def test_every_code_device_and_package_is_looked_at(monkeypatch):
    monkeypatch.setattr(doctor, "probe", lambda kind, timeout: Check("reference", kind, True))
    checks = list(examine())
    assert [check.name for check in checks if check.group == "reference"] == list(CODES)
    assert any(check.group == "device" for check in checks)
    packages = {check.name: check for check in checks if check.group == "package"}
    assert packages["ray"].version == metadata.version("ray")
    assert list(packages)[-4:] == ["tblite", "xtb", "pyscf", "pyscf-dispersion"]  # of the codes


def test_text():
    good = Check("reference", "tblite", True, "0.8.0", "one molecule in 0.5 s")
    assert render(good) == "  yes  tblite            0.8.0  one molecule in 0.5 s"
    missing = Check("reference", "xtb", False, hint="pip install xtb")
    assert render(missing) == "  no   xtb\n                          pip install xtb"
