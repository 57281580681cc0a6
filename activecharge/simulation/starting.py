"""Where a simulation begins: frames of a file, or of a builder."""

from collections.abc import Collection
from itertools import islice

import numpy as np
from ase import Atoms
from ase.units import fs

from activecharge.dataset.frames import read_frames
from activecharge.dataset.identity import canonical
from activecharge.errors import UserError
from activecharge.sampling.builders.builder_options import (
    BoxesOptions,
    ClustersOptions,
    IceOptions,
)
from activecharge.sampling.generators import raw_frames
from activecharge.sampling.sanity import check
from activecharge.sampling.source_options import SanityOptions
from activecharge.simulation.simulation_options import FileStart, StartOptions

_STARTED = 9_001
"""Of the random numbers from which builders make starts, apart from those of stages."""


def starts(
    options: StartOptions, replicas: int, seed: int, elements: Collection[str]
) -> tuple[list[Atoms], np.ndarray | None]:
    """Frames to start from, one for each replica.

    Parameters
    ----------
    options : StartOptions
    replicas : int
        From each frame of a file, or of a builder in all.
    seed : int
    elements : collection of str
        Chemical symbols that the committee knows.

    Returns
    -------
    frames : list of R ase.Atoms
        Of the same atoms.
    velocities : (R, N, 3) Å/fs or None
        Those of the file, where they are to be kept.

    Raises
    ------
    UserError
        If there is no such frame, it is no good, or the frames are not of the same atoms.
    """
    if isinstance(options, FileStart):
        frames, velocities = _of_file(options, elements)
        many = [atoms.copy() for atoms in frames for _ in range(replicas)]
        kept = None if velocities is None else np.repeat(velocities, replicas, axis=0)
    else:
        many, kept = _built(options, replicas, seed, elements), None
    return same_atoms(many), kept


def same_atoms(frames: list[Atoms]) -> list[Atoms]:
    """The frames, if they are of the same atoms, all free or all periodic.

    Raises
    ------
    UserError
        If they are not.
    """
    first = frames[0]
    for number, atoms in enumerate(frames):
        alike = len(atoms) == len(first) and (atoms.numbers == first.numbers).all()
        if not alike or not np.allclose(atoms.get_masses(), first.get_masses()):
            raise UserError(
                f"start: frame {number} is {atoms.symbols.get_chemical_formula()} and the first "
                f"{first.symbols.get_chemical_formula()}: replicas are of the same atoms, in the "
                "same order; from builders, give the same number twice, as molecules: [64, 64]"
            )
        if (atoms.pbc != first.pbc).any():
            raise UserError("start: some frames are free, others periodic; give one kind alone")
    return frames


def _of_file(
    options: FileStart, elements: Collection[str]
) -> tuple[list[Atoms], np.ndarray | None]:
    found = list(read_frames(options.path))
    if not found:
        raise UserError(f"{options.path}: holds no frames; give a file with at least one")
    if options.frame != "all":
        if not -len(found) <= options.frame < len(found):
            raise UserError(
                f"{options.path}: has no frame {options.frame}, but {len(found)}, counted from 0; "
                "choose one of them by start.frame"
            )
        found = [found[options.frame]]
    frames = [canonical(atoms, where, elements) for where, atoms in found]
    if options.velocities == "draw":
        return frames, None
    for where, atoms in found:
        if not atoms.has("momenta"):
            raise UserError(
                f"{where}: has no momenta, and start.velocities is keep; set that to draw"
            )
    return frames, np.stack([atoms.get_velocities() * fs for _, atoms in found])


def _built(
    options: BoxesOptions | ClustersOptions | IceOptions,
    replicas: int,
    seed: int,
    elements: Collection[str],
) -> list[Atoms]:
    chosen = options.model_copy(update={"count": replicas})
    drawn = raw_frames(chosen, np.random.default_rng([seed, _STARTED]), elements, [])
    sane = (atoms for atoms in drawn if check(atoms, SanityOptions()) is None)
    frames = [canonical(a, f"start, frame {i}") for i, a in enumerate(islice(sane, replicas))]
    if len(frames) < replicas:
        raise UserError(
            f"start: {options.kind} gave {len(frames)} sane frames of {replicas} with these "
            "settings; loosen them"
        )
    return frames
