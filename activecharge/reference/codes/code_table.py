"""All reference codes, and what the module of each offers.

This is the only list of them: settings, workers, gates and the doctor go by it. Other packages
may add to it, see docs/extending.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic import JsonValue

from activecharge.extensions import REFERENCES, extend, has_kind
from activecharge.reference.codes import ase, command, folder, pyscf, recorded, xtb
from activecharge.reference.codes.code_options import CodeOptions
from activecharge.reference.codes.cp2k import cp2k
from activecharge.reference.codes.tblite import tblite

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms

Settings = TypeVar("Settings", bound=CodeOptions)


class Code(Protocol[Settings]):
    """What the module of a reference code offers.

    All settings are loaded where a campaign file is read, and the module with them, so it
    imports neither its code nor anything else that is heavy (numpy, ase) at its top.

    Attributes
    ----------
    OPTIONS : type
        Its settings, with a `kind` of their own; the class says, too, how wide its gates are, how
        the doctor tries it, and what to try next when a run has failed.
    """

    OPTIONS: type[Settings]

    def label(self, atoms: Atoms, options: Settings) -> dict[str, np.ndarray]:
        """Compute the label of one configuration, in a process and a folder of its own.

        Parameters
        ----------
        atoms : ase.Atoms
            N atoms, positions in Å; `info["name"]` names them in sentences.
        options : CodeOptions
            Of the class `OPTIONS`.

        Returns
        -------
        dict of str to numpy.ndarray
            By property name, shapes and units as in `activecharge.properties`; `bec` with the
            polarization index first. Whoever asks rounds them as files store them.

        Raises
        ------
        ReferenceFailure
            If there is no label for this configuration; its kind says whether another run may
            do better.
        UserError
            If there is none for any: the code is not installed, or the settings are wrong.
        """

    def settings(self, options: Settings) -> dict[str, JsonValue]:
        """Return what fixes the values of a label, the code's version included."""


_ALL: tuple[Code[Any], ...] = (
    tblite,
    xtb,
    cp2k,
    pyscf,
    ase,
    recorded,
    command,
    folder,
)
"""In the order of the doctor and of the pages."""

CODES: dict[str, Code[Any]] = extend(
    REFERENCES,
    {code.OPTIONS.model_fields["kind"].default: code for code in _ALL},
    lambda name, part: has_kind(name, part, "label", "settings"),
)
"""By `reference.kind`, those of other packages last."""
