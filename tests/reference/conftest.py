"""Small water configurations and their labels."""

import os

import numpy as np
import pytest
from ase import Atoms
from water_cases import waters

from activecharge.records import Candidate
from activecharge.reference.codes.tblite.tblite import label
from activecharge.reference.isolation.isolate import close_workers
from activecharge.reference.reference_options import TbliteOptions

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
def trimer_label(trimer: Atoms) -> dict[str, np.ndarray]:
    return label(trimer, TbliteOptions())


@pytest.fixture
def candidate(trimer: Atoms) -> Candidate:
    return Candidate(trimer, "trimer", "test")


@pytest.fixture
def fresh_workers():
    """Start and end without worker processes."""
    close_workers()
    yield
    close_workers()
