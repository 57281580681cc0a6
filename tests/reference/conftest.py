"""Small water configurations and their labels."""

import os
import tempfile

import numpy as np
import pytest
from ase import Atoms
from reference_cases import waters

from activecharge.records import Candidate
from activecharge.reference.codes.tblite.tblite import label
from activecharge.reference.isolation.isolate import close_workers
from activecharge.reference.reference_options import TbliteOptions
from activecharge.rounding import as_stored

# Read when the OpenMP library loads: two spinning threads on a busy machine take six times
# as long as one.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def trimer() -> Atoms:
    return waters(np.array([[0.0, 0.0, 0.0], [2.9, 0.2, 0.0], [0.3, 2.8, 0.9]]), seed=1)


@pytest.fixture(scope="session")
def box() -> Atoms:
    """Two molecules in a small skewed cell: under stress, and quick."""
    atoms = waters(np.array([[0.0, 0.0, 0.0], [2.4, 2.3, 0.6]]), seed=2)
    atoms.set_cell([[4.8, 0.0, 0.0], [0.3, 4.8, 0.0], [0.1, -0.2, 4.8]])
    atoms.pbc = True
    return atoms


@pytest.fixture(scope="session")
def tblite_labels(trimer: Atoms) -> dict[str, dict[str, np.ndarray]]:
    """Labels of the trimer by method, as the code gives them."""
    methods = ("GFN2-xTB", "GFN1-xTB")
    return {method: label(trimer, TbliteOptions(method=method)) for method in methods}


@pytest.fixture(scope="session")
def trimer_label(tblite_labels) -> dict[str, np.ndarray]:
    """The one of GFN2-xTB, rounded as files store it."""
    return {name: as_stored(value) for name, value in tblite_labels["GFN2-xTB"].items()}


@pytest.fixture
def candidate(trimer: Atoms) -> Candidate:
    return Candidate(trimer, "trimer", "test")


@pytest.fixture
def fresh_workers():
    """Start and end without worker processes."""
    close_workers()
    yield
    close_workers()


@pytest.fixture
def scratch_root(tmp_path, monkeypatch, fresh_workers):
    """Scratch folders of workers are made here, and none may be left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    close_workers()
    assert list(folder.iterdir()) == []
