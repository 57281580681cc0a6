"""Frames of files that other programs wrote, with values under whatever keys those chose."""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from activecharge.dataset.frames import read_frames
from activecharge.errors import UserError
from activecharge.properties import PROPERTIES

_EXTXYZ = {".xyz", ".extxyz"}

KNOWN = {
    name: (prop.key, *{"bec": ("bec", "born_effective_charges")}.get(name, (name,)))
    for name, prop in PROPERTIES.items()
}
"""Keys that are looked for by property, best first, where the user names none."""


def read_foreign(path: Path | str, format: str | None = None) -> Iterator[tuple[str, Atoms]]:
    """Read frames from any file that ASE reads.

    Parameters
    ----------
    path : path-like
    format : str, optional
        ASE's name of the format; found from the file when absent.

    Yields
    ------
    where : str
        File and frame number, for messages.
    atoms : ase.Atoms

    Raises
    ------
    UserError
        If the file is missing or cannot be parsed.
    """
    path = Path(path)
    if format == "extxyz" or (format is None and path.suffix in _EXTXYZ):
        yield from read_frames(path)
        return
    if not path.is_file():
        raise UserError(f"{path}: is not a file; give an existing file with labelled frames.")
    import ase.io

    try:
        frames = ase.io.read(path, index=":", format=format)
    # ASE's many parsers raise whatever a malformed file leads them into.
    except Exception as error:
        detail = " ".join(str(error).split())[:120]
        raise UserError(
            f"{path}: ASE cannot read it ({type(error).__name__}: {detail}); give a format that "
            "ASE knows, or name it with `format`."
        ) from error
    for number, atoms in enumerate(frames):
        yield f"{path}, frame {number} (counting from 0)", atoms


def find_keys(
    frames: Sequence[tuple[str, Atoms]], keys: dict[str, str | None], path: Path | str
) -> dict[str, str]:
    """Settle under which key each property lies.

    Parameters
    ----------
    frames : sequence of (str, ase.Atoms)
    keys : dict of str to str or None
        By property name: the key the user named, if any.
    path : path-like
        For messages.

    Returns
    -------
    dict of str to str
        Key by property name; properties without values are left out.

    Raises
    ------
    UserError
        If a key that the user named is in no frame.
    """
    present = {key for _, atoms in frames for key in _keys(atoms)}
    settled = {}
    for name, wanted in keys.items():
        if wanted is not None and wanted not in present:
            near = difflib.get_close_matches(wanted, present, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it holds {_listed(present)}."
            raise UserError(f"{path}: no frame holds the key {wanted} (keys.{name}); {hint}")
        found = [key for key in ((wanted,) if wanted else KNOWN[name]) if key in present]
        if found:
            settled[name] = found[0]
    return settled


def fetch(atoms: Atoms, key: str) -> Any:
    """Value under a key, wherever ASE has put it; None if there is none."""
    for place in _places(atoms):
        if key in place:
            return place[key]
    return None


def shaped(raw: Any, name: str, atoms: Atoms, where: str, key: str) -> np.ndarray:
    """Bring a value into the shape of its property.

    Takes N×9, N×3×3 and flat Born effective charges, 3×3, nine-number and Voigt stresses.

    Parameters
    ----------
    raw : array-like
    name : str
        Property.
    atoms : ase.Atoms
    where, key : str
        For messages.

    Returns
    -------
    numpy.ndarray
        Shape as in `activecharge.properties`. Per-atom entries may be NaN.
    """
    prop = PROPERTIES[name]
    shape = (len(atoms), *prop.shape) if prop.per_atom else prop.shape
    try:
        value = np.asarray(raw, dtype=float)
    except (TypeError, ValueError):
        raise UserError(
            f"{where}: {key} is not numeric; expected numbers of shape {shape}; correct it."
        ) from None
    if name == "stress" and value.shape == (6,):
        value = value[[0, 5, 4, 5, 1, 3, 4, 3, 2]]  # Voigt order xx yy zz yz xz xy
    if value.size != np.prod(shape, dtype=int):
        raise UserError(
            f"{where}: {key} has shape {value.shape}, expected {shape}; name another key."
        )
    if np.isinf(value).any() or (not prop.per_atom and np.isnan(value).any()):
        allowed = "finite or, where missing, NaN" if prop.per_atom else "finite"
        raise UserError(f"{where}: {key} must be {allowed}; correct or remove it.")
    return value.reshape(shape)


def _places(atoms: Atoms) -> tuple[dict[str, Any], ...]:
    results = atoms.calc.results if atoms.calc is not None else {}
    return atoms.arrays, atoms.info, results


def _keys(atoms: Atoms) -> set[str]:
    return {key for place in _places(atoms) for key in place} - {"numbers", "positions"}


def _listed(keys: set[str]) -> str:
    return ", ".join(sorted(keys)) or "none"
