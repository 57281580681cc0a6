"""Frames of DeePMD-kit's folders: `type.raw`, `type_map.raw`, `set.*/{coord,box,energy,...}.npy`.

Units are eV and Å; the virial is Σ r⊗F, so that stress = −virial/volume (DeePMD-kit's manual,
"Data"; dpdata writes so). The box's rows are the cell vectors. What a dipole is measured in is
up to who made it.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from activecharge.dataset.reading.species import Species, resolve
from activecharge.errors import UserError


def is_deepmd(path: Path) -> bool:
    """Whether a folder is a system of DeePMD-kit."""
    return path.is_dir() and ((path / "type.raw").is_file() or any(path.glob("set.*")))


def read_deepmd(path: Path) -> Iterator[tuple[str, Atoms]]:
    """Read all frames of a system, set by set.

    Parameters
    ----------
    path : pathlib.Path
        Folder with `type.raw` and `set.*`.

    Yields
    ------
    where : str
        Set and frame number, for messages.
    atoms : ase.Atoms
        Energy, forces and dipole are the calculator's; `virial`, `atomic_dipole` and further
        arrays with one row a frame are in `info` and `arrays`.

    Raises
    ------
    UserError
        If a file is missing, holds no numbers, or has another shape than the others ask for.
    """
    names = _names(path)
    periodic = not (path / "nopbc").exists()
    sets = sorted(path.glob("set.*"))
    if not sets:
        raise UserError(f"{path}: holds no folder set.*; give a system of DeePMD-kit in npy files.")
    frame = 0
    for folder in sets:
        arrays = {file.stem: _load(file) for file in sorted(folder.glob("*.npy"))}
        species = _species(path, folder, names, arrays.pop("real_atom_types", None))
        _check(folder, arrays, len(species[0].numbers), periodic)
        for row in range(len(arrays["coord"])):
            where = f"{path}, frame {frame} (counting from 0)"
            own = species[min(row, len(species) - 1)]
            yield where, _frame(own, {name: a[row] for name, a in arrays.items()}, periodic)
            frame += 1


def _names(path: Path) -> list[str]:
    try:
        return (path / "type_map.raw").read_text(encoding="utf-8").split()
    except OSError as error:
        raise UserError(
            f"{path}: has no type_map.raw, so its types have no names; write one with a chemical "
            "symbol a line, O and H say, in the order of the types."
        ) from error


def _species(path: Path, folder: Path, names: list[str], mixed: np.ndarray | None) -> list[Species]:
    """Species of all frames, or one entry for each where they differ ("mixed type")."""
    if mixed is None:
        try:
            types = np.loadtxt(path / "type.raw", dtype=int, ndmin=1)
        except (OSError, ValueError) as error:
            raise UserError(
                f"{path}: type.raw cannot be read ({error}); expected one integer an atom."
            ) from error
        mixed = types[None]
    if mixed.min(initial=0) < 0 or mixed.max(initial=0) >= len(names):
        raise UserError(
            f"{folder}: holds the type {mixed.max()}, but type_map.raw has {len(names)} names; "
            "complete it."
        )
    return [resolve([names[kind] for kind in row], str(folder)) for row in mixed.astype(int)]


def _load(file: Path) -> np.ndarray:
    try:
        return np.atleast_1d(np.load(file, allow_pickle=False)).astype(float)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{file}: holds no numbers ({error}); write or copy it again.") from error


def _check(folder: Path, arrays: dict[str, np.ndarray], atoms: int, periodic: bool) -> None:
    for name in ("coord", *(["box"] if periodic else [])):
        if name not in arrays:
            hint = ", or an empty file nopbc beside type.raw" if name == "box" else ""
            raise UserError(f"{folder}: has no {name}.npy; add it{hint}.")
    frames = len(arrays["coord"])
    widths = {"coord": 3 * atoms, "force": 3 * atoms, "box": 9, "virial": 9, "energy": 1}
    for name, array in arrays.items():
        width = array.size // max(len(array), 1)
        if len(array) != frames or width != widths.get(name, width):
            raise UserError(
                f"{folder}: {name}.npy has shape {array.shape}, expected {frames} rows"
                f"{f' of {widths[name]} numbers' if name in widths else ''}, since coord.npy has "
                f"{frames} frames of {atoms} atoms; write or copy it again."
            )


def _frame(species: Species, rows: dict[str, np.ndarray], periodic: bool) -> Atoms:
    count = len(species.numbers)
    atoms = Atoms(species.numbers, positions=rows.pop("coord").reshape(count, 3))
    box = rows.pop("box", np.zeros(9)).reshape(3, 3)
    if periodic:
        atoms.cell, atoms.pbc = box, True
    if species.masses is not None:
        atoms.set_masses(species.masses)
    results: dict[str, float | np.ndarray] = {}
    for name, row in rows.items():
        if name == "energy":
            results["energy"] = float(row.reshape(-1)[0])
        elif name == "force":
            results["forces"] = row.reshape(count, 3)
        elif name == "dipole" and row.size == 3:
            results["dipole"] = row.reshape(3)
        elif name != "virial" and row.size == 3 * count and count > 1:
            atoms.set_array(name, row.reshape(count, 3))
        else:
            atoms.info[name] = row.reshape(-1) if row.size > 1 else float(row.reshape(-1)[0])
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms
