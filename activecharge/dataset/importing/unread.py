"""What a file holds and an import does not read: told, with a guess at what it may be."""

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from activecharge.dataset.importing.label_keys import KNOWN, fetch, keys_of
from activecharge.dataset.judging.conditions import may_be_charge
from activecharge.dataset.reading.extxyz_frames import UNNAMED

_NAMES = {
    "energy": r"energy|energies|etot|toten|epot|ener|e",
    "forces": r"forces?|frc|gradients?|grad",
    "stress": r"stress|stresses|pressure tensor",
    "virial": r"virials?",
    "charges": r"charges?|chg|q|mulliken|hirshfeld|bader|l[oö]e?wdin|cm5|mbis|ddec|resp|esp|npa",
    "dipole": r"dipoles?|dip|mu|moment",
    "bec": r"bec|born|apt|zstar|polar",
}
"""Words of a key by property."""

_SHAPES = {
    "energy": (1,),
    "forces": ("N", 3),
    "stress": (6, 9),
    "virial": (6, 9),
    "charges": ("N", 1),
    "dipole": (3,),
    "bec": ("N", 9),
}
_NO_LABELS = re.compile(
    r"hash|source|origin|split|round|index|id|uid|name|step|time|timestep|iter|iteration|i|frame|"
    r"config|type|temperature|temp|natoms|nmol|seed|tags?|masses|mass|momenta|momentum|velocit\w+|"
    r"vel\w*|initial|constraints?|move|mask|magmoms?|magnetic|map|shift|age|molecules|weight\w*",
    re.IGNORECASE,
)
"""Words by which a key is known to be no label of this program's."""

_OF_READ = {"bec_convention", "masses"}
"""Keys that are read, though not as values."""


@dataclass(frozen=True)
class Unread:
    """A key that was not read.

    Attributes
    ----------
    key : str
    frames : int
        How many frames have it.
    what : str
        Such as "9 numbers an atom".
    numeric : bool
        Whether it holds numbers that may be labels.
    hint : str
        What to do if it is a label; empty where it does not look like one.
    """

    key: str
    frames: int
    what: str
    numeric: bool
    hint: str

    def __str__(self) -> str:
        text = f"{self.key} ({self.what}, in {self.frames} frame{'s' * (self.frames != 1)})"
        return f"{text}: {self.hint}" if self.hint else text


def find_unread(
    frames: Sequence[tuple[str, Atoms]], used: Sequence[Mapping[str, str]]
) -> tuple[Unread, ...]:
    """All keys of all frames that were not read; those that look like labels come first.

    Parameters
    ----------
    frames : sequence of (str, ase.Atoms)
    used : sequence of mapping
        One entry a frame: the keys that were read, by property.
    """
    counts: Counter[str] = Counter()
    first: dict[str, Atoms] = {}
    read = {name for own in used for name in own}
    for (_, atoms), own in zip(frames, used, strict=True):
        for key in sorted(keys_of(atoms) - set(own.values()) - _OF_READ):
            if key == "free_energy" and "energy" in own and _same(atoms, key, own["energy"]):
                continue
            counts[key] += 1
            first.setdefault(key, atoms)
    found = [_unread(key, first[key], count, read) for key, count in counts.items()]
    return tuple(sorted(found, key=lambda item: (not item.hint, not item.numeric, item.key)))


def _same(atoms: Atoms, key: str, other: str) -> bool:
    """Whether two energies are one, as free and extrapolated ones of an insulator are."""
    return bool(np.isclose(fetch(atoms, key), fetch(atoms, other), rtol=0, atol=1e-6))


def _unread(key: str, atoms: Atoms, frames: int, read: set[str]) -> Unread:
    value = fetch(atoms, key)
    if key == UNNAMED:
        hint = "name them in Properties=..., as species:S:1:pos:R:3:forces:R:3"
        return Unread("columns without a name", frames, f"{value} a row", True, hint)
    shape = _shape(key, value, atoms)
    if shape is None:
        return Unread(key, frames, "text", False, "")
    per_atom, size = shape
    what = f"{size} number{'s' * (size != 1)}{' an atom' if per_atom else ''}"
    if not atoms.pbc.all() and key in KNOWN["virial"]:
        return Unread(key, frames, f"{what} without a cell", False, "")
    return Unread(key, frames, what, not _known_other(key), _hint(key, value, shape, read, atoms))


def _shape(key: str, value: object, atoms: Atoms) -> tuple[bool, int] | None:
    """Whether a value is one an atom, and how many numbers it has, each time."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return None
    if isinstance(value, bool) or not array.size:
        return None
    if key in atoms.arrays or (array.ndim > 1 and len(array) == len(atoms) and array.size != 9):
        return True, array.size // len(atoms)
    if array.size == 9 * len(atoms) and len(atoms) > 1:
        return True, 9
    return False, array.size


def _hint(key: str, value: object, shape: tuple[bool, int], read: set[str], atoms: Atoms) -> str:
    per_atom, size = shape
    if not atoms.pbc.any() and key.lower() in ("cell", "box", "lattice") and size in (3, 6, 9):
        return "if it is the cell of periodic frames, name it Lattice and write nine numbers"
    if not per_atom and may_be_charge(key, value):
        return "if it is the total charge, remove the frame: only neutral ones are supported"
    name = _property(key, shape)
    if not name:
        return ""
    other = f" in place of the {name} read" if name in read else ""
    sign = ", with units.forces: -..., if it is a gradient" if "grad" in key.lower() else ""
    return f"looks like {name}; if so, give --key {name}={key}{other}{sign}"


def _property(key: str, shape: tuple[bool, int]) -> str:
    """The property that a key may stand for, by its words, its spelling and its shape."""
    fits = [
        name
        for name, wanted in _SHAPES.items()
        if (wanted[0] == "N") == shape[0] and shape[1] in wanted
    ]
    if _known_other(key):
        return ""
    words = _words(key)
    if shape[0] or not words & {"atom", "atomic", "per"}:
        for name in fits:
            if any(re.fullmatch(_NAMES[name], word) for word in words):
                return name
    for name in fits:
        if difflib.get_close_matches(key.lower(), [k.lower() for k in KNOWN[name]], cutoff=0.75):
            return name
    return "bec" if "bec" in fits else ""


def _known_other(key: str) -> bool:
    return bool(_words(key)) and all(_NO_LABELS.fullmatch(word) for word in _words(key))


def _words(key: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-zö]+", key)}
