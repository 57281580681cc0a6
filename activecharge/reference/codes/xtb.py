"""Labels from GFN1-xTB and GFN2-xTB with the xtb library (package xtb, the xtb-python API).

An implementation independent of tblite's. The interface takes no uniform field, so Born
effective charges are displaced dipoles, six runs an atom. GFN1-xTB: Grimme, Bannwarth,
Shushkov, J. Chem. Theory Comput. 13, 1989 (2017), DOI 10.1021/acs.jctc.7b00118. GFN2-xTB:
Bannwarth, Ehlert, Grimme, J. Chem. Theory Comput. 15, 1652 (2019), DOI 10.1021/acs.jctc.8b01176.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, JsonValue

from activecharge.reference.checks import check, check_free, require
from activecharge.reference.codes.code_options import Package, TightBindingOptions
from activecharge.reference.failure import ReferenceFailure
from activecharge.reference.response import from_displacement
from activecharge.units import BOHR, HARTREE

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms
    from xtb.interface import Calculator

HEAVIEST = 86
"""The parametrizations end at radon."""


class XtbOptions(TightBindingOptions):
    """Extended tight binding with the xtb library: clusters only, fields by displacement."""

    for_cells = None
    packages = (Package("xtb", "reference xtb", "pip install xtb"),)
    kind: Literal["xtb"] = Field("xtb", description="Reference code")
    step: float = Field(
        1e-3,
        ge=1e-5,
        le=1e-1,
        description="Displacement of the finite differences for Born effective charges [Å]",
    )


OPTIONS = XtbOptions


def settings(options: XtbOptions) -> dict[str, JsonValue]:
    """Return what fixes the values of a label, as JSON-able data."""
    _require()
    from importlib.metadata import version

    return {
        "method": options.method,
        "accuracy": options.accuracy,
        "step_A": options.step,
        "electronic_temperature_K": options.electronic_temperature,
        "version": version("xtb"),
    }


def label(atoms: Atoms, options: XtbOptions) -> dict[str, np.ndarray]:
    """Compute the label of one neutral closed-shell cluster.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms, positions in Å, free. Cells are refused: the library accepts them for
        GFN1-xTB, but the energy of two water molecules in a cubic cell of 5 Å differs by
        0.17 eV from their share of the 2x2x2 supercell, and there is no virial.
    options : XtbOptions

    Returns
    -------
    dict of str to numpy.ndarray
        energy () eV; forces (N, 3) eV/Å; charges (N,) e, Mulliken; dipole (3,) e·Å; bec
        (N, 3, 3) e, polarization index first.

    Raises
    ------
    ReferenceFailure
        If the configuration is outside the methods' reach or does not converge.
    UserError
        If xtb is not installed.
    """
    _require()
    check(atoms, "xtb", HEAVIEST)
    check_free(atoms, "xtb", "its periodic energies depend on how atoms are wrapped into the cell")
    from xtb.interface import XTBException

    try:
        return _label(atoms, options)
    except XTBException as error:
        sentence = "; ".join(line.strip() for line in str(error).splitlines())
        raise ReferenceFailure(f"xtb ({options.method}): {sentence}") from error


def _label(atoms: Atoms, options: XtbOptions) -> dict[str, np.ndarray]:
    calculator = _calculator(atoms, options)
    zero = calculator.singlepoint()

    def dipole(positions: np.ndarray) -> np.ndarray:
        calculator.update(positions / BOHR)
        return calculator.singlepoint(zero, copy=True).get_dipole() * BOHR

    return {
        "energy": zero.get_energy() * HARTREE,
        "forces": -zero.get_gradient() * (HARTREE / BOHR),
        "charges": zero.get_charges(),
        "dipole": zero.get_dipole() * BOHR,
        "bec": from_displacement(dipole, atoms.positions, options.step),
    }


def _calculator(atoms: Atoms, options: XtbOptions) -> Calculator:
    from xtb.interface import Calculator, Param

    methods = {"GFN1-xTB": Param.GFN1xTB, "GFN2-xTB": Param.GFN2xTB}
    calculator = Calculator(methods[options.method], atoms.numbers, atoms.positions / BOHR)
    calculator.set_verbosity("muted")
    calculator.set_accuracy(options.accuracy)
    calculator.set_max_iterations(options.max_iterations)
    calculator.set_electronic_temperature(options.electronic_temperature)
    return calculator


def _require() -> None:
    require("xtb", "xtb.interface", "pip install 'activecharge[xtb]'")
