"""Free clusters carved from periodic frames."""

from collections.abc import Iterator

import numpy as np
from ase import Atoms
from ase.geometry import get_distances

from activecharge.dataset.identity import content_hash
from activecharge.sampling.derived.derived_options import CarvedOptions
from activecharge.sampling.molecules import find_molecules


def carve(atoms: Atoms, count: int, around: int) -> Atoms | None:
    """Cut out a molecule of water and those nearest to it.

    Parameters
    ----------
    atoms : ase.Atoms
        Periodic.
    count : int
        Molecules to keep; all, if there are fewer.
    around : int
        An atom of the molecule in the middle.

    Returns
    -------
    ase.Atoms or None
        A free frame of whole molecules, each at its image nearest to the middle, which comes
        first. None if the frame holds anything but whole molecules of water.
    """
    molecules = find_molecules(atoms)
    if not molecules.are_water(atoms):
        return None
    middle = molecules.centers[molecules.owner[around]]
    places, lengths = get_distances(
        atoms.positions[middle], atoms.positions[molecules.centers], cell=atoms.cell, pbc=atoms.pbc
    )
    kept = np.argsort(lengths[0], kind="stable")[:count]
    members = np.concatenate([np.flatnonzero(molecules.owner == molecule) for molecule in kept])
    positions = places[0][molecules.owner[members]] + molecules.offsets[members]
    return Atoms(numbers=atoms.numbers[members], positions=positions)


def carve_clusters(
    parents: Iterator[Atoms], options: CarvedOptions, rng: np.random.Generator
) -> Iterator[Atoms]:
    """Carve a cluster around a random molecule of each parent.

    Parameters
    ----------
    parents : iterator of ase.Atoms
        Those that are free or hold anything but whole molecules of water are passed over.
    options : CarvedOptions
    rng : numpy.random.Generator

    Yields
    ------
    ase.Atoms
        Free frames; `info` tells the parent's hash and the number of molecules.
    """
    for parent in parents:
        if not parent.pbc.all():
            continue
        count = int(rng.integers(*options.molecules, endpoint=True))
        cluster = carve(parent, count, int(rng.integers(len(parent))))
        if cluster is not None:
            cluster.info = {"parent": content_hash(parent), "molecules": len(cluster) // 3}
            yield cluster
