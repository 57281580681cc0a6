"""What drives a simulation, whatever it is: forces of positions, with what a step asks for."""

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from activecharge.simulation.stage_options import (
    ConstantField,
    FieldOptions,
    OscillatingField,
    PulseField,
)

LIGHT = 2.99792458e-5
"""Speed of light in cm/fs."""


@dataclass(frozen=True)
class Request:
    """What is wanted of R replicas beside energy and forces.

    Attributes
    ----------
    field : (3,) V/Å, optional
        A uniform field, which adds to the forces.
    stress : bool
    sample : bool
        What a row of the table tells: every member's Born effective charges, and spreads.
    """

    field: np.ndarray | None = None
    stress: bool = False
    sample: bool = False


@dataclass(frozen=True)
class Sample:
    """What members say of R replicas of N atoms.

    Attributes
    ----------
    bec : (M, R, N, 3, 3) e
        Of M members; M is 0 where there are none.
    spreads : dict of str to numpy.ndarray
        (R, N) by property.
    excess : (R,)
        Largest expected error over what is usual, NaN where that is not known.
    worst : tuple of str
        Of each replica, a sentence on it; empty where there is none.
    """

    bec: np.ndarray
    spreads: dict[str, np.ndarray]
    excess: np.ndarray
    worst: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """Energy and forces of R replicas of N atoms.

    Attributes
    ----------
    energy : (R,) eV
        Without that of the field.
    forces : (R, N, 3) eV/Å
        With those of the field.
    stress : (R, 3, 3) eV/Å³, optional
    polarization : (R, 3) e·Å, optional
        Where the field's forces are its slope, and a field acts.
    pull : (R, N, 3) eV/Å, optional
        The field's forces, where there is no such polarization.
    sample : Sample, optional
    """

    energy: np.ndarray
    forces: np.ndarray
    stress: np.ndarray | None = None
    polarization: np.ndarray | None = None
    pull: np.ndarray | None = None
    sample: Sample | None = field(default=None, repr=False)


class Forces(Protocol):
    """Anything that drives a simulation: a committee, or a formula."""

    def __call__(self, positions: np.ndarray, cells: np.ndarray | None, request: Request) -> Answer:
        """Answer for positions (R, N, 3) in cells (R, 3, 3), None where free.

        `activecharge.errors.BrokenGeometry` where positions are such that nothing can be said.
        """


def field_at(options: FieldOptions | None, time: float) -> np.ndarray | None:
    """A field (3,) in V/Å at a time in fs; None where there is none."""
    if options is None:
        return None
    vector = np.array(options.vector)
    match options:
        case ConstantField():
            return vector
        case OscillatingField():
            angle = 2 * math.pi * LIGHT * options.wavenumber * time
            return vector * math.cos(angle + math.radians(options.phase))
        case PulseField():
            since = time - options.centre
            wave = math.cos(2 * math.pi * LIGHT * options.wavenumber * since)
            return vector * math.exp(-0.5 * (since / options.width) ** 2) * wave
    raise TypeError(f"no field for {type(options).__name__}")


def field_work(
    before: Answer, after: Answer, moved: np.ndarray, fields: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Work (R,) in eV of a field on replicas that moved by (R, N, 3) Å, by the trapezoid rule.

    Where forces are the slope of E·P, it is E·ΔP: in a constant field, exactly what the energy
    gains.
    """
    if after.polarization is not None and before.polarization is not None:
        return (after.polarization - before.polarization) @ (fields[0] + fields[1]) / 2
    if after.pull is not None and before.pull is not None:
        return ((before.pull + after.pull) / 2 * moved).sum(axis=(1, 2))
    return np.zeros(len(moved))
