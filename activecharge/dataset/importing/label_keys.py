"""Under which keys a file holds its values, frame by frame, and the values under them."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from activecharge.dataset.values import as_numbers, check_finite
from activecharge.errors import UserError
from activecharge.properties import PROPERTIES

KNOWN: dict[str, tuple[str, ...]] = {
    **{name: (prop.key, name) for name, prop in PROPERTIES.items()},
    "bec": (PROPERTIES["bec"].key, "bec", "born_effective_charges"),
    "virial": ("REF_virial", "REF_virials", "virial", "virials"),
}
"""Keys that are looked for by property, best first, where the user names none. A virial is a way to
write a stress."""

_SHAPES: dict[str, tuple[bool, tuple[int, ...]]] = {
    **{name: (prop.per_atom, prop.shape) for name, prop in PROPERTIES.items()},
    "virial": (False, (3, 3)),
}
_CONFIGURATION = {"numbers", "positions"}


def find_keys(
    frames: Sequence[tuple[str, Atoms]], wanted: Mapping[str, str | None], path: Path | str
) -> list[dict[str, str]]:
    """Settle for every frame under which key each property lies.

    Parameters
    ----------
    frames : sequence of (str, ase.Atoms)
    wanted : mapping of str to str or None
        By property: the key that the user named, if any, which is then the only one.
    path : path-like
        For messages.

    Returns
    -------
    list of dict of str to str
        One entry a frame: key by property; properties without values are left out, and virials
        of free frames, which have no volume.

    Raises
    ------
    UserError
        If a key that the user named is in no frame.
    """
    present = [keys_of(atoms) for _, atoms in frames]
    anywhere = set().union(*present)
    for name, key in wanted.items():
        if key is not None and key not in anywhere:
            near = difflib.get_close_matches(key, anywhere, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it holds {_listed(anywhere)}."
            raise UserError(f"{path}: no frame holds the key {key} (keys.{name}); {hint}")
    settled = []
    for (_, atoms), own in zip(frames, present, strict=True):
        found = {
            name: next((k for k in ((key,) if key else KNOWN[name]) if k in own), None)
            for name, key in wanted.items()
        }
        if not atoms.pbc.all():
            found.pop("virial", None)
        settled.append({name: key for name, key in found.items() if key is not None})
    return settled


def keys_of(atoms: Atoms) -> set[str]:
    """All keys of a frame but those of the configuration itself."""
    return {key for place in _places(atoms) for key in place} - _CONFIGURATION


def fetch(atoms: Atoms, key: str) -> Any:
    """Value under a key, wherever ASE has put it; None if there is none."""
    for place in _places(atoms):
        if key in place:
            return place[key]
    return None


def shaped(raw: object, name: str, atoms: Atoms, where: str, key: str) -> np.ndarray:
    """Bring a value into the shape of its property.

    Takes N×9, N×3×3 and flat Born effective charges, 3×3, nine-number and Voigt stresses and
    virials.

    Parameters
    ----------
    raw : array-like
    name : str
        Property, or "virial".
    atoms : ase.Atoms
    where, key : str
        For messages.

    Returns
    -------
    numpy.ndarray
        Shape as in `activecharge.properties`. Per-atom entries may be NaN.
    """
    per_atom, shape = _SHAPES[name]
    shape = (len(atoms), *shape) if per_atom else shape
    value = as_numbers(raw, key, shape, where)
    if shape == (3, 3) and value.shape == (6,):
        value = value[[0, 5, 4, 5, 1, 3, 4, 3, 2]]  # Voigt order xx yy zz yz xz xy
    if value.size != np.prod(shape, dtype=int):
        raise UserError(
            f"{where}: {key} has shape {value.shape}, expected {shape}; name another key."
        )
    check_finite(value, key, per_atom, where)
    return value.reshape(shape)


def _places(atoms: Atoms) -> tuple[Mapping[str, object], ...]:
    results = atoms.calc.results if atoms.calc is not None else {}
    return atoms.arrays, atoms.info, results


def _listed(keys: set[str]) -> str:
    return ", ".join(sorted(keys)) or "none"
