"""Labelled data from elsewhere, turned into the program's labels."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms

from activecharge.dataset.candidates import bare_configuration
from activecharge.dataset.frames import read_frames
from activecharge.dataset.identity import content_hash
from activecharge.dataset.importing.born_beside import born_beside
from activecharge.dataset.importing.born_files import BornFile
from activecharge.dataset.importing.import_options import ImportOptions
from activecharge.dataset.importing.index_order import (
    Evidence,
    Order,
    OrderTrial,
    SecondBec,
    Tensors,
)
from activecharge.dataset.importing.known_order import convention_of, settle_order
from activecharge.dataset.importing.label_keys import find_keys
from activecharge.dataset.importing.label_values import take_labels
from activecharge.dataset.importing.unit_names import factor
from activecharge.dataset.importing.unread import Unread, find_unread
from activecharge.dataset.judging.conditions import check_field
from activecharge.dataset.judging.configuration import check_configuration
from activecharge.dataset.judging.plausible import check_values, remarks
from activecharge.errors import UserError
from activecharge.properties import PROPERTIES
from activecharge.records import Candidate, Label
from activecharge.rounding import as_stored
from activecharge.strict_json import Json


@dataclass(frozen=True)
class Imported:
    """What came out of a file.

    Attributes
    ----------
    labels : tuple of Label
        One a frame, in the file's order; Born effective charges with polarization first.
        `origin` of the candidates holds file and frame.
    frames : dict of str to int
        How many frames have each property, by name.
    keys : dict of str to dict of str to int
        From which keys each property was read, and in how many frames.
    unread : tuple of Unread
        What else the frames hold.
    remarks : tuple of str
        What is unusual about the values.
    masked : dict of str to int
        How many atoms lack a per-atom property that their frame has, by name.
    order : {"pol_disp", "disp_pol"} or None
        The file's own index order; None without Born effective charges, or where the frames'
        conventions differ.
    order_from : str
        One sentence: who said so, with the figures where it was detected.
    evidence : tuple of Evidence
        What the sum rules say about both orders.
    """

    labels: tuple[Label, ...]
    frames: dict[str, int]
    keys: dict[str, dict[str, int]]
    unread: tuple[Unread, ...]
    remarks: tuple[str, ...]
    masked: dict[str, int]
    order: Order | None
    order_from: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class _Found:
    """Frames, and what was read from them, one entry a frame."""

    path: Path
    frames: list[tuple[str, Atoms]]
    keys: list[dict[str, str]]
    values: list[dict[str, np.ndarray]]
    born: BornFile | None


def import_file(
    path: Path | str,
    options: ImportOptions,
    elements: Collection[str] | None = None,
    second: SecondBec | None = None,
    trial: OrderTrial | None = None,
) -> Imported:
    """Read labelled frames with user-named keys and units.

    Parameters
    ----------
    path : path-like
        extxyz, a folder of DeePMD-kit, or any file that ASE reads.
    options : ImportOptions
    elements : collection of str, optional
        Chemical symbols that may occur; any when absent.
    second : callable, optional
        Another Z to compare with where the sum rules do not tell the index order, see
        `activecharge.dataset.importing.index_order`.
    trial : callable, optional
        A model fitted to both orders, asked where `options.order` is "fit" and nothing else
        tells.

    Returns
    -------
    Imported

    Raises
    ------
    UserError
        Naming file, frame and key, if anything is not as the options say, values cannot be
        water's in their units, or the index order can neither be known nor told.
    """
    found = _find(Path(path), options, elements)
    pairs = [(atoms, own) for (_, atoms), own in zip(found.frames, found.values, strict=True)]
    check_values(pairs, path)
    unread = find_unread(found.frames, found.keys)
    unusual = tuple(remarks(pairs))
    if options.strict:
        _check_strict(found.path, unread, unusual)
    return _imported(found, options, unread, unusual, second, trial)


def _find(path: Path, options: ImportOptions, elements: Collection[str] | None) -> _Found:
    """Frames in Å with their values in the program's units; Z in the file's index order."""
    frames = list(read_frames(path, options.format))
    if not frames:
        raise UserError(f"{path}: holds no frames; give a file with labelled frames.")
    for where, atoms in frames:
        _to_angstrom(atoms, factor(options.units.positions))
        check_configuration(atoms, where, elements)
        if options.electric_field == "refuse":
            check_field(atoms, where)
    keys = find_keys(frames, options.keys.model_dump(), path)
    values = take_labels(frames, keys, options.units)
    born = born_beside(path, options, frames, any("bec" in own for own in keys))
    if born is not None:
        for own, tensors in zip(values, born.frames, strict=True):
            own["bec"] = tensors * factor(options.units.bec)
    _check_labelled(frames, values)
    return _Found(path, frames, keys, values, born)


def _imported(
    found: _Found,
    options: ImportOptions,
    unread: tuple[Unread, ...],
    unusual: tuple[str, ...],
    second: SecondBec | None,
    trial: OrderTrial | None,
) -> Imported:
    frames, values = found.frames, found.values
    labelled = [i for i, own in enumerate(values) if "bec" in own]
    settled = settle_order(
        found.path,
        options.order,
        [convention_of(*frames[i]) for i in labelled],
        found.born,
        [Tensors(frames[i][1], values[i]["bec"], values[i].get("dipole")) for i in labelled],
        second,
        trial,
    )
    orders = dict(zip(labelled, settled.orders, strict=True))
    for i, order in orders.items():
        if order == "disp_pol":
            values[i]["bec"] = values[i]["bec"].swapaxes(1, 2)
    return Imported(
        labels=tuple(
            _label(found.path.name, number, atoms, own, orders.get(number), options.reference)
            for number, ((_, atoms), own) in enumerate(zip(frames, values, strict=True))
        ),
        frames=dict(Counter(name for own in values for name in own)),
        keys=_counted(found.keys),
        unread=unread,
        remarks=unusual,
        masked=_masked(values),
        order=settled.orders[0] if len(set(settled.orders)) == 1 else None,
        order_from=settled.reason,
        evidence=settled.evidence,
    )


def _label(
    file: str,
    number: int,
    atoms: Atoms,
    values: dict[str, np.ndarray],
    order: Order | None,
    reference: str,
) -> Label:
    bare = bare_configuration(atoms)
    settings: dict[str, Json] = {"file": file}
    if order is not None:
        settings["bec_order"] = order
    return Label(
        Candidate(bare, content_hash(bare), "file", {"file": file, "frame": number}),
        {name: as_stored(value) for name, value in values.items()},
        reference,
        settings,
    )


def _check_labelled(frames: list[tuple[str, Atoms]], values: list[dict[str, np.ndarray]]) -> None:
    for frame, own in zip(frames, values, strict=True):
        if not own:
            held = "; ".join(str(item) for item in find_unread([frame], [{}])) or "no keys at all"
            raise UserError(
                f"{frame[0]}: holds no labels that are known, but {held}; name its keys or remove "
                "the frame."
            )


def _check_strict(path: Path, unread: tuple[Unread, ...], unusual: tuple[str, ...]) -> None:
    dropped = [str(item) for item in unread if item.numeric]
    if dropped:
        raise UserError(
            f"{path}: holds numbers that are not read: {'; '.join(dropped)}; name their keys, "
            "remove them, or import without strict."
        )
    if unusual:
        raise UserError(f"{path}: {'; '.join(unusual)}; or import without strict.")


def _counted(keys: list[dict[str, str]]) -> dict[str, dict[str, int]]:
    """Frames by key, by property."""
    counts: dict[str, Counter[str]] = {}
    for own in keys:
        for name, key in own.items():
            counts.setdefault(name, Counter())[key] += 1
    return {name: dict(found) for name, found in counts.items()}


def _to_angstrom(atoms: Atoms, length: float) -> None:
    atoms.positions *= length
    atoms.cell *= length


def _masked(values: list[dict[str, np.ndarray]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for own in values:
        for name, value in own.items():
            if PROPERTIES[name].per_atom:
                counts[name] += int(np.isnan(value.reshape(len(value), -1)).any(axis=1).sum())
    return {name: count for name, count in counts.items() if count}
