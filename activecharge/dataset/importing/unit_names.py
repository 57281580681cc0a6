"""Units by name, as people write them, and what turns them into the program's own."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

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

FACTORS: dict[str, float] = {
    "Å": 1.0,
    "bohr": BOHR,
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
    "eV/Å³": 1.0,
    "hartree/bohr³": HARTREE / BOHR**3,
    "GPa": GIGAPASCAL,
    "e": 1.0,
    "-e": -1.0,
    "e·Å": 1.0,
    "e·bohr": BOHR,
    "debye": DEBYE,
}
"""A value in a unit times its factor is the value in Å, eV, eV/Å, eV/Å³, e or e·Å."""

_SHORT = {"ha": "hartree", "ry": "rydberg", "d": "debye"}
"""Common short forms, in lower case."""


def _fold(text: str) -> str:
    """Reduce a spelling to what tells units apart: `eV/Angstrom`, `ev/A` and `eV/Å` are one."""
    text = text.casefold().replace(" ", "")
    for written, meant in (("angstrom", "a"), ("å", "a"), ("·", "*"), ("³", "^3")):
        text = text.replace(written, meant)
    return "/".join(_SHORT.get(part, part) for part in text.split("/"))


_NAMES = {_fold(name): name for name in FACTORS}


def _spelled(value: Any) -> Any:
    return _NAMES.get(_fold(value), value) if isinstance(value, str) else value


_SPELLED = BeforeValidator(_spelled)

LengthUnit = Annotated[Literal["Å", "bohr"], _SPELLED]
EnergyUnit = Annotated[Literal["eV", "hartree", "rydberg", "kcal/mol", "kJ/mol"], _SPELLED]
ForceUnit = Annotated[
    Literal[
        "eV/Å", "eV/bohr", "hartree/Å", "hartree/bohr", "rydberg/bohr", "kcal/mol/Å", "kJ/mol/Å"
    ],
    _SPELLED,
]
StressUnit = Annotated[Literal["eV/Å³", "hartree/bohr³", "GPa"], _SPELLED]
ChargeUnit = Annotated[Literal["e", "-e"], _SPELLED]
DipoleUnit = Annotated[Literal["e·Å", "e·bohr", "debye"], _SPELLED]
