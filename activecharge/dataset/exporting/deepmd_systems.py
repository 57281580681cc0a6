"""Folders of DeePMD-kit: one system for each list of atoms, with its frames in npy files.

Units are eV and Å; the virial is −stress·volume (DeePMD-kit's manual, "Data"), so that it is
positive under pressure.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols

from activecharge.files import write_atomic, write_text
from activecharge.records import Label

FILES = {"energy": "energy", "forces": "force", "charges": "atomic_charge", "dipole": "dipole"}
"""Names of files by property; stress and Born effective charges need more than a name."""


def write_systems(folder: Path, labels: Sequence[Label]) -> list[tuple[Path, str]]:
    """Write labels as systems below a folder.

    A system's frames have the same atoms in the same order, and are all free or all periodic; a
    property is written where all of them have it.

    Parameters
    ----------
    folder : pathlib.Path
    labels : sequence of Label

    Returns
    -------
    list of (pathlib.Path, str)
        Each system with one line on what it is.
    """
    groups: dict[tuple[bytes, bool], list[Label]] = {}
    for label in labels:
        atoms = label.candidate.atoms
        groups.setdefault((atoms.numbers.tobytes(), bool(atoms.pbc.any())), []).append(label)
    written, names = [], set()
    for (_, periodic), group in groups.items():
        first = group[0].candidate.atoms
        name = first.get_chemical_formula() + ("" if periodic else "_free")
        while name in names:  # the same formula in another order
            name += "x"
        names.add(name)
        _write(folder / name, group, periodic)
        written.append((folder / name, f"{len(group)} frames of {first.get_chemical_formula()}"))
    return written


def _write(folder: Path, labels: Sequence[Label], periodic: bool) -> None:
    numbers = labels[0].candidate.atoms.numbers
    kinds = sorted(set(numbers.tolist()))
    types = [kinds.index(number) for number in numbers.tolist()]
    write_text(folder / "type.raw", "".join(f"{kind}\n" for kind in types))
    write_text(folder / "type_map.raw", "".join(f"{chemical_symbols[z]}\n" for z in kinds))
    if not periodic:
        write_text(folder / "nopbc", "")
    for name, rows in _arrays(labels, periodic).items():
        _write_array(folder / "set.000" / f"{name}.npy", rows)


def _arrays(labels: Sequence[Label], periodic: bool) -> dict[str, np.ndarray]:
    """One row a frame, by name of the file."""
    frames = [label.candidate.atoms for label in labels]
    found = {"coord": np.stack([atoms.positions.ravel() for atoms in frames])}
    # A free frame has no box, but readers want the file; nobody looks at its numbers.
    boxes = [np.asarray(atoms.cell) if periodic else 100.0 * np.eye(3) for atoms in frames]
    found["box"] = np.stack([box.ravel() for box in boxes])
    shared = set.intersection(*(set(label.values) for label in labels))
    for name, file in FILES.items():
        if name in shared:
            found[file] = np.stack([np.ravel(label.values[name]) for label in labels])
    if "bec" in shared:
        found["atomic_bec"] = np.stack([label.values["bec"].ravel() for label in labels])
    if "stress" in shared and periodic:
        volumes = np.array([atoms.get_volume() for atoms in frames])
        stresses = np.stack([label.values["stress"].ravel() for label in labels])
        found["virial"] = -stresses * volumes[:, None]
    return found


def _write_array(path: Path, rows: np.ndarray) -> None:
    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.lib.format.write_array(file, np.ascontiguousarray(rows), allow_pickle=False)

    write_atomic(path, write)
