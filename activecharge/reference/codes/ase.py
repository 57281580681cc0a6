"""Labels from any ASE calculator.

ASE: Larsen et al., J. Phys.: Condens. Matter 29, 273002 (2017), DOI 10.1088/1361-648X/aa680e.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, JsonValue

from activecharge.errors import UserError
from activecharge.reference.codes.code_options import CodeOptions
from activecharge.reference.failure import Mishap, Refusal
from activecharge.reference.response import from_displacement

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms
    from ase.calculators.calculator import Calculator

BEC = "born_effective_charges"


class AseOptions(CodeOptions):
    """Any ASE calculator that gives a dipole or Born effective charges."""

    probe: ClassVar[Mapping[str, object]] = {
        "calculator": "ase.calculators.tip3p:TIP3P",
        "bec": "none",
    }
    kind: Literal["ase"] = Field("ase", description="Reference code")
    calculator: str = Field(
        pattern=r"^\w+(\.\w+)*:\w+$",
        description="Calculator class or factory as package.module:Name; campaigns run its code",
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="Keyword arguments of the calculator"
    )
    bec: Literal["calculator", "displacement", "none"] = Field(
        "displacement",
        description=(
            "Where Born effective charges come from: the calculator's own, displaced dipoles "
            "(six runs an atom, clusters only), or nowhere"
        ),
    )
    bec_convention: Literal["pol_disp", "disp_pol"] | None = Field(
        None,
        description=(
            "Index order of the calculator's own Born effective charges, polarization or "
            "displacement first; it must be given to take them"
        ),
    )
    step: float = Field(
        5e-3,
        ge=1e-5,
        le=1e-1,
        description="Displacement of the finite differences for Born effective charges [Å]",
    )


OPTIONS = AseOptions


def settings(options: AseOptions) -> dict[str, JsonValue]:
    """Return what fixes the values of a label, as JSON-able data."""
    module = import_module(options.calculator.split(":")[0].split(".")[0])
    given: dict[str, JsonValue] = {
        "calculator": options.calculator,
        "arguments": options.arguments,
        "version": str(getattr(module, "__version__", "unknown")),
    }
    if options.bec == "displacement":
        given["step_A"] = options.step
    return given


def label(atoms: Atoms, options: AseOptions) -> dict[str, np.ndarray]:
    """Compute all that the calculator offers for one configuration.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms, positions in Å.
    options : AseOptions

    Returns
    -------
    dict of str to numpy.ndarray
        energy () eV; forces (N, 3) eV/Å; where the calculator offers them charges (N,) e,
        dipole (3,) e·Å of free clusters, stress (3, 3) eV/Å³ of cells; and bec (N, 3, 3) e,
        polarization index first.

    Raises
    ------
    ReferenceFailure
        If the calculator fails on this configuration.
    UserError
        If the calculator cannot be made, or does not offer what the settings ask of it.
    """
    calculator = _calculator(options)
    offers = set(calculator.implemented_properties)
    periodic = bool(atoms.pbc.any())
    wanted = {"energy", "forces", "charges", "stress" if periodic else "dipole"}
    values = {name: _ask(calculator, name, atoms) for name in sorted(wanted & offers)}
    if "stress" in values:
        values["stress"] = _matrix(values["stress"])
    if options.bec == "calculator":
        values["bec"] = _own(calculator, atoms, options)
    elif options.bec == "displacement":
        values["bec"] = _displaced(calculator, atoms, options)
    return values


def _calculator(options: AseOptions) -> Calculator:
    module, name = options.calculator.split(":")
    try:
        return getattr(import_module(module), name)(**options.arguments)
    # Whatever the calculator's own code raises while it is made, it concerns the settings.
    except Exception as error:
        raise UserError(
            f"reference.calculator: cannot make {options.calculator} with the arguments "
            f"{options.arguments} ({type(error).__name__}: {error}); install its package or "
            "correct the settings."
        ) from error


def _ask(calculator: Calculator, name: str, atoms: Atoms) -> np.ndarray:
    import numpy as np

    try:
        return np.asarray(calculator.get_property(name, atoms), dtype=float)
    # Calculators raise what they like when a run goes wrong.
    except Exception as error:
        raise Mishap(f"the calculator gave no {name} ({type(error).__name__}: {error})") from error


def _own(calculator: Calculator, atoms: Atoms, options: AseOptions) -> np.ndarray:
    """Return the calculator's own Born effective charges, polarization index first."""
    if options.bec_convention is None:
        raise UserError(
            "reference.bec_convention: say which index of the calculator's born_effective_charges "
            "comes first, pol_disp (polarization) or disp_pol (displacement)"
        )
    if BEC not in calculator.implemented_properties:
        raise UserError(
            f"reference.bec: {options.calculator} does not offer {BEC}; "
            "set bec: displacement (clusters) or bec: none"
        )
    bec = _ask(calculator, BEC, atoms).reshape(len(atoms), 3, 3)
    return bec if options.bec_convention == "pol_disp" else bec.transpose(0, 2, 1)


def _displaced(calculator: Calculator, atoms: Atoms, options: AseOptions) -> np.ndarray:
    if "dipole" not in calculator.implemented_properties:
        raise UserError(
            f"reference.bec: {options.calculator} offers no dipole to differentiate; "
            "set bec: calculator or bec: none"
        )
    if atoms.pbc.any():
        raise Refusal("the dipole of a cell is not defined, so it gives no Born effective charges")
    moved = atoms.copy()

    def dipole(positions: np.ndarray) -> np.ndarray:
        moved.positions = positions
        return _ask(calculator, "dipole", moved)

    return from_displacement(dipole, atoms.positions, options.step)


def _matrix(voigt: np.ndarray) -> np.ndarray:
    """Return a stress in ASE's order xx, yy, zz, yz, xz, xy as a matrix; tension is positive."""
    if voigt.shape == (3, 3):
        return voigt
    return voigt[[[0, 5, 4], [5, 1, 3], [4, 3, 2]]]
