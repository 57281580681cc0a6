"""Born effective charges as finite differences, by the two routes that codes offer.

Z[i, a, b] = ∂F_ib/∂E_a = ∂P_a/∂R_ib are the same mixed derivative of the energy: Gonze, Lee,
Phys. Rev. B 55, 10355 (1997), DOI 10.1103/PhysRevB.55.10355. Central differences leave an
error of second order in the step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def from_field(forces: Callable[[np.ndarray], np.ndarray], step: float) -> np.ndarray:
    """Differentiate forces by a uniform field: six runs for any number of atoms.

    Parameters
    ----------
    forces : callable
        Takes a field (3,), gives forces (N, 3). In atomic units, or any in which force over
        field is a charge in e.
    step : float
        Field strength.

    Returns
    -------
    numpy.ndarray
        Z in e, shape (N, 3, 3), polarization index first.
    """
    import numpy as np

    fields = step * np.eye(3)
    return np.stack([forces(field) - forces(-field) for field in fields], axis=1) / (2 * step)


def from_displacement(
    dipole: Callable[[np.ndarray], np.ndarray], positions: np.ndarray, step: float
) -> np.ndarray:
    """Differentiate the dipole by positions: six runs an atom.

    Parameters
    ----------
    dipole : callable
        Takes positions (N, 3) in Å, gives the dipole (3,) in e·Å.
    positions : (N, 3) numpy.ndarray
        Å.
    step : float
        Displacement in Å.

    Returns
    -------
    numpy.ndarray
        Z in e, shape (N, 3, 3), polarization index first.
    """
    import numpy as np

    bec = np.empty((len(positions), 3, 3))
    for atom in range(len(positions)):
        for axis in range(3):
            shift = np.zeros_like(positions)
            shift[atom, axis] = step
            bec[atom, :, axis] = (dipole(positions + shift) - dipole(positions - shift)) / (
                2 * step
            )
    return bec
