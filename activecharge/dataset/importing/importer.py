"""Labelled data from elsewhere, turned into the program's labels."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms

from activecharge.dataset.candidates import bare_configuration
from activecharge.dataset.importing.born_files import BornFile, read_born
from activecharge.dataset.importing.foreign import fetch, find_keys, read_foreign, shaped
from activecharge.dataset.importing.import_options import ImportOptions, ImportUnits
from activecharge.dataset.importing.index_order import Evidence, Order, SecondBec, Tensors
from activecharge.dataset.importing.known_order import convention_of, settle_order
from activecharge.dataset.importing.unit_names import FACTORS
from activecharge.dataset.values import check_configuration
from activecharge.errors import UserError
from activecharge.properties import PROPERTIES
from activecharge.records import Candidate, Label
from activecharge.rounding import as_stored

_OUTCAR = "OUTCAR"


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
    masked: dict[str, int]
    order: Order | None
    order_from: str
    evidence: tuple[Evidence, ...]


def import_file(
    path: Path | str,
    options: ImportOptions,
    hasher: Callable[[Atoms], str],
    elements: Collection[str] | None = None,
    second: SecondBec | None = None,
) -> Imported:
    """Read labelled frames with user-named keys and units.

    Parameters
    ----------
    path : path-like
        extxyz or any file that ASE reads.
    options : ImportOptions
    hasher : callable
        Content hash of a bare configuration.
    elements : collection of str, optional
        Chemical symbols that may occur; any when absent.
    second : callable, optional
        Another Z to compare with where the sum rules do not tell the index order, see
        `activecharge.dataset.importing.index_order`.

    Returns
    -------
    Imported

    Raises
    ------
    UserError
        Naming file, frame and key, if anything is not as the options say, or the index order
        can neither be known nor told.
    """
    path = Path(path)
    frames = list(read_foreign(path, options.format))
    if not frames:
        raise UserError(f"{path}: holds no frames; give a file with labelled frames.")
    for where, atoms in frames:
        _to_angstrom(atoms, FACTORS[options.units.positions])
        check_configuration(atoms, where, elements)
    keys = find_keys(frames, options.keys.model_dump(), path)
    born = _born_file(path, options, frames, "bec" in keys)
    values = [_values(atoms, where, keys, options.units) for where, atoms in frames]
    if born is not None:
        for own, tensors in zip(values, born.frames, strict=True):
            own["bec"] = tensors * FACTORS[options.units.bec]
    for (where, _), own in zip(frames, values, strict=True):
        if not own:
            raise UserError(f"{where}: holds no labels; name its keys or remove the frame.")
    return _imported(path, options, hasher, frames, values, born, second)


def _imported(
    path: Path,
    options: ImportOptions,
    hasher: Callable[[Atoms], str],
    frames: list[tuple[str, Atoms]],
    values: list[dict[str, np.ndarray]],
    born: BornFile | None,
    second: SecondBec | None,
) -> Imported:
    labelled = [i for i, own in enumerate(values) if "bec" in own]
    conventions = [convention_of(*frames[i]) for i in labelled]
    settled = settle_order(
        path,
        options.order,
        conventions,
        born,
        [Tensors(frames[i][1], values[i]["bec"], values[i].get("dipole")) for i in labelled],
        second,
    )
    orders = dict(zip(labelled, settled.orders, strict=True))
    for i, order in orders.items():
        if order == "disp_pol":
            values[i]["bec"] = values[i]["bec"].swapaxes(1, 2)
        _check_sign(frames[i][1], values[i]["bec"], frames[i][0])
    labels = []
    for number, ((_, atoms), own) in enumerate(zip(frames, values, strict=True)):
        bare = bare_configuration(atoms)
        settings = {"file": path.name}
        if number in orders:
            settings["bec_order"] = orders[number]
        labels.append(
            Label(
                Candidate(bare, hasher(bare), "file", {"file": path.name, "frame": number}),
                {name: as_stored(value) for name, value in own.items()},
                options.reference,
                settings,
            )
        )
    return Imported(
        labels=tuple(labels),
        frames=dict(Counter(name for own in values for name in own)),
        masked=_masked(values),
        order=settled.orders[0] if len(set(settled.orders)) == 1 else None,
        order_from=settled.reason,
        evidence=settled.evidence,
    )


def _to_angstrom(atoms: Atoms, factor: float) -> None:
    atoms.positions *= factor
    atoms.cell *= factor


def _born_file(
    path: Path, options: ImportOptions, frames: list[tuple[str, Atoms]], has_key: bool
) -> BornFile | None:
    """Born effective charges beside the frames, or in the OUTCAR that the frames are from."""
    if options.bec_file is not None:
        source = Path(options.bec_file)
    elif _OUTCAR in path.name or options.format == "vasp-out":
        source = path
        with path.open(encoding="utf-8", errors="replace") as stream:
            if not any("BORN EFFECTIVE CHARGES" in line for line in stream):
                return None
    else:
        return None
    if has_key:
        raise UserError(
            f"{path}: holds Born effective charges, and {source} holds others; give only one."
        )
    born = read_born(source)
    if len(born.frames) != len(frames):
        raise UserError(
            f"{source}: holds Born effective charges of {len(born.frames)} frame(s), but {path} "
            f"holds {len(frames)}; give the file of a single-point calculation, or one tensor "
            "block a frame."
        )
    for (where, atoms), tensors in zip(frames, born.frames, strict=True):
        if len(tensors) != len(atoms):
            raise UserError(
                f"{where}: has {len(atoms)} atoms, but {source} has Born effective charges of "
                f"{len(tensors)}; give the files of one calculation."
            )
    return born


def _values(
    atoms: Atoms, where: str, keys: dict[str, str], units: ImportUnits
) -> dict[str, np.ndarray]:
    found = {}
    for name, key in keys.items():
        raw = fetch(atoms, key)
        if raw is not None:
            factor = FACTORS[getattr(units, name)]
            found[name] = shaped(raw, name, atoms, where, key) * factor
    return found


def _check_sign(atoms: Atoms, bec: np.ndarray, where: str) -> None:
    """Refuse oxygen that is more positive than the hydrogen it binds: the sign is inverted."""
    mean = {
        symbol: np.nanmean(np.trace(bec[atoms.symbols == symbol], axis1=1, axis2=2)) / 3
        for symbol in ("O", "H")
        if np.isfinite(bec[atoms.symbols == symbol]).all(axis=(1, 2)).any()
    }
    if len(mean) == 2 and mean["O"] >= mean["H"]:
        raise UserError(
            f"{where}: the mean Born effective charge of O is {mean['O']:.2f} e and of H "
            f"{mean['H']:.2f} e, so their sign is inverted; give units.bec: -e."
        )


def _masked(values: list[dict[str, np.ndarray]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for own in values:
        for name, value in own.items():
            if PROPERTIES[name].per_atom:
                counts[name] += int(np.isnan(value.reshape(len(value), -1)).any(axis=1).sum())
    return {name: count for name, count in counts.items() if count}
