"""The values of frames, from the keys and units that were settled for them."""

from collections.abc import Mapping, Sequence

import numpy as np
from ase import Atoms

from activecharge.dataset.importing.import_options import ImportUnits
from activecharge.dataset.importing.label_keys import fetch, shaped
from activecharge.dataset.importing.unit_names import factor
from activecharge.errors import UserError

_AGREE = (1e-5, 0.01)
"""Largest difference of a stress from a virial: eV/Å³, and share of its largest component. Both
are printed with five digits or more."""


def take_labels(
    frames: Sequence[tuple[str, Atoms]], keys: Sequence[Mapping[str, str]], units: ImportUnits
) -> list[dict[str, np.ndarray]]:
    """Values by property in the program's units; a virial becomes a stress.

    Parameters
    ----------
    frames : sequence of (str, ase.Atoms)
    keys : sequence of mapping
        One entry a frame: key by property.
    units : ImportUnits

    Returns
    -------
    list of dict of str to numpy.ndarray
        One entry a frame.

    Raises
    ------
    UserError
        Naming frame and key, if a value has not the shape of its property or contradicts another.
    """
    return [
        _values(atoms, where, own, units) for (where, atoms), own in zip(frames, keys, strict=True)
    ]


def _values(
    atoms: Atoms, where: str, keys: Mapping[str, str], units: ImportUnits
) -> dict[str, np.ndarray]:
    found = {}
    for name, key in keys.items():
        raw = fetch(atoms, key)
        if raw is not None:
            found[name] = shaped(raw, name, atoms, where, key) * factor(getattr(units, name))
    virial = found.pop("virial", None)
    if virial is None:
        return found
    # virial = -stress * volume: ASE, QUIP, MACE, NequIP and DeePMD-kit agree on this sign.
    stress = -virial / atoms.get_volume()
    given = found.setdefault("stress", stress)
    largest = float(np.abs(stress).max())
    if np.abs(given - stress).max() > _AGREE[0] + _AGREE[1] * largest:
        raise UserError(
            f"{where}: {keys['stress']} and {keys['virial']} disagree: -virial/volume is "
            f"{stress[0, 0]:.3g} eV/Å³ in its first component, the stress {given[0, 0]:.3g}; "
            "correct unit or sign of one of them, or remove it."
        )
    return found
