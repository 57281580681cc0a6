"""Small campaigns and frames."""

import numpy as np
import pytest
from ase.build import molecule

from activecharge.campaign.settings.reading import load_campaign
from activecharge.dataset.identity import canonical, content_hash
from activecharge.records import Candidate, Label


@pytest.fixture
def campaign(tmp_path):
    """Make a campaign from YAML, given on top of one source of initial frames."""

    def make(text: str = ""):
        path = tmp_path / "campaign.yaml"
        path.write_text(f"initial: [{{kind: clusters, count: 4}}]\n{text}")
        return load_campaign(path)

    return make


@pytest.fixture
def candidates():
    """Water molecules of different shapes."""

    def make(count: int) -> list[Candidate]:
        found = []
        for index in range(count):
            atoms = molecule("H2O")
            atoms.positions[1] *= 1 + 0.02 * index
            atoms = canonical(atoms)
            found.append(Candidate(atoms, content_hash(atoms), "clusters", {"index": index}))
        return found

    return make


@pytest.fixture
def label():
    """Give a candidate a label, whatever its values."""

    def make(candidate: Candidate) -> Label:
        values = {"energy": np.array(-1.5), "charges": np.array([-0.5, 0.25, 0.25])}
        return Label(candidate, values, "tblite", {"method": "GFN2-xTB"})

    return make
