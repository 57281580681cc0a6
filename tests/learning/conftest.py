"""Training runs in one thread; labels of a real reference are computed once."""

import pytest
import torch
from learning_cases import waters

from activecharge.records import Candidate, Label
from activecharge.reference.codes.tblite.tblite import label
from activecharge.reference.reference_options import TbliteOptions

# Two spinning threads on a busy machine take twenty times as long as one.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tight_binding() -> list[Label]:
    """Twelve clusters with energies, forces, charges, dipoles and Born effective charges."""
    frames = [waters(1 + seed % 3, seed) for seed in range(12)]
    return [
        Label(Candidate(atoms, f"{seed}", "test"), label(atoms, TbliteOptions()), "tblite", {})
        for seed, atoms in enumerate(frames)
    ]
