"""Which index of given Born effective charges is the polarization: told from the data.

A transposed Z obeys the acoustic sum rule as well as the right one, but not the rotational one:
turning a free neutral molecule by a small angle θ turns its dipole, so

    Σ_i Z_i·(θ×R_i) = θ×μ    for Z[i, a, b] = ∂P_a/∂R_ib

(Person, Newton, J. Chem. Phys. 61, 1040 (1974), DOI 10.1063/1.1681972). With the dipole these are
nine equations. Without it six are left: the 3×3 matrix that takes θ to the left-hand side must be
antisymmetric, whatever μ is. A cluster with empty space around it in a periodic cell obeys the six
nearly, since its images add almost nothing to the symmetric part.

Condensed phases have no such rule. For them a second Z of the same frame must do, and it must
explain the tensors themselves, not only their antisymmetric parts: those of tight binding often
have the opposite sign of those of DFT with diffuse functions (docs/import.md has the figures).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from ase import Atoms

Order = Literal["pol_disp", "disp_pol"]
SecondBec = Callable[[Atoms], "np.ndarray | None"]
"""Z of a frame, shape (N, 3, 3), e, polarization first; None where it cannot be had."""

OrderTrial = Callable[["Sequence[Tensors]"], "Evidence | None"]
"""Evidence from a model that is fitted to both orders; None where it cannot be had."""

DECISIVE = 3.0
"""Factor between the residuals of the two orders from which on the smaller one is believed."""

FLOOR = {"e·Å": 1e-3, "e": 1e-4}
"""Residuals below these are noise of the labels; orders that differ by less look the same."""

VACUUM = 5.0
"""Least distance of a cluster from its periodic images to be taken as free, Å."""

COMPARED = 3
"""At most this many frames are compared with a second Z."""


@dataclass(frozen=True)
class Tensors:
    """What a frame tells about its index order.

    Attributes
    ----------
    atoms : ase.Atoms
        N atoms, positions in Å.
    bec : numpy.ndarray
        Shape (N, 3, 3), e, as they were found.
    dipole : numpy.ndarray or None
        Shape (3,), e·Å.
    """

    atoms: Atoms
    bec: np.ndarray
    dipole: np.ndarray | None = None


@dataclass(frozen=True)
class Evidence:
    """How well both orders fit one rule.

    Attributes
    ----------
    rule : str
    frames : int
        How many frames were used.
    pol_disp, disp_pol : float
        Root mean square residual if the first index is the polarization, or the displacement.
    unit : str
        Unit of the residuals, e·Å or e.
    remark : str
        What else was seen, for messages.
    decided : bool or None
        Whether the residuals differ enough to tell; None where `DECISIVE` and `FLOOR` say so.
    """

    rule: str
    frames: int
    pol_disp: float
    disp_pol: float
    unit: str
    remark: str = ""
    decided: bool | None = None

    @property
    def order(self) -> Order | None:
        """The order that fits, None if the residuals are too close to tell."""
        small, large = sorted((self.pol_disp, self.disp_pol))
        if self.decided is False:
            return None
        if self.decided is None and (large < FLOOR[self.unit] or large < DECISIVE * small):
            return None
        return "pol_disp" if self.pol_disp < self.disp_pol else "disp_pol"

    def __str__(self) -> str:
        text = (
            f"{self.rule}, {self.frames} frame{'s' * (self.frames != 1)}: residual "
            f"{self.pol_disp:.2g} {self.unit} with the polarization first, "
            f"{self.disp_pol:.2g} {self.unit} with the displacement first"
        )
        return f"{text} ({self.remark})" if self.remark else text


def detect(frames: Sequence[Tensors], second: SecondBec | None = None) -> tuple[Evidence, ...]:
    """Weigh both index orders; all frames must have the same.

    Parameters
    ----------
    frames : sequence of Tensors
        Frames with missing tensors are left out.
    second : callable, optional
        Another Z to compare with, asked only if the sum rules do not decide.

    Returns
    -------
    tuple of Evidence
        One entry a rule that could be applied; see `verdict`.
    """
    whole = [frame for frame in frames if np.isfinite(frame.bec).all()]
    free = [frame for frame in whole if not frame.atoms.pbc.any()]
    boxed = [frame for frame in whole if frame.atoms.pbc.any() and _alone(frame.atoms)]
    found = [
        *_rotation("free clusters", [frame for frame in free if frame.dipole is not None], True),
        *_rotation("free clusters", [frame for frame in free if frame.dipole is None], False),
        # A dipole in a cell is known up to a quantum, and enhanced by its images.
        *_rotation("clusters in cells", boxed, False),
    ]
    if second is not None and verdict(found) is None:
        found += _comparison(whole, second)
    return tuple(found)


def verdict(evidence: Iterable[Evidence]) -> Order | None:
    """The order on which all decisive evidence agrees; None if there is none or it disagrees."""
    orders = {item.order for item in evidence} - {None}
    return orders.pop() if len(orders) == 1 else None


def rotation_matrix(positions: np.ndarray, bec: np.ndarray) -> np.ndarray:
    """Response of the polarization to rigid rotations about the centroid.

    Parameters
    ----------
    positions : numpy.ndarray
        Shape (N, 3), Å.
    bec : numpy.ndarray
        Shape (N, 3, 3), e, polarization first.

    Returns
    -------
    numpy.ndarray
        Shape (3, 3), e·Å: column t is Σ_i Z_i·(θ×R_i) for the unit vector θ along t.
    """
    levers = positions - positions.mean(axis=0)
    moved = np.cross(np.eye(3)[:, None, :], levers[None, :, :])
    return np.einsum("iab,tib->at", bec, moved)


def _alone(atoms: Atoms) -> bool:
    """Whether all periodic images are far away; molecules must be whole, not wrapped."""
    shifts = [shift @ atoms.cell.array for shift in map(np.array, product((-1, 0, 1), repeat=3))]
    pairs = atoms.positions[:, None] - atoms.positions
    return all(
        np.linalg.norm(pairs + shift, axis=-1).min() > VACUUM for shift in shifts if shift.any()
    )


def _rotation(kind: str, frames: Sequence[Tensors], with_dipole: bool) -> list[Evidence]:
    if not frames:
        return []
    residuals: list[list[np.ndarray]] = [[], []]
    implied, given = [], []
    for frame in frames:
        for order, bec in enumerate((frame.bec, frame.bec.swapaxes(1, 2))):
            matrix = rotation_matrix(frame.atoms.positions, bec)
            if not with_dipole or frame.dipole is None:
                residuals[order].append((matrix + matrix.T) / 2)
                continue
            turned = np.cross(np.eye(3), frame.dipole).T
            residuals[order].append(matrix - turned)
            implied.append((matrix - matrix.T) / 2)
            given.append(turned)
    pol_disp, disp_pol = (_rms(values) for values in residuals)
    rule = f"rotational sum rule of {kind} {'with' if with_dipole else 'without'} the dipole"
    remark = _looks_symmetric(frames)
    if with_dipole and not remark:
        remark = _dipole_remark(np.array(implied), np.array(given))
    return [Evidence(rule, len(frames), pol_disp, disp_pol, "e·Å", remark)]


def _dipole_remark(implied: np.ndarray, given: np.ndarray) -> str:
    """Say so if the Born charges belong to dipoles of another size, hence other units or sign."""
    norm = (given**2).sum()
    factor = (implied * given).sum() / norm if norm else 1.0
    if 0.8 < factor < 1.25:  # transposition itself changes the factor by a few percent
        return ""
    return f"the tensors imply dipoles about {factor:.1g} times those given: check units and signs"


def _comparison(frames: Sequence[Tensors], second: SecondBec) -> list[Evidence]:
    differences: list[list[np.ndarray]] = [[], []]
    used: list[Tensors] = []
    for frame in frames:
        if len(used) == COMPARED:
            break
        other = second(frame.atoms)
        if other is None:
            continue
        used.append(frame)
        differences[0].append(frame.bec - other)
        differences[1].append(frame.bec.swapaxes(1, 2) - other)
    if not used:
        return []
    pol_disp, disp_pol = (_rms([d.ravel() for d in values]) for values in differences)
    rule, remark = "comparison with a second calculation", _looks_symmetric(used)
    return [Evidence(rule, len(used), pol_disp, disp_pol, "e", remark)]


def _looks_symmetric(frames: Sequence[Tensors]) -> str:
    skew = _rms([(frame.bec - frame.bec.swapaxes(1, 2)).ravel() for frame in frames])
    return "the tensors are symmetric, so both orders are alike" if skew < FLOOR["e"] else ""


def _rms(arrays: Sequence[np.ndarray]) -> float:
    values = np.concatenate([np.ravel(array) for array in arrays])
    return float(np.sqrt(np.mean(values**2)))
