"""A reference code is one module and one line of the table; all else goes by them."""

import importlib
import inspect
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from activecharge.errors import UserError
from activecharge.reference import codes
from activecharge.reference.codes.code_options import CodeOptions
from activecharge.reference.codes.code_table import CODES
from activecharge.reference.gate_options import TOLERANCES
from activecharge.reference.reference_options import GateOptions, ReferenceOptions, TbliteOptions

FOLDER = Path(codes.__file__).parent
PAGE = Path(__file__).parents[3] / "docs/references.md"


@pytest.mark.parametrize("kind", CODES)
def test_a_module_offers_what_the_protocol_says(kind):
    check(kind, CODES[kind])


def check(kind, code):
    assert issubclass(code.OPTIONS, CodeOptions)
    assert get_args(code.OPTIONS.model_fields["kind"].annotation) == (kind,)
    assert list(inspect.signature(code.label).parameters) == ["atoms", "options"]
    assert list(inspect.signature(code.settings).parameters) == ["options"]
    assert code.OPTIONS.wider.keys() <= TOLERANCES.keys()
    assert all(code.OPTIONS.wider[name] > TOLERANCES[name] for name in code.OPTIONS.wider)
    assert code.OPTIONS.probe.keys() <= code.OPTIONS.model_fields.keys()


def test_the_code_of_the_page_works(tmp_path, monkeypatch, trimer):
    """What "Add a code" shows is a module that offers all and imports nothing heavy."""
    block = PAGE.read_text(encoding="utf-8").split("## Add a code")[1].split("\n    ", 1)[1]
    text = textwrap.dedent("    " + re.split(r"\n(?=\S)", block)[0])
    (tmp_path / "mine_code.py").write_text(text)
    (tmp_path / "mine.py").write_text("def label(atoms, cutoff): return {'energy': cutoff}\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("mine", "mine_code"):  # gone again after the test
        monkeypatch.setitem(sys.modules, name, importlib.import_module(name))
    code = sys.modules["mine_code"]
    check("mine", code)
    assert code.label(trimer, code.OPTIONS(cutoff=350)) == {"energy": 350}
    assert code.settings(code.OPTIONS())["cutoff_eV"] == 400
    assert loaded_by("mine_code", tmp_path) == "[]"


def test_no_module_is_forgotten():
    """Every module that has settings of a kind is in the table."""
    texts = [path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.py")]
    kinds = {kind for text in texts for kind in re.findall(r'kind: Literal\["(\w+)"\]', text)}
    assert kinds == set(CODES)


def test_the_page_has_a_row_for_each():
    assert set(re.findall(r"^\| `(\w+)`", PAGE.read_text(encoding="utf-8"), re.M)) >= set(CODES)


def test_settings_are_told_apart_by_kind():
    read = TypeAdapter(ReferenceOptions).validate_python
    assert isinstance(read({"kind": "tblite", "method": "GFN1-xTB"}), TbliteOptions)
    for kind, given in {"command": {"command": ["x"]}, "recorded": {"file": "x"}}.items():
        assert isinstance(read({"kind": kind, **given}), CODES[kind].OPTIONS)
    with pytest.raises(ValidationError, match="'tblite', 'xtb', 'cp2k', 'pyscf', 'ase'"):
        read({"kind": "nonsense"})


def test_settings_import_nothing_heavy():
    assert loaded_by("activecharge.reference.reference_options") == "[]"


def loaded_by(module, folder="."):
    """Which heavy packages an import loads."""
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); import {module}\n"
        "heavy = ('torch', 'ase', 'numpy', 'tblite', 'xtb', 'pyscf', 'ray')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_files_are_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert CODES["recorded"].OPTIONS(file="pool.xyz").file == tmp_path / "pool.xyz"
    assert CODES["cp2k"].OPTIONS(template="my.inp").template == tmp_path / "my.inp"


def test_tolerances_suit_the_code_unless_given():
    assert GateOptions().tolerances("cp2k")["net_force"] > GateOptions().tolerances()["net_force"]
    assert GateOptions(net_force=0.01).tolerances("cp2k")["net_force"] == 0.01
    assert "; 0.05, cp2k 0.2 [eV/Å]" in GateOptions.model_fields["net_force"].description
    assert "; 1e-3, cp2k 2e-2 [e]" in GateOptions.model_fields["neutrality"].description


@pytest.mark.parametrize(
    ("kind", "module", "install"),
    [
        ("tblite", "tblite.interface", "pip install tblite"),
        ("xtb", "xtb.interface", "pip install 'activecharge[xtb]'"),
        ("pyscf", "pyscf", "pip install 'activecharge[pyscf]'"),
        ("pyscf", "pyscf.dispersion", "pip install 'activecharge[pyscf]'"),
    ],
)
def test_an_absent_package_is_a_sentence(monkeypatch, trimer, kind, module, install):
    monkeypatch.setitem(sys.modules, module, None)  # so that it cannot be imported
    code = CODES[kind]
    for ask in (lambda: code.label(trimer, code.OPTIONS()), lambda: code.settings(code.OPTIONS())):
        with pytest.raises(UserError, match=f"reference.kind: {kind} .*{re.escape(install)}"):
            ask()
