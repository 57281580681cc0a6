"""A dataset as a training code reads it: its keys, units and index order.

MACE: Batatia et al., DOI 10.48550/arXiv.2206.07697. NequIP: Batzner et al.,
DOI 10.1038/s41467-022-29939-5. DeePMD-kit: Zeng et al., DOI 10.1063/5.0155600. Latent Ewald
summation (LES): Cheng, DOI 10.1038/s41524-025-01577-7.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from ase import Atoms

from activecharge.dataset.exporting.deepmd_systems import write_systems
from activecharge.dataset.frames import write_frames
from activecharge.errors import UserError
from activecharge.properties import PROPERTIES
from activecharge.records import Label
from activecharge.units import DEBYE

Written = list[tuple[Path, str]]


@dataclass(frozen=True)
class Dialect:
    """How a code wants extxyz.

    Attributes
    ----------
    keys : mapping of str to str
        Key by property name; properties that are not named are left out.
    units : mapping of str to float
        What values are multiplied by, where the code's unit is another one.
    displacement_first : bool
        Whether Born effective charges have the displacement as their first index.
    fill : bool
        Whether a property that some frames have is written as NaN in the others, for codes that
        want every key in every frame.
    """

    keys: Mapping[str, str]
    units: Mapping[str, float] = field(default_factory=dict)
    displacement_first: bool = False
    fill: bool = False


_OWN = {name: prop.key for name, prop in PROPERTIES.items()}

DIALECTS: dict[str, Dialect] = {
    # The dipole under a key that says its unit: REF_dipole is in e·Å everywhere else.
    "mace": Dialect(_OWN | {"dipole": "REF_dipole_debye"}, units={"dipole": 1 / DEBYE}),
    "nequip": Dialect(
        {name: name for name in PROPERTIES} | {"bec": "born_effective_charges"}, fill=True
    ),
    "metatrain": Dialect(_OWN, fill=True),
    # Its own charges dP/dR have the atom's displacement first.
    "les": Dialect({name: name for name in PROPERTIES}, displacement_first=True),
}

CODES = (*DIALECTS, "deepmd")
"""Training codes that there are files for."""


def export_for(
    code: str, labels: Sequence[Label], out: Path, splits: Mapping[str, Sequence[int]]
) -> Written:
    """Write each split of a dataset for a training code.

    Parameters
    ----------
    code : str
        One of `CODES`.
    labels : sequence of Label
    out : pathlib.Path
        `data.xyz` gives `data.train.xyz` and so on; for deepmd a new folder, with one for each
        split.
    splits : mapping of str to sequence of int
        Indices into `labels`.

    Returns
    -------
    list of (pathlib.Path, str)
        Each file or folder with one line on what it is.

    Raises
    ------
    UserError
        If there is no such code, there are no labels, or the folder is there already.
    """
    if code not in CODES:
        raise UserError(f"--for {code}: expected one of {', '.join(CODES)}")
    if not labels:
        raise UserError(f"{out}: there are no labels to export yet; run the campaign first.")
    if code == "deepmd" and out.exists():
        raise UserError(f"{out}: is there already; give the name of a new folder")
    written: Written = []
    for name, indices in splits.items():
        chosen = [labels[index] for index in indices]
        if chosen and code == "deepmd":
            written += write_systems(out / name, chosen)
        elif chosen:
            path = out.with_name(f"{out.stem}.{name}{out.suffix or '.xyz'}")
            write_frames(path, _frames(DIALECTS[code], labels, chosen))
            written.append((path, f"the {len(chosen)} frames of the split {name!r} for {code}"))
    return written


def _frames(dialect: Dialect, every: Sequence[Label], labels: Sequence[Label]) -> list[Atoms]:
    """Frames with the keys of a dialect; what any label of the dataset has counts as there."""
    there = {name for label in every for name in label.values}
    return [
        _frame(dialect, label, there if dialect.fill else set(label.values)) for label in labels
    ]


def _frame(dialect: Dialect, label: Label, names: set[str]) -> Atoms:
    atoms = label.candidate.atoms.copy()
    for name, key in dialect.keys.items():
        if name not in names:
            continue
        kind = PROPERTIES[name]
        shape = ((len(atoms),) if kind.per_atom else ()) + kind.shape
        value = np.asarray(label.values.get(name, np.full(shape, np.nan)), dtype=float)
        value = value * dialect.units.get(name, 1.0)
        if name == "bec":
            value = value.swapaxes(1, 2) if dialect.displacement_first else value
            atoms.info["bec_convention"] = "disp_pol" if dialect.displacement_first else "pol_disp"
        if kind.per_atom:
            atoms.set_array(key, value.reshape(len(atoms), -1) if kind.shape else value)
        else:
            atoms.info[key] = value.ravel() if kind.shape else value.item()
    return atoms
