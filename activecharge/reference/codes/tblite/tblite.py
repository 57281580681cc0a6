"""Labels from GFN1-xTB and GFN2-xTB with the tblite library.

GFN1-xTB: Grimme, Bannwarth, Shushkov, J. Chem. Theory Comput. 13, 1989 (2017),
DOI 10.1021/acs.jctc.7b00118. GFN2-xTB: Bannwarth, Ehlert, Grimme, J. Chem. Theory Comput. 15,
1652 (2019), DOI 10.1021/acs.jctc.8b01176.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import JsonValue

from activecharge.reference.checks import check, require
from activecharge.reference.codes.tblite.tblite_options import TbliteOptions
from activecharge.reference.response import from_field
from activecharge.units import BOHR, HARTREE

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms
    from tblite.interface import Result

HEAVIEST = 86
"""The parametrizations end at radon."""

OPTIONS = TbliteOptions


def settings(options: TbliteOptions) -> dict[str, JsonValue]:
    """Return what fixes the values of a label, as JSON-able data."""
    _require()
    from tblite.library import get_version

    return {
        "method": options.method,
        "accuracy": options.accuracy,
        "field_au": options.field,
        "step_A": options.step,
        "electronic_temperature_K": options.electronic_temperature,
        "version": ".".join(map(str, get_version())),
    }


def label(atoms: Atoms, options: TbliteOptions) -> dict[str, np.ndarray]:
    """Compute the label of one neutral closed-shell configuration.

    Free clusters get dipole and Born effective charges, these from six runs in a field. Cells
    (Γ point) get them with `periodic_bec` only, from Berry phases and three runs an atom.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms, positions in Å; free, or periodic in all directions.
    options : TbliteOptions

    Returns
    -------
    dict of str to numpy.ndarray
        energy () eV; forces (N, 3) eV/Å; charges (N,) e, Mulliken; of cells stress (3, 3)
        eV/Å³, positive under tension; dipole (3,) e·Å, for cells the Berry-phase polarization,
        known up to e times a lattice vector; bec (N, 3, 3) e, polarization index first.

    Raises
    ------
    ReferenceFailure, UserError
        As `Code.label` says.
    """
    from activecharge.reference.codes.tblite.tblite_cell import born_effective_charges, polarization

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
        if options.periodic_bec:
            values["dipole"] = polarization(atoms, options, zero)
            values["bec"] = born_effective_charges(atoms, options)
    else:
        values["dipole"] = zero["dipole"] * BOHR
        values["bec"] = _clusters_bec(atoms, options, zero)
    return values


def _clusters_bec(atoms: Atoms, options: TbliteOptions, zero: Result) -> np.ndarray:
    # In atomic units force over field is already in e.
    def forces(field: np.ndarray) -> np.ndarray:
        return -_run(atoms, options, field, zero)["gradient"]

    return from_field(forces, options.field)


def _run(
    atoms: Atoms,
    options: TbliteOptions,
    field: np.ndarray | None = None,
    start: Result | None = None,
) -> Result:
    """Converge one field (atomic units), from the state `start` if given."""
    from activecharge.reference.codes.tblite.tblite_run import calculator, run

    # A calculator keeps every field it was ever given, so each field has its own.
    made = calculator(atoms, options)
    if field is not None:
        made.add("electric-field", field.tolist())
    return run(made, options, start)


def _require() -> None:
    require("tblite", "tblite.interface", "pip install tblite")
