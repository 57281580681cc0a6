"""Labels from GFN1-xTB and GFN2-xTB with the tblite library.

GFN1-xTB: Grimme, Bannwarth, Shushkov, J. Chem. Theory Comput. 13, 1989 (2017),
DOI 10.1021/acs.jctc.7b00118. GFN2-xTB: Bannwarth, Ehlert, Grimme, J. Chem. Theory Comput. 15,
1652 (2019), DOI 10.1021/acs.jctc.8b01176.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms

from activecharge.errors import UserError
from activecharge.reference.failure import ReferenceFailure
from activecharge.reference.options import TbliteOptions
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
    _check(atoms)
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
        values["bec"] = _born_effective_charges(atoms, options, zero)
    return {name: as_stored(value) for name, value in values.items()}


def _born_effective_charges(atoms: Atoms, options: TbliteOptions, zero: "Result") -> np.ndarray:
    """Return Z[i, a, b] = ∂F_ib/∂E_a in e, shape (N, 3, 3), from central differences."""
    bec = np.empty((len(atoms), 3, 3))
    for direction in range(3):
        field = np.zeros(3)
        field[direction] = options.field
        # In atomic units force over field is already in e.
        plus = _run(atoms, options, field, zero)["gradient"]
        minus = _run(atoms, options, -field, zero)["gradient"]
        bec[:, direction, :] = (minus - plus) / (2 * options.field)
    return bec


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
        calculator.set("temperature", options.electronic_temperature * BOLTZMANN / HARTREE)
        if field is not None:
            calculator.add("electric-field", field.tolist())
        return calculator.singlepoint(start, copy=start is not None)
    except TBLiteRuntimeError as error:
        raise ReferenceFailure(f"tblite ({options.method}): {error}") from error


def _check(atoms: Atoms) -> None:
    """Refuse what tblite would compute in silence but wrongly, or only crash on."""
    outside = sorted(set(atoms.numbers[(atoms.numbers < 1) | (atoms.numbers > HEAVIEST)].tolist()))
    if outside:
        raise ReferenceFailure(
            f"tblite knows the elements 1 to {HEAVIEST}, the frame has atomic number {outside[0]}"
        )
    if not np.isfinite(atoms.positions).all():
        raise ReferenceFailure("the frame has positions that are not finite numbers")
    if atoms.numbers.sum() % 2:
        raise ReferenceFailure(
            f"the frame has {atoms.numbers.sum()} electrons, an even number was expected "
            "(a neutral closed shell)"
        )
    if atoms.pbc.any() and not atoms.pbc.all():
        # tblite gives such a frame the energy of the fully periodic one.
        raise ReferenceFailure(
            "tblite cannot treat a cell that is periodic in some directions only; "
            "make it periodic in all three, with vacuum in the others"
        )
    if atoms.pbc.all() and atoms.cell.rank < 3:
        raise ReferenceFailure("the frame is periodic but its cell has no volume")


def _require() -> None:
    """Raise a sentence that says how to install tblite if it is absent."""
    try:
        import tblite.interface  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"reference.kind: tblite needs the tblite package ({error}); "
            "install it with `pip install tblite`."
        ) from error
