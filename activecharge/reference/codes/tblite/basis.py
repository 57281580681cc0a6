"""The atomic orbitals of GFN1-xTB and GFN2-xTB, as tblite has them.

Slater exponents, lengths of expansion and valence electrons are asked of tblite, so that they
are those of the installed version; the Gaussian expansions are in `sto`.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from ase.data import chemical_symbols

from activecharge.reference.codes.tblite.sto import ANGULAR, expand

Parameters = dict[str, Any]
"""A method's parameters, nested as in tblite's TOML files."""


@dataclass(frozen=True, eq=False)
class Shell:
    """One contracted shell of an element.

    Attributes
    ----------
    angular : int
        Angular momentum l, at most 2; the shell has 2l + 1 orbitals.
    exponents : numpy.ndarray
        Shape (K,), 1/bohr².
    coefficients : numpy.ndarray
        Shape (K,), with norms, as `activecharge.reference.codes.tblite.sto.expand` gives them.
    """

    angular: int
    exponents: np.ndarray
    coefficients: np.ndarray


@dataclass(frozen=True, eq=False)
class Element:
    """What an element brings along.

    Attributes
    ----------
    shells : tuple of Shell
        In tblite's order.
    valence : float
        Charge of the core in e, which is the number of valence electrons.
    """

    shells: tuple[Shell, ...]
    valence: float


@lru_cache(maxsize=2)
def parameters(method: str) -> Parameters:
    """Return tblite's parameters of "GFN1-xTB" or "GFN2-xTB"."""
    from tblite import library

    export = {"GFN1-xTB": library.export_gfn1_param, "GFN2-xTB": library.export_gfn2_param}
    record, table = library.new_param(), library.new_table()
    export[method](record)
    library.dump_param(record, table)
    return library.table_to_dict(table)


@lru_cache(maxsize=256)
def element(method: str, number: int) -> Element:
    """Return the orbitals of an element.

    Parameters
    ----------
    method : str
        "GFN1-xTB" or "GFN2-xTB".
    number : int
        Atomic number.
    """
    given = parameters(method)["element"][chemical_symbols[number]]
    shells: list[Shell] = []
    for orbital, count, zeta in zip(given["shells"], given["ngauss"], given["slater"], strict=True):
        shell = Shell(ANGULAR.index(orbital[1]), *expand(orbital, count, zeta))
        # Hydrogen's 2s in GFN1-xTB stands upright on its 1s.
        lower = [other for other in shells if other.angular == shell.angular]
        shells.append(_orthogonal(shell, lower[0]) if lower else shell)
    return Element(tuple(shells), float(sum(given["refocc"])))


def _orthogonal(shell: Shell, lower: Shell) -> Shell:
    """Subtract from an s shell its part along another and normalise the rest."""
    mixed = Shell(
        shell.angular,
        np.concatenate([shell.exponents, lower.exponents]),
        np.concatenate([shell.coefficients, -_overlap(shell, lower) * lower.coefficients]),
    )
    norm = np.sqrt(_overlap(mixed, mixed))
    return Shell(mixed.angular, mixed.exponents, mixed.coefficients / norm)


def _overlap(one: Shell, other: Shell) -> float:
    """Overlap of two s shells on one centre."""
    total = one.exponents[:, None] + other.exponents
    return float(one.coefficients @ (np.pi / total) ** 1.5 @ other.coefficients)
