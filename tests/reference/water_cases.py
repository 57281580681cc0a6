"""Water placed by hand."""

import numpy as np
from ase import Atoms
from ase.build import molecule


def waters(places: np.ndarray, seed: int) -> Atoms:
    """One randomly turned and slightly distorted molecule at each place (M, 3) in Å."""
    rng = np.random.default_rng(seed)
    atoms = Atoms()
    for place in places:
        water = molecule("H2O")
        water.rotate(rng.uniform(0, 360), rng.normal(size=3))
        water.positions += place - water.get_center_of_mass() + rng.normal(0, 0.04, (3, 3))
        atoms += water
    return atoms
