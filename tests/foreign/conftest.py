"""Imports a file as the command line does, and finds what labels clusters for other tests."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "dataset"))


@pytest.fixture
def take(tmp_path):
    """Import a file with settings; gives what came of it."""
    from activecharge.campaign.standalone.intake import bring
    from activecharge.dataset.importing.import_options import ImportOptions

    def take(path, **options):
        return bring(path, tmp_path / "ours.xyz", ImportOptions(**options), ())

    return take


@pytest.fixture
def write(tmp_path):
    """Write text into a file of the test's own folder."""

    def write(text, name="theirs.xyz", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write
