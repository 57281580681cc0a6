"""What every code asks for before it runs: its package, and a configuration it can treat."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from activecharge.errors import UserError
from activecharge.reference.failure import Refusal

if TYPE_CHECKING:
    from ase import Atoms


def require(kind: str, module: str, install: str) -> None:
    """Raise a sentence that says how to install what `kind` needs if it is absent.

    Parameters
    ----------
    kind : str
        `reference.kind` that needs the module.
    module : str
        Dotted name of what must import.
    install : str
        Command that installs it.
    """
    try:
        import_module(module)
    except ImportError as error:
        raise UserError(
            f"reference.kind: {kind} needs the {module.split('.')[0]} package ({error}); "
            f"install it with `{install}`."
        ) from error


def check(atoms: Atoms, code: str, heaviest: int) -> None:
    """Refuse what a closed-shell code computes in silence but wrongly, or only crashes on.

    Parameters
    ----------
    atoms : ase.Atoms
        Taken to be neutral.
    code : str
        Name for the sentence.
    heaviest : int
        Largest atomic number the code knows.
    """
    import numpy as np

    outside = sorted(set(atoms.numbers[(atoms.numbers < 1) | (atoms.numbers > heaviest)].tolist()))
    if outside:
        raise Refusal(
            f"{code} knows the elements 1 to {heaviest}, the frame has atomic number {outside[0]}"
        )
    if not np.isfinite(atoms.positions).all():
        raise Refusal("the frame has positions that are not finite numbers")
    if atoms.numbers.sum() % 2:
        raise Refusal(
            f"the frame has {atoms.numbers.sum()} electrons, an even number was expected "
            "(a neutral closed shell)"
        )
    if atoms.pbc.any() and not atoms.pbc.all():
        raise Refusal(
            f"{code} cannot treat a cell that is periodic in some directions only; "
            "make it periodic in all three, with vacuum in the others"
        )
    if atoms.pbc.all() and atoms.cell.rank < 3:
        raise Refusal("the frame is periodic but its cell has no volume")


def check_free(atoms: Atoms, code: str, why: str) -> None:
    """Refuse periodic frames, with the reason `why` and the codes that can treat them."""
    if atoms.pbc.any():
        raise Refusal(f"{code} labels free clusters only: {why}; use cp2k or tblite for cells")


def symbols(atoms: Atoms) -> list[str]:
    """Chemical symbols of all atoms, without ASE's compressed forms."""
    from ase.data import chemical_symbols

    return [chemical_symbols[number] for number in atoms.numbers]
