"""Units by name, as people write them, and what turns them into the program's own."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from activecharge.units import BOHR, HARTREE

RYDBERG = HARTREE / 2
"""Rydberg energy in eV."""

KCAL_PER_MOL = 4184 / (6.02214076e23 * 1.602176634e-19)
"""1 kcal/mol in eV: thermochemical calorie, exact SI constants."""

KJ_PER_MOL = KCAL_PER_MOL / 4.184
"""1 kJ/mol in eV."""

DEBYE = 1e-21 / 299792458 / 1.602176634e-19 * 1e10
"""1 debye (1e-21/c C·m) in e·Å."""

GIGAPASCAL = 1e9 * 1e-30 / 1.602176634e-19
"""1 GPa in eV/Å³."""

_FACTORS: dict[str, float] = {
    "Å": 1.0,
    "bohr": BOHR,
    "nm": 10.0,
    "eV": 1.0,
    "hartree": HARTREE,
    "rydberg": RYDBERG,
    "kcal/mol": KCAL_PER_MOL,
    "kJ/mol": KJ_PER_MOL,
    "eV/Å": 1.0,
    "eV/bohr": 1 / BOHR,
    "hartree/Å": HARTREE,
    "hartree/bohr": HARTREE / BOHR,
    "rydberg/bohr": RYDBERG / BOHR,
    "kcal/mol/Å": KCAL_PER_MOL,
    "kJ/mol/Å": KJ_PER_MOL,
    "kJ/mol/nm": KJ_PER_MOL / 10,
    "eV/Å³": 1.0,
    "hartree/bohr³": HARTREE / BOHR**3,
    "GPa": GIGAPASCAL,
    "kbar": GIGAPASCAL / 10,
    "e": 1.0,
    "debye/Å": DEBYE,
    "e·Å": 1.0,
    "e·bohr": BOHR,
    "debye": DEBYE,
}
"""A value in a unit times its factor is the value in Å, eV, eV/Å, eV/Å³, e or e·Å."""

LENGTHS = ("Å", "bohr", "nm")
ENERGIES = ("eV", "hartree", "rydberg", "kcal/mol", "kJ/mol")
FORCES = (
    *("eV/Å", "eV/bohr", "hartree/Å", "hartree/bohr", "rydberg/bohr"),
    *("kcal/mol/Å", "kJ/mol/Å", "kJ/mol/nm"),
)
STRESSES = ("eV/Å³", "hartree/bohr³", "GPa", "kbar")
CHARGES = ("e",)
DIPOLES = ("e·Å", "e·bohr", "debye")
BORN = ("e", "debye/Å")


def factor(unit: str) -> float:
    """What a value in a unit is multiplied by; a minus before the unit turns the sign."""
    return -_FACTORS[unit[1:]] if unit.startswith("-") else _FACTORS[unit]


_SHORT = {"ha": "hartree", "ry": "rydberg", "d": "debye"}
"""Common short forms, in lower case."""


def _fold(text: str) -> str:
    """Reduce a spelling to what tells units apart: `eV/Angstrom`, `ev/A` and `eV/Å` are one."""
    text = text.casefold().replace(" ", "")
    for written, meant in (("angstrom", "a"), ("å", "a"), ("·", "*"), ("³", "^3")):
        text = text.replace(written, meant)
    return "/".join(_SHORT.get(part, part) for part in text.split("/"))


_NAMES = {_fold(name): name for name in _FACTORS}


def _spelled(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    bare = value.strip()
    sign = "-" if bare.startswith(("-", "−")) else ""
    name = _NAMES.get(_fold(bare[len(sign) :]))
    return value if name is None else sign + name


def _one_of(names: tuple[str, ...], signed: bool = True) -> Callable[[str], str]:
    def check(unit: str) -> str:
        if unit not in names and not (signed and unit[1:] in names and unit.startswith("-")):
            minus = ", each with a minus before it for the other sign" if signed else ""
            raise ValueError(f"expected one of {', '.join(names)}{minus}")
        return unit

    return check


_SPELLED = BeforeValidator(_spelled)

LengthUnit = Annotated[str, _SPELLED, AfterValidator(_one_of(LENGTHS, signed=False))]
EnergyUnit = Annotated[str, _SPELLED, AfterValidator(_one_of(ENERGIES, signed=False))]
ForceUnit = Annotated[str, _SPELLED, AfterValidator(_one_of(FORCES))]
StressUnit = Annotated[str, _SPELLED, AfterValidator(_one_of(STRESSES))]
VirialUnit = Annotated[str, _SPELLED, AfterValidator(_one_of(ENERGIES))]
ChargeUnit = Annotated[str, _SPELLED, AfterValidator(_one_of(CHARGES))]
DipoleUnit = Annotated[str, _SPELLED, AfterValidator(_one_of(DIPOLES))]
BornUnit = Annotated[str, _SPELLED, AfterValidator(_one_of(BORN))]
