"""Physical laws a label must obey before it may teach a model.

Sum rules of Born effective charges: Pick, Cohen, Martin, Phys. Rev. B 1, 910 (1970),
DOI 10.1103/PhysRevB.1.910 (acoustic); Person, Newton, J. Chem. Phys. 61, 1040 (1974),
DOI 10.1063/1.1681972 (atomic polar tensors: translation and rotation).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from activecharge.properties import PROPERTIES
from activecharge.reference.failure import Retry
from activecharge.reference.gate_options import GateOptions


@dataclass(frozen=True)
class Breach:
    """A law that a label breaks.

    Attributes
    ----------
    sentence : str
        The law, the figure and the tolerance.
    retry : Retry
        Whether another run may keep the law.
    """

    sentence: str
    retry: Retry = Retry.OTHERWISE


def gate(
    atoms: Atoms, values: dict[str, np.ndarray], options: GateOptions, kind: str = ""
) -> Breach | None:
    """Check a label against what physics demands of it.

    Only properties that are present are checked, and no value is altered.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms, positions in Å.
    values : dict of str to numpy.ndarray
        By property name, shapes and units as in `activecharge.properties`.
    options : GateOptions
    kind : str
        `reference.kind` of the code, whose tolerances apply where `options` gives none.

    Returns
    -------
    Breach or None
        None if all laws hold.
    """
    tolerances = options.tolerances(kind)
    if malformed := _form(len(atoms), values):
        return Breach(malformed)
    return next(_breaches(atoms, values, tolerances), None)


def _form(atom_count: int, values: dict[str, np.ndarray]) -> str | None:
    """Check names, shapes and finiteness, which all other checks rely on."""
    if not values:
        return "the label has no values"
    for name, value in values.items():
        if name not in PROPERTIES:
            return f"{name} is not a known property, expected one of {', '.join(PROPERTIES)}"
        kind = PROPERTIES[name]
        expected = ((atom_count,) if kind.per_atom else ()) + kind.shape
        if np.shape(value) != expected:
            return f"{name} has shape {np.shape(value)}, expected {expected}"
        bad = np.size(value) - int(np.isfinite(value).sum())
        if bad:
            return f"{name} has {bad} of {np.size(value)} values that are not finite numbers"
    return None


def _breaches(
    atoms: Atoms, values: dict[str, np.ndarray], tolerances: dict[str, float]
) -> Iterator[Breach]:
    """Yield each breached law, cheap and telling ones first."""
    free = not atoms.pbc.any()
    # About the centroid, so that rounding errors have the shortest levers.
    positions = atoms.positions - atoms.positions.mean(axis=0)
    if "forces" in values:
        forces = values["forces"]
        largest, ceiling = np.linalg.norm(forces, axis=1), tolerances["max_force"]
        # Atoms overlap, and no way to the same density moves them apart. All other laws are broken
        # by a density that is not the ground state, too.
        yield from _over("largest force", largest, ceiling, "eV/Å", Retry.NEVER)
        yield from _over("net force", forces.sum(axis=0), tolerances["net_force"], "eV/Å")
        if free:
            torque = np.cross(positions, forces).sum(axis=0)
            yield from _over("net torque", torque, tolerances["net_torque"], "eV")
    if "charges" in values:
        yield from _over("sum of charges", values["charges"].sum(), tolerances["neutrality"], "e")
    if "bec" in values:
        total = values["bec"].sum(axis=0)
        yield from _over("acoustic sum rule", total, tolerances["acoustic_sum_rule"], "e")
        if free and "dipole" in values:
            breach = _rotation(positions, values["bec"], values["dipole"])
            yield from _over(
                "rotational sum rule", breach, tolerances["rotational_sum_rule"], "e·Å"
            )


def _rotation(positions: np.ndarray, bec: np.ndarray, dipole: np.ndarray) -> np.ndarray:
    """Return Σ_i Z_i·(θ×R_i) − θ×μ in e·Å for the unit vectors θ, shape (3, 3).

    A rigid rotation by a small angle θ moves the atoms by θ×R_i and turns the dipole by θ×μ.
    """
    axes = np.eye(3)
    moved = np.cross(axes[:, None, :], positions[None, :, :])
    return np.einsum("iab,tib->ta", bec, moved) - np.cross(axes, dipole)


def _over(
    law: str, breach: np.ndarray, tolerance: float, unit: str, retry: Retry = Retry.OTHERWISE
) -> Iterator[Breach]:
    """Yield a breach if any component of `breach` exceeds `tolerance`."""
    figure = float(np.max(np.abs(breach)))
    if figure > tolerance:
        above = f"{figure:.3g} {unit} is above the tolerance of {tolerance:g} {unit}"
        yield Breach(f"{law}: {above}", retry)
