"""Configurations that the user brings."""

from collections.abc import Collection
from pathlib import Path

from ase import Atoms

from activecharge.dataset.frames import read_frames
from activecharge.dataset.identity import canonical
from activecharge.errors import UserError


def read_pool(path: Path | str, elements: Collection[str] | None = None) -> list[Atoms]:
    """Read and check every configuration of a file.

    Parameters
    ----------
    path : path-like
        extxyz, a folder of DeePMD-kit, or any format that ASE reads.
    elements : collection of str, optional
        Chemical symbols that may occur; any when absent.

    Returns
    -------
    list of ase.Atoms
        In canonical form, in the order of the file.

    Raises
    ------
    UserError
        Naming file and frame, if the file cannot be read or is empty, or a frame is
        malformed, not finite, charged, partly periodic, of other elements, or has atoms in
        one place.
    """
    frames = [canonical(atoms, where, elements) for where, atoms in read_frames(path)]
    if not frames:
        raise UserError(f"{path}: holds no frames; give a file with at least one.")
    return frames
