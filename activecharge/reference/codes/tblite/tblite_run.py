"""Calculators of the tblite library: how they are made, set and run."""

from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from activecharge.reference.codes.tblite.basis import Parameters, parameters
from activecharge.reference.codes.tblite.tblite_options import TbliteOptions
from activecharge.reference.failure import ReferenceFailure, Refusal
from activecharge.units import BOHR, BOLTZMANN, HARTREE

if TYPE_CHECKING:
    from tblite.interface import Calculator, Result


def calculator(
    atoms: Atoms, options: TbliteOptions, method: str | Parameters | None = None
) -> "Calculator":
    """Make a calculator of a neutral closed shell.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms, positions in Å; free or periodic in all directions.
    options : TbliteOptions
    method : str or dict, optional
        A method's name or its parameters, in place of the one in `options`.
    """
    from tblite.exceptions import TBLiteRuntimeError
    from tblite.interface import Calculator

    periodic = bool(atoms.pbc.any())
    try:
        made = Calculator(
            method or options.method,
            atoms.numbers,
            atoms.positions / BOHR,
            charge=0.0,
            lattice=atoms.cell.array / BOHR if periodic else None,
            periodic=atoms.pbc if periodic else None,
        )
    except TBLiteRuntimeError as error:
        # Atoms too close, say; nothing that a remedy changes is set yet.
        raise Refusal(_sentence(options, error)) from error
    made.set("verbosity", 0)
    made.set("accuracy", options.accuracy)
    made.set("max-iter", options.max_iterations)
    made.set("mixer-damping", options.damping)
    made.set("temperature", options.electronic_temperature * BOLTZMANN / HARTREE)
    return made


def run(
    calculator: "Calculator", options: TbliteOptions, start: "Result | None" = None
) -> "Result":
    """Converge, from a copy of the state `start` if given; quantities are in atomic units."""
    from tblite.exceptions import TBLiteRuntimeError

    try:
        return calculator.singlepoint(start, copy=start is not None)
    except TBLiteRuntimeError as error:
        raise ReferenceFailure(_sentence(options, error)) from error


def electrons_only(method: str, numbers: np.ndarray) -> Parameters:
    """Return a method's parameters less the energies that no electron feels.

    Orbitals and charges stay the same to the last bit while a run of GFN2-xTB takes 40 % less
    time: repulsion, halogen bonds and the dispersion of GFN1-xTB go, and of GFN2-xTB's, which
    depends on charges, the three-body part, which does not.

    Parameters
    ----------
    method : str
        "GFN1-xTB" or "GFN2-xTB".
    numbers : numpy.ndarray
        Atomic numbers that are needed.
    """
    whole = parameters(method)
    given = {key: value for key, value in whole.items() if key not in ("repulsion", "halogen")}
    given["element"] = {
        symbol: whole["element"][symbol] for symbol in (chemical_symbols[n] for n in set(numbers))
    }
    dispersion = given.pop("dispersion")
    if "d4" in dispersion:
        given["dispersion"] = {"d4": dispersion["d4"] | {"s9": 0.0}}
    return given


def _sentence(options: TbliteOptions, error: Exception) -> str:
    return f"tblite ({options.method}): {error}"
