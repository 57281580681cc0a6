"""Labels from GFN1-xTB and GFN2-xTB with the tblite library.

GFN1-xTB: Grimme, Bannwarth, Shushkov, J. Chem. Theory Comput. 13, 1989 (2017),
DOI 10.1021/acs.jctc.7b00118. GFN2-xTB: Bannwarth, Ehlert, Grimme, J. Chem. Theory Comput. 15,
1652 (2019), DOI 10.1021/acs.jctc.8b01176.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms

from activecharge.reference.checks import check, require
from activecharge.reference.code_options import TbliteOptions
from activecharge.reference.failure import ReferenceFailure
from activecharge.reference.response import from_field
from activecharge.rounding import as_stored
from activecharge.units import BOHR, BOLTZMANN, HARTREE

if TYPE_CHECKING:
    from tblite.interface import Result

HEAVIEST = 86
"""The parametrizations end at radon."""


def settings(options: TbliteOptions) -> dict[str, Any]:
    """Return what fixes the values of a label, as JSON-able data."""
    _require()
    from tblite.library import get_version

    return {
        "method": options.method,
        "accuracy": options.accuracy,
        "field_au": options.field,
        "electronic_temperature_K": options.electronic_temperature,
        "version": ".".join(map(str, get_version())),
    }


def label(atoms: Atoms, options: TbliteOptions) -> dict[str, np.ndarray]:
    """Compute the label of one neutral closed-shell configuration.

    Free clusters get energy, forces, charges, dipole and Born effective charges. Cells that
    are periodic in all directions (Γ point) get energy, forces, stress and charges: a uniform
    field, and with it the dipole, has no meaning there.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms, positions in Å.
    options : TbliteOptions

    Returns
    -------
    dict of str to numpy.ndarray
        energy () eV; forces (N, 3) eV/Å; charges (N,) e, Mulliken; and either dipole (3,) e·Å
        and bec (N, 3, 3) e, polarization index first, or stress (3, 3) eV/Å³, positive under
        tension. Rounded to 8 decimals.

    Raises
    ------
    ReferenceFailure
        If the configuration is outside the methods' reach or does not converge.
    UserError
        If tblite is not installed.
    """
    _require()
    check(atoms, "tblite", HEAVIEST)
    zero = _run(atoms, options)
    values = {
        "energy": zero["energy"] * HARTREE,
        "forces": -zero["gradient"] * (HARTREE / BOHR),
        "charges": zero["charges"],
    }
    if atoms.pbc.any():
        values["stress"] = zero["virial"] * (HARTREE / atoms.get_volume())
    else:
        values["dipole"] = zero["dipole"] * BOHR
        # In atomic units force over field is already in e.
        values["bec"] = from_field(
            lambda field: -_run(atoms, options, field, zero)["gradient"], options.field
        )
    return {name: as_stored(value) for name, value in values.items()}


def remedies(options: TbliteOptions) -> list[TbliteOptions]:
    """Return what to try next: gentler mixing and more cycles."""
    gentle = {"damping": options.damping / 2, "max_iterations": 2 * options.max_iterations}
    return [options.model_copy(update=gentle)]


def _run(
    atoms: Atoms,
    options: TbliteOptions,
    field: np.ndarray | None = None,
    start: "Result | None" = None,
) -> "Result":
    """Converge one field (atomic units), from the state `start` if given."""
    from tblite.exceptions import TBLiteRuntimeError
    from tblite.interface import Calculator

    periodic = bool(atoms.pbc.any())
    try:
        # A calculator keeps every field it was ever given, so each field has its own.
        calculator = Calculator(
            options.method,
            atoms.numbers,
            atoms.positions / BOHR,
            charge=0.0,
            lattice=atoms.cell.array / BOHR if periodic else None,
            periodic=atoms.pbc if periodic else None,
        )
        calculator.set("verbosity", 0)
        calculator.set("accuracy", options.accuracy)
        calculator.set("max-iter", options.max_iterations)
        calculator.set("mixer-damping", options.damping)
        calculator.set("temperature", options.electronic_temperature * BOLTZMANN / HARTREE)
        if field is not None:
            calculator.add("electric-field", field.tolist())
        return calculator.singlepoint(start, copy=start is not None)
    except TBLiteRuntimeError as error:
        raise ReferenceFailure(f"tblite ({options.method}): {error}") from error


def _require() -> None:
    require("tblite", "tblite.interface", "pip install tblite")
