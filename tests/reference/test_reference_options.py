"""Settings are told apart by kind and load without any heavy import."""

import subprocess
import sys

import pytest
from pydantic import TypeAdapter, ValidationError

from activecharge.reference.options import CommandOptions, ReferenceOptions, TbliteOptions


def test_kinds():
    read = TypeAdapter(ReferenceOptions).validate_python
    assert isinstance(read({"kind": "tblite", "method": "GFN1-xTB"}), TbliteOptions)
    assert isinstance(read({"kind": "command", "command": ["label"]}), CommandOptions)
    with pytest.raises(ValidationError, match="'tblite', 'command'"):
        read({"kind": "nonsense"})


def test_every_field_is_described():
    for model in (TbliteOptions, CommandOptions):
        assert all(field.description for field in model.model_fields.values())


def test_settings_import_nothing_heavy():
    code = (
        "import sys, activecharge.reference.options\n"
        "print([m for m in ('torch', 'ase', 'numpy', 'tblite', 'ray') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
