"""Frames under compression, and frames in which molecules come apart."""

from collections.abc import Iterator

import numpy as np
from ase import Atoms
from ase.geometry import get_distances

from activecharge.dataset.identity import content_hash
from activecharge.sampling.derived.derived_options import CompressedOptions, DissociatedOptions
from activecharge.sampling.molecules import find_molecules, scaled

_H, _O = 1, 8

_ACCEPTOR = 2.6
"""Å; oxygen farther from a hydrogen takes no hydrogen bond from it."""

_NEW_BOND = 0.95
"""Å; a proton comes no nearer to the oxygen that it goes to."""


def compress(
    parents: Iterator[Atoms], options: CompressedOptions, rng: np.random.Generator
) -> Iterator[Atoms]:
    """Move molecules closer, and shorten the bonds of some.

    Parameters
    ----------
    parents : iterator of ase.Atoms
    options : CompressedOptions
    rng : numpy.random.Generator

    Yields
    ------
    ase.Atoms
        `info` tells the parent's hash, the factor on distances between molecules, and how many
        molecules have compressed bonds.
    """
    for parent in parents:
        spacing = rng.uniform(*options.spacing)
        atoms = scaled(parent, spacing)
        molecules = find_molecules(atoms)
        chosen = np.flatnonzero(rng.random(len(molecules.centers)) < options.share)
        bonded = np.isin(molecules.owner, chosen) & (atoms.numbers == _H)
        lengths = np.linalg.norm(molecules.offsets[bonded], axis=1, keepdims=True)
        bonds = rng.uniform(*options.bonds, size=lengths.shape)
        atoms.positions[bonded] += molecules.offsets[bonded] * (bonds / lengths - 1)
        atoms.info = {
            "parent": content_hash(parent),
            "spacing": round(spacing, 4),
            "compressed": len(chosen),
        }
        yield atoms


def dissociate(
    parents: Iterator[Atoms], options: DissociatedOptions, rng: np.random.Generator
) -> Iterator[Atoms]:
    """Send protons on their way to another molecule.

    Parameters
    ----------
    parents : iterator of ase.Atoms
        Those without O-H bonds are passed over.
    options : DissociatedOptions
    rng : numpy.random.Generator

    Yields
    ------
    ase.Atoms
        `info` tells the parent's hash and how many protons left.
    """
    for parent in parents:
        molecules = find_molecules(parent)
        heavy = molecules.centers[molecules.owner]
        bonded = np.flatnonzero((parent.numbers == _H) & (parent.numbers[heavy] == _O))
        if not len(bonded):
            continue
        count = min(int(rng.integers(*options.protons, endpoint=True)), len(bonded))
        atoms = parent.copy()
        atoms.positions[bonded] = (atoms.positions[heavy] + molecules.offsets)[bonded]
        for proton in rng.choice(bonded, size=count, replace=False):
            distance = rng.uniform(*options.distance)
            _send(atoms, int(proton), int(heavy[proton]), distance)
        atoms.info = {"parent": content_hash(parent), "protons": count}
        yield atoms


def _send(atoms: Atoms, proton: int, donor: int, distance: float) -> None:
    """Move a proton away from its donor, in place; `distance` is from the donor, Å."""
    others = np.flatnonzero(atoms.numbers == _O)
    others = others[others != donor]
    start = atoms.positions[donor]
    path = atoms.positions[proton] - start
    if len(others):
        vectors, lengths = get_distances(
            atoms.positions[proton], atoms.positions[others], cell=atoms.cell, pbc=atoms.pbc
        )
        nearest = int(lengths[0].argmin())
        if lengths[0, nearest] <= _ACCEPTOR:
            path = path + vectors[0, nearest]
            distance = min(distance, float(np.linalg.norm(path)) - _NEW_BOND)
    atoms.positions[proton] = start + distance * path / np.linalg.norm(path)
