"""An electronic structure code that sleeps for a known time; for `overhead.py`."""

import os
import time

import numpy as np
from ase.calculators.calculator import Calculator, all_changes


class Sleeping(Calculator):
    """Charges of fixed size and springs to where atoms are; nothing that takes a processor."""

    implemented_properties = ("energy", "forces", "charges", "dipole")

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        time.sleep(float(os.environ["ACTIVECHARGE_SLEEP"]))
        charges = np.where(self.atoms.numbers == 8, -0.6, 0.3)
        self.results = {
            "energy": -14.0 * float((self.atoms.numbers == 8).sum()),
            "forces": np.zeros((len(self.atoms), 3)),
            "charges": charges,
            "dipole": charges @ self.atoms.positions,
        }
