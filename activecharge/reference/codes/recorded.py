"""Labels looked up in a file that has them already, for pool-based studies."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, JsonValue

from activecharge.errors import UserError
from activecharge.reference.codes.code_options import AbsolutePath, CodeOptions

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms

    from activecharge.records import Label


class RecordedOptions(CodeOptions):
    """Labels looked up in a file, for studies of selection on a labelled pool."""

    kind: Literal["recorded"] = Field("recorded", description="Reference code")
    file: AbsolutePath = Field(description="Labelled extxyz file with REF_* keys")
    retries: int = Field(0, ge=0, description="Of no use here: a file says the same again")


OPTIONS = RecordedOptions


def settings(options: RecordedOptions) -> dict[str, JsonValue]:
    """Return what fixes the values of a label, as JSON-able data."""
    pool = _pool(options.file, _written(options.file))
    made_by = sorted({label.reference for label in pool.values()})
    return {"file": options.file.name, "labels_made_by": [*made_by]}


def label(atoms: Atoms, options: RecordedOptions) -> dict[str, np.ndarray]:
    """Look one configuration up.

    It is found if the file has the same atoms in the same order at the same positions, cell
    and periodicity, as rounded to the 8 decimals of extxyz.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms, positions in Å; `info["name"]` names them in the sentence.
    options : RecordedOptions

    Returns
    -------
    dict of str to numpy.ndarray
        All that the file has, shapes and units as in `activecharge.properties`.

    Raises
    ------
    UserError
        If the file cannot be read or lacks the configuration: pool and file do not belong
        together then, and going on would spend the whole pool.
    """
    pool = _pool(options.file, _written(options.file))
    found = pool.get(_key(atoms))
    if found is None:
        raise UserError(
            f"reference.file: {options.file} has no label of the frame "
            f"{atoms.info.get('name', atoms.get_chemical_formula())} among its {len(pool)} (the "
            "same atoms in the same order at the same positions); draw configurations from this "
            "file only, with no rattling or dynamics"
        )
    return dict(found.values)


@lru_cache(maxsize=1)
def _pool(path: Path, written: int) -> dict[bytes, Label]:
    """Read a file once, and again when it was `written` anew."""
    from activecharge.dataset.extxyz import read_labels

    return {_key(label.candidate.atoms): label for label in read_labels(path)}


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def _key(atoms: Atoms) -> bytes:
    import numpy as np

    from activecharge.rounding import as_stored

    cell = atoms.cell.array if atoms.pbc.any() else np.zeros((3, 3))
    parts = (atoms.numbers.astype(int), atoms.pbc, as_stored(cell), as_stored(atoms.positions))
    return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)
