"""Unlabelled configurations as extxyz frames, and back, with where they came from."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from activecharge.dataset.frames import read_frames, write_frames
from activecharge.dataset.identity import content_hash
from activecharge.dataset.judging.configuration import check_configuration, isotope_masses
from activecharge.records import Candidate
from activecharge.rounding import as_stored


def write_candidates(path: Path | str, candidates: Sequence[Candidate]) -> Path:
    """Write candidates to an extxyz file, atomically; an empty sequence gives an empty file."""
    return write_frames(path, [candidate_to_atoms(candidate) for candidate in candidates])


def read_candidates(path: Path | str) -> list[Candidate]:
    """Read what `write_candidates` wrote.

    Raises
    ------
    UserError
        Naming file and frame, if a frame is not a configuration this program handles.
    """
    candidates = []
    for where, atoms in read_frames(path):
        check_configuration(atoms, where, None)
        candidates.append(candidate_from_atoms(atoms))
    return candidates


def candidate_to_atoms(candidate: Candidate) -> Atoms:
    """Frame with `hash`, `source` and `origin` (JSON text) in its info."""
    atoms = bare_configuration(candidate.atoms)
    atoms.info.update(
        hash=candidate.hash,
        source=candidate.source,
        origin=json.dumps(candidate.origin, sort_keys=True),
    )
    return atoms


def candidate_from_atoms(atoms: Atoms, rehash: bool = False) -> Candidate:
    """Candidate of a checked frame; its hash as stored, or of its content where none is stored.

    With `rehash` it always follows the content, so that an edited frame loses its old identity.
    """
    bare = bare_configuration(atoms)
    stored = None if rehash else atoms.info.get("hash")
    return Candidate(
        atoms=bare,
        hash=content_hash(bare) if stored is None else str(stored),
        source=str(atoms.info.get("source", "file")),
        origin=read_mapping(atoms.info.get("origin")),
    )


def bare_configuration(atoms: Atoms) -> Atoms:
    """Copy species, positions, cell and periodicity, rounded as files store them.

    Parameters
    ----------
    atoms : ase.Atoms

    Returns
    -------
    ase.Atoms
        Free frames have no cell; masses are kept where there are isotopes.
    """
    cell = atoms.cell.array if atoms.pbc.all() else np.zeros((3, 3))
    return Atoms(
        numbers=atoms.numbers,
        positions=as_stored(atoms.positions),
        cell=as_stored(cell),
        pbc=atoms.pbc,
        masses=isotope_masses(atoms),
    )


def read_mapping(value: object) -> dict[str, Any]:
    """Provenance written by this program, or any other text kept as a note."""
    if value is None:
        return {}
    try:
        data = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        data = value
    return data if isinstance(data, dict) else {"note": str(data)}
