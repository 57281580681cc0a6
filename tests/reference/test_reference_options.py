"""Settings are told apart by kind and load without any heavy import."""

import subprocess
import sys
from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from activecharge.reference.reference_options import (
    CommandOptions,
    Cp2kOptions,
    GateOptions,
    RecordedOptions,
    ReferenceOptions,
    TbliteOptions,
)


def test_kinds():
    read = TypeAdapter(ReferenceOptions).validate_python
    assert isinstance(read({"kind": "tblite", "method": "GFN1-xTB"}), TbliteOptions)
    assert isinstance(read({"kind": "command", "command": ["label"]}), CommandOptions)
    with pytest.raises(ValidationError, match="'tblite', 'xtb', 'cp2k', 'pyscf', 'ase'"):
        read({"kind": "nonsense"})


def test_every_field_is_described():
    for model in get_args(get_args(ReferenceOptions)[0]):
        assert all(field.description for field in model.model_fields.values())


def test_settings_import_nothing_heavy():
    code = (
        "import sys, activecharge.reference.reference_options\n"
        "heavy = ('torch', 'ase', 'numpy', 'tblite', 'xtb', 'pyscf', 'ray')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_files_are_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert RecordedOptions(file="pool.xyz").file == tmp_path / "pool.xyz"
    assert Cp2kOptions(template="my.inp").template == tmp_path / "my.inp"


def test_tolerances_suit_the_code_unless_given():
    assert GateOptions().tolerances("cp2k")["net_force"] > GateOptions().tolerances()["net_force"]
    assert GateOptions(net_force=0.01).tolerances("cp2k")["net_force"] == 0.01
