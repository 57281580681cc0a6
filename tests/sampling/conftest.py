"""Frames from the builders, made once."""

import numpy as np
import pytest
from ase import Atoms

from activecharge.sampling.builders.liquid import build_boxes, build_clusters
from activecharge.sampling.source_options import BoxesOptions, ClustersOptions


@pytest.fixture(scope="session")
def clusters() -> list[Atoms]:
    options = ClustersOptions(count=300, molecules=(1, 12))
    return list(build_clusters(options, np.random.default_rng(1)))


@pytest.fixture(scope="session")
def boxes() -> list[Atoms]:
    options = BoxesOptions(count=20, molecules=(16, 32))
    return list(build_boxes(options, np.random.default_rng(2)))
