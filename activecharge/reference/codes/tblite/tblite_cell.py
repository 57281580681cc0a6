"""Polarization and Born effective charges of cells in GFN1-xTB and GFN2-xTB.

The orbitals are tblite's, the Berry phase is taken in tblite's own Gaussian basis. A field has no
place in tblite's cells, so Z is a difference of polarizations, atom by atom. With a step of
1e-5 Å one displacement does the work of two: its error, linear in the step, is 2e-5 e at most.
"""

from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from activecharge.reference.codes.tblite.basis import element
from activecharge.reference.codes.tblite.berry import (
    electron_position,
    phase_factors,
    reduce,
    wavevectors,
)
from activecharge.reference.codes.tblite.plane_wave import PlaneWaves
from activecharge.reference.codes.tblite.tblite_options import TbliteOptions
from activecharge.reference.codes.tblite.tblite_run import calculator, electrons_only, run
from activecharge.reference.failure import Refusal
from activecharge.units import BOHR

if TYPE_CHECKING:
    from tblite.interface import Result

ACCURACY = 1e-6
"""Convergence of displaced runs: it keeps the noise of Z at 1e-6 e."""

INTEGER = 1e-6
"""Largest accepted departure of an occupation from 0 or 2."""

SAME_BASIS = 1e-7
"""Largest accepted departure from orthonormality of tblite's orbitals in the basis used here."""


def polarization(atoms: Atoms, options: TbliteOptions, result: "Result") -> np.ndarray:
    """Return the polarization of a cell times its volume.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms, positions in Å, periodic in all directions.
    options : TbliteOptions
    result : tblite.interface.Result
        Of `atoms`.

    Returns
    -------
    numpy.ndarray
        Shape (3,), e·Å, from negative to positive charge; of all values that differ by e times
        lattice vectors the one within half a lattice vector of zero in each direction.

    Raises
    ------
    ReferenceFailure
        If an occupation is fractional.
    """
    return _State(atoms, options, result).polarization()


def born_effective_charges(atoms: Atoms, options: TbliteOptions) -> np.ndarray:
    """Differentiate the polarization of a cell by positions: three runs an atom, and one.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms, positions in Å, periodic in all directions.
    options : TbliteOptions

    Returns
    -------
    numpy.ndarray
        Z in e, shape (N, 3, 3), polarization index first.

    Raises
    ------
    ReferenceFailure
        If a run does not converge or an occupation is fractional.
    """
    tight = options.model_copy(update={"accuracy": min(options.accuracy, ACCURACY)})
    atoms = _clear_of_faces(atoms)
    lean = calculator(atoms, tight, electrons_only(options.method, atoms.numbers))
    state = _State(atoms, tight, run(lean, tight))
    bec = np.empty((len(atoms), 3, 3))
    for atom in range(len(atoms)):
        for axis in range(3):
            moved = atoms.copy()
            moved.positions[atom, axis] += options.step
            lean.update(moved.positions / BOHR)
            result = run(lean, tight, state.result)
            bec[atom, :, axis] = state.change(moved, atom, result) / options.step
    return bec


def _clear_of_faces(atoms: Atoms) -> Atoms:
    """Shift all atoms alike, so that the cell's faces lie in the widest gaps between them.

    tblite wraps atoms into the cell and cuts lattice sums so that each wrapping changes P by
    2e-7 e·Å: an atom that a step takes through a face would get a Z that is 0.02 e off.
    """
    fractional = np.sort(atoms.get_scaled_positions(wrap=True), axis=0)
    gaps = np.diff(fractional, axis=0, append=fractional[:1] + 1)
    widest = gaps.argmax(axis=0), np.arange(3)
    shifted = atoms.copy()
    shifted.positions -= (fractional[widest] + gaps[widest] / 2) @ atoms.cell.array
    return shifted


class _State:
    """A converged cell, from which displaced ones differ little."""

    def __init__(self, atoms: Atoms, options: TbliteOptions, result: "Result") -> None:
        self.result = result
        self._atoms = atoms
        self._method = options.method
        self._elements = [element(options.method, int(number)) for number in atoms.numbers]
        self._cores = np.array([one.valence for one in self._elements])
        self._waves = wavevectors(atoms.cell.array / BOHR)
        integrals = self._integrals(atoms)
        self._check_basis(integrals)
        self._matrices = [integrals.matrix(wave) for wave in self._waves]
        self._factors = phase_factors(self._matrices, self._occupied(result))

    def polarization(self) -> np.ndarray:
        """P in e·Å, shape (3,)."""
        cores = self._cores @ self._atoms.cell.scaled_positions(self._atoms.positions)
        return reduce(cores - electron_position(self._factors)) @ self._atoms.cell.array

    def change(self, moved: Atoms, atom: int, result: "Result") -> np.ndarray:
        """Change of P in e·Å, shape (3,), when one atom has moved a little, with its new result."""
        integrals = self._integrals(moved, atom)
        matrices = [
            integrals.matrix(wave, rest)
            for wave, rest in zip(self._waves, self._matrices, strict=True)
        ]
        # The ratio first: each phase alone could step from one branch to another.
        ratio = phase_factors(matrices, self._occupied(result)) / self._factors
        cores = self._cores @ (moved.positions - self._atoms.positions)
        return cores - electron_position(ratio) @ self._atoms.cell.array

    def _integrals(self, atoms: Atoms, atom: int | None = None) -> PlaneWaves:
        return PlaneWaves(self._elements, atoms.positions / BOHR, atoms.cell.array / BOHR, atom)

    def _occupied(self, result: "Result") -> np.ndarray:
        """Coefficients of the occupied orbitals, shape (n, n_occ)."""
        occupations = result["orbital-occupations"]
        filled = occupations > 1
        worst = np.abs(occupations - 2 * filled).max()
        if worst > INTEGER:
            raise Refusal(
                f"tblite ({self._method}): an orbital's occupation is {worst:.1e} off from 0 or 2, "
                "and the polarization of a cell is defined for insulators only"
            )
        return result["orbital-coefficients"][:, filled]

    def _check_basis(self, integrals: PlaneWaves) -> None:
        orbitals = self.result["orbital-coefficients"]
        overlap = orbitals.T @ integrals.overlap() @ orbitals
        breach = np.abs(overlap - np.eye(len(overlap))).max()
        if breach > SAME_BASIS:
            raise Refusal(
                f"tblite ({self._method}): its orbitals are not orthonormal in the basis known "
                f"here (by {breach:.1e}), so this version of tblite gives no polarization of "
                "cells; set reference.periodic_bec to false"
            )
