"""What several tests of references share."""

import shutil

import numpy as np
import pytest
from ase import Atoms

CP2K = "cp2k.psmp"

needs_cp2k = pytest.mark.skipif(
    shutil.which(CP2K) is None, reason="CP2K is not installed (apt-get install cp2k)"
)


def rotational_breach(atoms: Atoms, values: dict[str, np.ndarray]) -> float:
    """Largest component of Σ_i Z_i·(θ×R_i) − θ×μ over the unit vectors θ, in e·Å."""
    breaches = [
        np.einsum("iab,ib->a", values["bec"], np.cross(axis, atoms.positions))
        - np.cross(axis, values["dipole"])
        for axis in np.eye(3)
    ]
    return float(np.abs(breaches).max())


def message_without(module: str, kind: str, **options: object) -> str:
    """Code that prints the sentence a reference gives where `module` is not installed."""
    return (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from ase.build import molecule\n"
        "from importlib import import_module\n"
        "from pydantic import TypeAdapter\n"
        "from activecharge.errors import UserError\n"
        "from activecharge.reference.reference_options import ReferenceOptions\n"
        "from activecharge.reference.isolation.worker import CODES\n"
        f"given = {{'kind': {kind!r}, **{options!r}}}\n"
        "options = TypeAdapter(ReferenceOptions).validate_python(given)\n"
        "try: import_module(CODES[options.kind]).label(molecule('H2O'), options)\n"
        "except UserError as error: print(error)\n"
    )
