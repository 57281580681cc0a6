"""Frames that builders drew are relaxed a little: their contacts are not those of water."""

import numpy as np

from activecharge.simulation.stepping.pulling import Forces, Request

MOST_STEPS = 300
"""After which a frame is taken as it is; dynamics tells if that is not good enough."""

LONGEST = 0.1
"""Farthest that an atom goes in a step [Å]."""

_FIRST, _MOST, _MIXING = 0.1, 0.3, 0.1


def relaxed(
    forces: Forces, positions: np.ndarray, cells: np.ndarray | None, largest: float
) -> np.ndarray:
    """Go downhill until no force is larger; all replicas in one batch.

    The fast inertial relaxation engine of Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006),
    https://doi.org/10.1103/PhysRevLett.97.170201, with masses of one.

    Parameters
    ----------
    forces : Forces
    positions : (R, N, 3) Å
    cells : (R, 3, 3) Å, or None where free
    largest : float
        eV/Å.

    Returns
    -------
    (R, N, 3) Å
        After `MOST_STEPS` at most.

    Raises
    ------
    BrokenGeometry
        If atoms fall into one another.
    """
    positions, velocities = positions.copy(), np.zeros_like(positions)
    replicas = len(positions)
    step, mixing, downhill_for = (
        np.full(replicas, _FIRST),
        np.full(replicas, _MIXING),
        np.zeros(replicas),
    )
    for _ in range(MOST_STEPS):
        pull = forces(positions, cells, Request()).forces
        moving = np.linalg.norm(pull, axis=2).max(axis=1) > largest
        if not moving.any():
            break
        downhill = (pull * velocities).sum(axis=(1, 2)) > 0
        downhill_for = np.where(downhill, downhill_for + 1, 0)
        eager = downhill_for > 5
        step = np.where(downhill, np.where(eager, np.minimum(step * 1.1, _MOST), step), step / 2)
        mixing = np.where(downhill, np.where(eager, mixing * 0.99, mixing), _MIXING)
        along = pull * (_length(velocities) / np.maximum(_length(pull), 1e-12))
        share = mixing[:, None, None]
        velocities = np.where(
            downhill[:, None, None], (1 - share) * velocities + share * along, 0.0
        )
        velocities += step[:, None, None] * pull
        ways = step[:, None, None] * velocities
        farthest = np.linalg.norm(ways, axis=2).max(axis=1)
        shorter = np.minimum(1.0, LONGEST / np.maximum(farthest, 1e-12)) * moving
        positions += ways * shorter[:, None, None]
    return positions


def _length(vectors: np.ndarray) -> np.ndarray:
    """Of all coordinates of each replica together, (R, 1, 1)."""
    return np.sqrt(np.square(vectors).sum(axis=(1, 2), keepdims=True))
