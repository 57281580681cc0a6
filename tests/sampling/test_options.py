"""Settings of sources."""

import subprocess
import sys

import pytest
from pydantic import TypeAdapter, ValidationError

from activecharge.sampling.source_options import (
    BoxesOptions,
    ClustersOptions,
    FileOptions,
    RattleOptions,
    SanityOptions,
    SourceOptions,
)

SOURCES = TypeAdapter(SourceOptions)


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ({"kind": "clusters", "molecules": [1, 6], "count": 10}, ClustersOptions),
        ({"kind": "boxes", "density": 1.0}, BoxesOptions),
        ({"kind": "rattle", "amplitude": [0.02, 0.1]}, RattleOptions),
        ({"kind": "file", "path": "pool.xyz"}, FileOptions),
    ],
)
def test_kind_tells_sources_apart(written, kind):
    assert type(SOURCES.validate_python(written)) is kind


@pytest.mark.parametrize(
    "written",
    [
        {"kind": "cluster"},
        {"kind": "clusters", "molecules": [6, 1]},
        {"kind": "clusters", "molecules": [0, 1]},
        {"kind": "clusters", "count": 0},
        {"kind": "clusters", "molecule": [1, 2]},
        {"kind": "boxes", "density": 0},
        {"kind": "rattle", "amplitude": [0.1, 0.02]},
        {"kind": "file"},
    ],
)
def test_mistakes_are_refused(written):
    with pytest.raises(ValidationError):
        SOURCES.validate_python(written)


@pytest.mark.parametrize(
    "options", [ClustersOptions, BoxesOptions, RattleOptions, FileOptions, SanityOptions]
)
def test_every_field_is_described(options):
    assert all(field.description for field in options.model_fields.values())


def test_settings_import_nothing_heavy():
    code = (
        "import sys, activecharge.sampling.source_options\n"
        "print([m for m in ('torch', 'ase', 'scipy', 'ray') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
