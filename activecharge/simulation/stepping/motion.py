"""Replicas in motion: positions, velocities, and what is known of them."""

from dataclasses import dataclass

import numpy as np

from activecharge.units import ACCELERATION, BOLTZMANN

LEAST_INERTIA = 1e-6
"""Share of the largest principal moment below which an axis counts as that of a linear molecule."""


@dataclass
class Motion:
    """R replicas of N atoms at one moment.

    Attributes
    ----------
    positions : (R, N, 3) Å
        Continuous in time.
    velocities : (R, N, 3) Å/fs
    cells : (R, 3, 3) Å or None
        None for free frames.
    masses : (N,) u
    still : bool
        Whether the centre of mass is kept at rest.
    upright : bool
        Whether the frame is kept from turning.
    """

    positions: np.ndarray
    velocities: np.ndarray
    cells: np.ndarray | None
    masses: np.ndarray
    still: bool = True
    upright: bool = False

    @property
    def kinetic(self) -> np.ndarray:
        """Kinetic energies (R,) in eV."""
        squares = (self.velocities**2).sum(axis=2) @ self.masses
        return squares / (2 * ACCELERATION)

    @property
    def freedom(self) -> int:
        """Degrees of freedom of one replica."""
        held = 3 if self.still else 0
        if self.upright:
            held += _turning(self.positions[0], self.masses)[1]
        return max(3 * len(self.masses) - held, 1)

    @property
    def temperature(self) -> np.ndarray:
        """Temperatures (R,) of the velocities in K."""
        return 2 * self.kinetic / (self.freedom * BOLTZMANN)

    @property
    def volume(self) -> np.ndarray:
        """Volumes (R,) in Å³, NaN for free frames."""
        if self.cells is None:
            return np.full(len(self.positions), np.nan)
        return np.abs(np.linalg.det(self.cells))

    def draw(self, temperature: float, rng: np.random.Generator) -> np.ndarray:
        """Velocities (R, N, 3) of a temperature, of which what is to stand still is taken."""
        spread = np.sqrt(BOLTZMANN * temperature * ACCELERATION / self.masses)[:, None]
        return self.held(spread * rng.standard_normal(self.positions.shape))

    def held(self, velocities: np.ndarray) -> np.ndarray:
        """Velocities (R, N, 3) without those of the centre of mass and of turning, if these are
        held; by mass-weighted projection, which leaves the other ones as they are distributed."""
        weights = self.masses[:, None]
        if self.still:
            drift = (weights * velocities).sum(axis=1, keepdims=True) / self.masses.sum()
            velocities = velocities - drift
        if self.upright:
            velocities = np.stack(
                [
                    v - _rotation(x, v, self.masses)
                    for x, v in zip(self.positions, velocities, strict=True)
                ]
            )
        return velocities

    def balanced(self, forces: np.ndarray) -> np.ndarray:
        """Forces (R, N, 3) without what rounding or a mesh would move the whole by."""
        if not self.still:
            return forces
        share = (self.masses / self.masses.sum())[:, None]
        return forces - share * forces.sum(axis=1, keepdims=True)


def _turning(positions: np.ndarray, masses: np.ndarray) -> tuple[np.ndarray, int]:
    """Inverse of the inertia tensor (3, 3), where there is one, and how many axes there are."""
    arms = positions - masses @ positions / masses.sum()
    inertia = np.einsum("i,ij,ij->", masses, arms, arms) * np.eye(3)
    inertia -= np.einsum("i,ij,ik->jk", masses, arms, arms)
    moments, axes = np.linalg.eigh(inertia)
    turns = moments > LEAST_INERTIA * max(moments.max(), 1e-12)
    inverse = (axes[:, turns] / moments[turns]) @ axes[:, turns].T
    return inverse, int(turns.sum())


def _rotation(positions: np.ndarray, velocities: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """The part of velocities (N, 3) that turns the whole."""
    arms = positions - masses @ positions / masses.sum()
    momentum = (masses[:, None] * np.cross(arms, velocities)).sum(axis=0)
    return np.cross(_turning(positions, masses)[0] @ momentum, arms)
