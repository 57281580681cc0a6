"""Known frames with their atoms displaced at random."""

from collections.abc import Iterator, Sequence

import numpy as np
from ase import Atoms

from activecharge.dataset.identity import content_hash
from activecharge.sampling.source_options import RattleOptions


def rattle(
    frames: Sequence[Atoms], options: RattleOptions, rng: np.random.Generator
) -> Iterator[Atoms]:
    """Displace every atom of known frames by Gaussian noise.

    Parents are taken in random order, each as often as any other.

    Parameters
    ----------
    frames : sequence of ase.Atoms
        At least one.
    options : RattleOptions
    rng : numpy.random.Generator

    Yields
    ------
    ase.Atoms
        `options.count` frames; `info` tells the parent's hash and the amplitude in Å.
    """
    order = np.empty(0, dtype=int)
    for _ in range(options.count):
        if len(order) == 0:
            order = rng.permutation(len(frames))
        parent, order = frames[order[0]], order[1:]
        amplitude = rng.uniform(*options.amplitude)
        atoms = parent.copy()
        atoms.positions += amplitude * rng.standard_normal((len(atoms), 3))
        atoms.info = {"parent": content_hash(parent), "amplitude": round(amplitude, 4)}
        yield atoms
