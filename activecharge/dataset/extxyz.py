"""Labels as extxyz frames, and back.

Per-atom columns: `REF_forces` N×3, `REF_charges` N, `REF_bec` N×9 row-major with
`bec_convention="pol_disp"` in the frame's info. In info: `REF_energy`, `REF_dipole` (3
numbers), `REF_stress` (9 numbers, row-major), provenance (`hash`, `source`, `origin`,
`reference`, `reference_settings`; the two dictionaries as JSON text) and whatever else the
writer adds. No key is one that ASE would move into a calculator.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from ase import Atoms

from activecharge.dataset.candidates import (
    candidate_from_atoms,
    candidate_to_atoms,
    read_mapping,
)
from activecharge.dataset.frames import plain, read_frames, write_frames
from activecharge.dataset.judging.conditions import check_field
from activecharge.dataset.judging.configuration import check_configuration
from activecharge.dataset.values import put_values, take_values
from activecharge.errors import UserError
from activecharge.properties import PROPERTIES
from activecharge.records import Label


def write_labels(
    path: Path | str,
    labels: Sequence[Label],
    extra_info: Sequence[Mapping[str, object]] | None = None,
) -> Path:
    """Write labels to an extxyz file, atomically; equal labels give equal bytes.

    Parameters
    ----------
    path : path-like
    labels : sequence of Label
        Per-atom values are stored with 8 decimals.
    extra_info : sequence of mapping, optional
        Further info entries, one mapping a label; None values are left out.

    Returns
    -------
    pathlib.Path
    """
    if not labels:
        raise ValueError("at least one label is needed to write a file")
    return write_frames(path, all_to_atoms(labels, extra_info))


def read_labels(
    path: Path | str,
    elements: Collection[str] | None = None,
    rehash: bool = False,
) -> list[Label]:
    """Read and check every labelled frame of a file.

    Parameters
    ----------
    path : path-like
        extxyz, or what else `read_frames` takes, with the keys of this module.
    elements : collection of str, optional
        Chemical symbols that may occur; any when absent.
    rehash : bool
        Hash every content anew, so that an edited frame cannot keep its old identity; else a
        stored hash is taken.

    Returns
    -------
    list of Label

    Raises
    ------
    UserError
        Naming file and frame, if anything about the file is not as expected.
    """
    labels = [from_atoms(atoms, where, elements, rehash) for where, atoms in read_frames(path)]
    if not labels:
        raise UserError(f"{path}: holds no frames; give a file with labelled frames.")
    return labels


def all_to_atoms(
    labels: Sequence[Label], extra_info: Sequence[Mapping[str, object]] | None
) -> list[Atoms]:
    """Frames of labels, each with its further info entries, if any."""
    extras = extra_info if extra_info is not None else [{}] * len(labels)
    return [to_atoms(label, extra) for label, extra in zip(labels, extras, strict=True)]


def to_atoms(label: Label, extra: Mapping[str, object] | None = None) -> Atoms:
    """Turn a label into an ASE frame with the keys of this module.

    Parameters
    ----------
    label : Label
    extra : mapping, optional
        Further info entries, written after the label's own, which they cannot replace.

    Returns
    -------
    ase.Atoms
    """
    atoms = candidate_to_atoms(label.candidate)
    atoms.info.update(
        reference=label.reference,
        reference_settings=json.dumps(label.settings, sort_keys=True),
    )
    # One order of keys whatever the order of the dictionaries: equal labels, equal bytes.
    names = sorted(label.values, key=list(PROPERTIES).index)
    put_values(atoms, {PROPERTIES[n].key: (PROPERTIES[n], label.values[n]) for n in names})
    for key, value in sorted((extra or {}).items()):
        if value is not None:
            atoms.info.setdefault(key, plain(value))
    return atoms


def from_atoms(
    atoms: Atoms,
    where: str,
    elements: Collection[str] | None = None,
    rehash: bool = False,
) -> Label:
    """Turn an ASE frame with `REF_*` keys into a label, checking all of it.

    Parameters
    ----------
    atoms : ase.Atoms
        A neutral frame, free or periodic in three directions.
    where : str
        File and frame, for messages.
    elements, rehash
        As in `read_labels`.

    Returns
    -------
    Label

    Raises
    ------
    UserError
        If the frame is not a configuration this program handles, or its values are not
        of the shapes in `activecharge.properties`.
    """
    check_configuration(atoms, where, elements)
    check_field(atoms, where)
    values = take_values(atoms, {p.key: p for p in PROPERTIES.values()}, where)
    if not values:
        raise UserError(
            f"{where}: holds no reference values (found {_found(atoms)}; expected some of "
            f"{', '.join(p.key for p in PROPERTIES.values())}); `activecharge import` takes other "
            "keys, and units."
        )
    return Label(
        candidate=candidate_from_atoms(atoms, rehash),
        values=values,
        reference=str(atoms.info.get("reference", "unknown")),
        settings=read_mapping(atoms.info.get("reference_settings")),
    )


def _found(atoms: Atoms) -> str:
    keys = {*atoms.info, *atoms.arrays} - {"numbers", "positions"}
    if atoms.calc is not None:
        keys |= set(atoms.calc.results)
    return ", ".join(sorted(keys)) or "no keys"
