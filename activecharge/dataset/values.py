"""Property values in the arrays and info of an ASE frame, and the checks on reading them."""

from collections.abc import Mapping

import numpy as np
from ase import Atoms

from activecharge.errors import UserError
from activecharge.properties import BEC_CONVENTION, Property

_CONVENTION_KEY = "bec_convention"
_TRANSPOSED = "disp_pol"


def put_values(atoms: Atoms, values: Mapping[str, tuple[Property, np.ndarray]]) -> None:
    """Store values under their keys, in the order of `values`.

    Parameters
    ----------
    atoms : ase.Atoms
        Changed in place.
    values : mapping of str to (Property, numpy.ndarray)
        By extxyz key; shapes as in `activecharge.properties`. Tensors are flattened
        row-major, since extxyz columns and info hold no more than rows of numbers.
    """
    for key, (prop, value) in values.items():
        array = np.asarray(value, dtype=float)
        if array.shape != _shape(prop, len(atoms)):
            raise ValueError(f"{key} has shape {array.shape}, not {_shape(prop, len(atoms))}")
        if prop.per_atom:
            atoms.set_array(key, array.reshape(len(atoms), -1) if prop.shape else array)
        else:
            atoms.info[key] = array.ravel() if prop.shape else array.item()
        if prop.name == "bec":
            atoms.info[_CONVENTION_KEY] = BEC_CONVENTION


def take_values(
    atoms: Atoms, properties: Mapping[str, Property], where: str
) -> dict[str, np.ndarray]:
    """Fetch and check the values that a frame holds.

    Parameters
    ----------
    atoms : ase.Atoms
    properties : mapping of str to Property
        The property under each extxyz key that is looked for.
    where : str
        File and frame, for messages.

    Returns
    -------
    dict of str to numpy.ndarray
        By property name, shapes as in `activecharge.properties`. Per-atom entries may be
        NaN; Born effective charges have the polarization index first.
    """
    values = {}
    for key, prop in properties.items():
        raw = (atoms.arrays if prop.per_atom else atoms.info).get(key)
        if raw is None:
            continue
        value = _checked(raw, key, prop, len(atoms), where)
        # A spread has no trailing axes, hence no index order.
        if prop.name == "bec" and prop.shape:
            value = _polarization_first(atoms, value, key, where)
        values[prop.name] = value
    return values


def _shape(prop: Property, atoms: int) -> tuple[int, ...]:
    return (atoms, *prop.shape) if prop.per_atom else prop.shape


def _checked(raw: object, key: str, prop: Property, atoms: int, where: str) -> np.ndarray:
    shape = _shape(prop, atoms)
    stored = (*shape[:-2], 9) if prop.shape == (3, 3) else shape
    value = as_numbers(raw, key, stored, where)
    if value.shape not in (stored, shape):
        raise UserError(f"{where}: {key} has shape {value.shape}, expected {stored}; correct it.")
    check_finite(value, key, prop.per_atom, where)
    return value.reshape(shape)


def as_numbers(raw: object, key: str, shape: tuple[int, ...], where: str) -> np.ndarray:
    """A value as an array; UserError with the `shape` it should have if it is no numbers."""
    try:
        return np.asarray(raw, dtype=float)
    except (TypeError, ValueError):
        raise UserError(
            f"{where}: {key} is not numeric; expected numbers of shape {shape}; correct it."
        ) from None


def check_finite(value: np.ndarray, key: str, per_atom: bool, where: str) -> None:
    """Refuse infinities, and NaN where no entry may be missing."""
    if np.isinf(value).any() or (not per_atom and np.isnan(value).any()):
        allowed = "finite or, where missing, NaN" if per_atom else "finite"
        raise UserError(f"{where}: {key} must be {allowed}; correct or remove it.")


def _polarization_first(atoms: Atoms, value: np.ndarray, key: str, where: str) -> np.ndarray:
    convention = atoms.info.get(_CONVENTION_KEY)
    if convention == BEC_CONVENTION:
        return value
    if convention == _TRANSPOSED:
        return np.ascontiguousarray(value.swapaxes(1, 2))
    given = f'"{convention}"' if convention is not None else "missing"
    raise UserError(
        f'{where}: {key} needs {_CONVENTION_KEY}="{BEC_CONVENTION}" (first index polarization) '
        f'or "{_TRANSPOSED}" (first index displacement) in the comment line, but it is {given}; '
        "add it, since the index order is never assumed."
    )
