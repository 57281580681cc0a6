"""What files call their atoms, as elements: isotopes, numbers, and names that are no elements."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase.data import atomic_masses, atomic_numbers

from activecharge.errors import UserError

ISOTOPES = {"D": 2.01410177812, "T": 3.01604928132, "2H": 2.01410177812, "3H": 3.01604928132}
"""Names of heavy hydrogen, and masses in u (CODATA and AME2020)."""

_SITES = {"X", "M", "Mw", "Ep", "Lp", "L", "Q", "Vs", "Msite", "Dummy", "Ghost", "Bq", "Xx"}
"""Names of points without electrons, in ASE's capitals: fourth sites of water models, ghosts."""

_ATOM_TYPES = 5
"""Up to this number it may well be a type of a force field rather than an element."""


@dataclass(frozen=True)
class Species:
    """The atoms of a frame.

    Attributes
    ----------
    numbers : tuple of int
        Atomic numbers.
    masses : numpy.ndarray or None
        Shape (N,), u; None without isotopes.
    """

    numbers: tuple[int, ...]
    masses: np.ndarray | None


def resolve(names: Sequence[str], where: str) -> Species:
    """Tell elements from what a file calls its atoms.

    Deuterium and tritium (D, T) are hydrogen with a mass of its own. Atomic numbers may stand
    in place of symbols where they cannot be the types of a force field.

    Parameters
    ----------
    names : sequence of str
    where : str
        File and frame, for messages.

    Raises
    ------
    UserError
        For sites without electrons, and names that are neither elements nor numbers.
    """
    found = {name: _element(name) for name in set(names)}
    unknown = sorted(name for name, number in found.items() if number < 1)
    if sites := [name for name in unknown if name.capitalize() in _SITES]:
        count = sum(name in sites for name in names)
        raise UserError(
            f"{where}: {count} of {len(names)} atoms are called {', '.join(sites)}, which is no "
            "element but a site without electrons, as in water models of four points; remove "
            "them and keep the atoms."
        )
    if unknown:
        raise UserError(
            f"{where}: holds atoms called {', '.join(unknown)}; expected chemical symbols such as "
            "O and H; rename them."
        )
    digits = {number for name, number in found.items() if name.isdigit()}
    if digits and max(digits) <= _ATOM_TYPES:
        raise UserError(
            f"{where}: holds atoms called {', '.join(sorted(map(str, digits)))}, which may be "
            "atomic numbers or the types of a force field; write chemical symbols."
        )
    numbers = tuple(found[name] for name in names)
    if not set(names) & ISOTOPES.keys():
        return Species(numbers, None)
    masses = [ISOTOPES.get(n, atomic_masses[z]) for n, z in zip(names, numbers, strict=True)]
    return Species(numbers, np.array(masses))


def _element(name: str) -> int:
    """Atomic number, 0 if there is none."""
    if name in ISOTOPES:
        return 1
    if name.isdigit():
        return int(name) if 0 < int(name) < len(atomic_masses) else 0
    return atomic_numbers.get(name.capitalize(), 0)
