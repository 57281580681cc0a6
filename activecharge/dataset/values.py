"""Property values in the arrays and info of an ASE frame, and the checks on reading them."""

from collections.abc import Collection, Mapping
from typing import Any

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


def check_configuration(atoms: Atoms, where: str, elements: Collection[str] | None) -> None:
    """Refuse a frame that is not finite, neutral, and free or fully periodic.

    Parameters
    ----------
    atoms : ase.Atoms
    where : str
        File and frame, for messages.
    elements : collection of str or None
        Chemical symbols that may occur; any when None.
    """
    if not np.isfinite(atoms.positions).all():
        raise UserError(f"{where}: some positions are not finite numbers; remove the frame.")
    for key in ("charge", "total_charge"):
        if np.any(atoms.info.get(key, 0) != 0):
            raise UserError(
                f"{where}: {key} is {atoms.info[key]}, but only neutral systems are supported "
                "for now; remove the frame."
            )
    if atoms.pbc.any() and not atoms.pbc.all():
        raise UserError(
            f'{where}: pbc is "{" ".join("FT"[int(p)] for p in atoms.pbc)}", but frames must be '
            "free or periodic in all three directions; change pbc or remove the frame."
        )
    # A volume of 1e-6 Å^3 is far below any real cell and far above rounding.
    cell = atoms.cell.array
    if atoms.pbc.all() and not (np.isfinite(cell).all() and abs(np.linalg.det(cell)) > 1e-6):
        raise UserError(f"{where}: is periodic but has no usable cell; give Lattice or pbc=F F F.")
    unknown = sorted(set(atoms.symbols) - set(elements)) if elements is not None else []
    if unknown:
        raise UserError(
            f"{where}: holds {', '.join(unknown)}, but only {', '.join(sorted(elements or ()))} "
            "may occur; remove the frame or add the element to the settings."
        )


def _shape(prop: Property, atoms: int) -> tuple[int, ...]:
    return (atoms, *prop.shape) if prop.per_atom else prop.shape


def _checked(raw: Any, key: str, prop: Property, atoms: int, where: str) -> np.ndarray:
    shape = _shape(prop, atoms)
    stored = (*shape[:-2], 9) if prop.shape == (3, 3) else shape
    try:
        value = np.asarray(raw, dtype=float)
    except (TypeError, ValueError):
        raise UserError(
            f"{where}: {key} is not numeric; expected numbers of shape {stored}; correct it."
        ) from None
    if value.shape not in (stored, shape):
        raise UserError(f"{where}: {key} has shape {value.shape}, expected {stored}; correct it.")
    value = value.reshape(shape)
    masked = prop.per_atom and bool((np.isfinite(value) | np.isnan(value)).all())
    if not masked and not np.isfinite(value).all():
        allowed = "finite or, where missing, NaN" if prop.per_atom else "finite"
        raise UserError(f"{where}: {key} must be {allowed}; correct or remove it.")
    return value


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
