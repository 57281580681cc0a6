"""Numbers as people read them: errors in thousandths of their unit, times in units that fit."""

from collections.abc import Mapping
from itertools import pairwise

from activecharge.properties import PROPERTIES

HEADLINE = ("charges", "bec", "forces")
"""Properties whose errors sum up how good a committee is, in the order in which they are told."""

_SPANS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def milli_unit(name: str) -> str:
    """Name the unit in which people read errors of a property, a thousandth of its own.

    Parameters
    ----------
    name : str
        Property name.

    Returns
    -------
    str
        For example "meV/Å"; energies are per atom.
    """
    return "m" + ("eV/atom" if name == "energy" else PROPERTIES[name].unit)


def milli(value: float | None, decimals: int | None = None) -> str:
    """Write a thousandfold value.

    Parameters
    ----------
    value : float or None
    decimals : int, optional
        Digits behind the point; by default as many as make three digits.

    Returns
    -------
    str
        "–" for None.
    """
    if value is None:
        return "–"
    value *= 1000
    if decimals is None:
        decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{decimals}f}"


def quantity(name: str, value: float, decimals: int | None = None) -> str:
    """Write a value of a property with its symbol and unit, for example "q 5.3 me"."""
    return f"{PROPERTIES[name].symbol} {milli(value, decimals)} {milli_unit(name)}"


def headline(values: Mapping[str, float]) -> str:
    """Write the values of `HEADLINE` in one line; what is not there is left out.

    Parameters
    ----------
    values : mapping of str to float
        By property name, in its unit.

    Returns
    -------
    str
    """
    return ", ".join(quantity(name, values[name], 1) for name in HEADLINE if name in values)


def duration(seconds: float) -> str:
    """Write a time span in its two largest units, for example "1 h 5 min".

    Parameters
    ----------
    seconds : float

    Returns
    -------
    str
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for (unit, length), (smaller, part) in pairwise(_SPANS):
        if whole >= length:
            rest = whole % length // part
            return f"{whole // length} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"
