"""Steps in time, thermostats and the barostat, for any forces."""

from dataclasses import dataclass

import numpy as np

from activecharge.simulation.stage_options import NptStage
from activecharge.simulation.stepping.motion import Motion
from activecharge.units import ACCELERATION, BOLTZMANN

BAR = 6.241509074e-7
"""1 bar in eV/Å³."""


def kick(motion: Motion, forces: np.ndarray, time: float) -> None:
    """Let forces (R, N, 3) in eV/Å act for a time in fs."""
    motion.velocities += time * ACCELERATION * motion.balanced(forces) / motion.masses[:, None]


def drift(motion: Motion, time: float) -> None:
    """Let atoms fly for a time in fs."""
    motion.positions += time * motion.velocities


def langevin(
    motion: Motion, temperature: float, friction: float, time: float, rng: np.random.Generator
) -> None:
    """The O of BAOAB: friction in 1/fs and noise over a time in fs.

    Leimkuhler, Matthews, J. Chem. Phys. 138, 174102 (2013), https://doi.org/10.1063/1.4802990.
    Noise is drawn without what is held still.
    """
    keep = np.exp(-friction * time)
    noise = motion.draw(temperature, rng)
    motion.velocities = motion.held(keep * motion.velocities) + np.sqrt(1 - keep**2) * noise


def rescale(
    motion: Motion, temperature: float, relaxation: float, time: float, rng: np.random.Generator
) -> None:
    """Stochastic velocity rescaling over a time in fs, with a relaxation time in fs.

    Bussi, Donadio, Parrinello, J. Chem. Phys. 126, 014101 (2007),
    https://doi.org/10.1063/1.2408420, equation A7, with the sign of α as in its appendix.
    """
    freedom, kinetic = motion.freedom, motion.kinetic
    replicas = len(kinetic)
    keep = np.exp(-time / relaxation)
    first = rng.standard_normal(replicas)
    others = rng.chisquare(freedom - 1, replicas) if freedom > 1 else np.zeros(replicas)
    share = np.zeros(replicas)
    mean = BOLTZMANN * temperature / 2
    np.divide(mean * (1 - keep), kinetic, out=share, where=kinetic > 0)
    squared = keep + share * (first**2 + others) + 2 * first * np.sqrt(share * keep)
    sign = np.where(first * np.sqrt(share) + np.sqrt(keep) < 0, -1.0, 1.0)
    motion.velocities *= (sign * np.sqrt(np.maximum(squared, 0.0)))[:, None, None]


@dataclass(frozen=True)
class Barostat:
    """Isotropic stochastic cell rescaling.

    Bernetti, Bussi, J. Chem. Phys. 153, 114107 (2020), https://doi.org/10.1063/5.0020514. In
    λ = √V the noise is the same at all volumes:
    dλ = −(β λ/2τ)(P₀ − P − k_B T/2V) dt + √(k_B T β/2τ) dW.
    Positions go with the cell, velocities against it. A centre of mass that is held still counts
    in the pressure with its mean.

    Attributes
    ----------
    pressure : float
        P₀, eV/Å³.
    compressibility : float
        β, Å³/eV.
    relaxation : float
        τ, fs.
    """

    pressure: float
    compressibility: float
    relaxation: float

    @classmethod
    def of(cls, stage: NptStage) -> "Barostat":
        """The barostat of a stage."""
        return cls(stage.pressure * BAR, stage.compressibility / BAR, stage.pressure_relaxation)

    def inner_pressure(self, motion: Motion, stress: np.ndarray, temperature: float) -> np.ndarray:
        """Pressures (R,) in eV/Å³ of replicas with stresses (R, 3, 3) of their potential."""
        kinetic = motion.kinetic + (1.5 * BOLTZMANN * temperature if motion.still else 0.0)
        return 2 * kinetic / (3 * motion.volume) - np.trace(stress, axis1=1, axis2=2) / 3

    def act(
        self,
        motion: Motion,
        stress: np.ndarray,
        temperature: float,
        time: float,
        rng: np.random.Generator,
    ) -> None:
        """Change cells, positions and velocities as in a time in fs."""
        assert motion.cells is not None
        volume = motion.volume
        root, speed = np.sqrt(volume), self.compressibility / (2 * self.relaxation)
        inner = self.inner_pressure(motion, stress, temperature)
        pull = inner + BOLTZMANN * temperature / (2 * volume) - self.pressure
        noise = np.sqrt(BOLTZMANN * temperature * speed * time) * rng.standard_normal(len(root))
        # A volume cannot vanish; that of any real system is far from it.
        root = np.abs(root + speed * root * pull * time + noise)
        scale = (root**2 / volume) ** (1 / 3)
        motion.cells = motion.cells * scale[:, None, None]
        motion.positions = motion.positions * scale[:, None, None]
        motion.velocities = motion.velocities / scale[:, None, None]
