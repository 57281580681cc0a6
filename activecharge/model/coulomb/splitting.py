"""Which sum a periodic frame's Coulomb energy takes: waves or a mesh, and how far in real space.

Waves and mesh points fill the cell, so that with Gaussians of one width their number grows with its
volume. Wider Gaussians need fewer, as 1/width³, and a longer real-space sum, whose pairs grow with
the atoms alone. In a dense frame that is no gain; in a dilute one it saves nearly everything.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from activecharge.model.coulomb.convergence import Convergence
from activecharge.model.coulomb.reciprocal import mesh_size
from activecharge.model.space.cells import heights

RUNGS = 2
"""Widths tried on the way to the double. In steps, so that energies stay smooth where a cell
changes."""

FEWEST_WAVES = 64
"""With so few waves, wider Gaussians save nothing."""

SAMPLE = 32
"""Atoms whose neighbours are counted to guess the number of pairs."""

# Time in ns of energy, forces and stress, and memory in bytes, on one core in single precision.
PER_WAVE, PER_WAVE_AND_ATOM = (300, 0), (35, 24)
PER_POINT, PER_MESH_ATOM = (90, 60), (30_000, 2_000)
PER_PAIR, PER_SEARCH = (500, 150), (1_000_000, 0)

MEMORY, MEMORY_PER_ATOM = 2**28, 2**16
"""Bytes that a frame's sum may take, if any way of summing keeps to it; the rest of the model takes
four times as many per atom."""


@dataclass(frozen=True)
class Split:
    """How one periodic frame is summed.

    Attributes
    ----------
    reach : float
        Radius of the real-space sum over that of the model's edges; so much wider are Gaussians,
        too. At 1 the edges are the pairs.
    meshed : bool
        Whether the smooth part goes onto a mesh.
    """

    reach: float = 1.0
    meshed: bool = False


@dataclass(frozen=True)
class _Way:
    """A split with its time in ns and its memory in bytes."""

    split: Split
    time: float
    memory: float


def choose_split(positions: np.ndarray, cell: np.ndarray, convergence: Convergence) -> Split:
    """The fastest split of a frame that keeps to the memory, else that which takes the least.

    Parameters
    ----------
    positions : (N, 3) Å
        Within the cell.
    cell : (3, 3) Å
    convergence : Convergence
        For Gaussians of the edges' cutoff.
    """
    first = next(_ways(cell, convergence, len(positions), 1.0, 0))
    if first.time < PER_SEARCH[0]:
        return first.split
    ways, counts = (
        list(_ways(cell, convergence, len(positions), 1.0, 0)),
        _Neighbors(positions, cell),
    )
    for rung in itertools.count(1):
        reach = 2 ** (rung / RUNGS)
        pairs = counts.pairs(reach * convergence.cutoff)
        ways += _ways(cell, convergence, len(positions), reach, pairs)
        if _waves(cell, convergence, reach) < FEWEST_WAVES:
            break
    allowed = MEMORY + MEMORY_PER_ATOM * len(positions)
    modest = [way for way in ways if way.memory <= allowed]
    if modest:
        return min(modest, key=lambda way: way.time).split
    return min(ways, key=lambda way: way.memory).split


def _ways(
    cell: np.ndarray, convergence: Convergence, atoms: int, reach: float, pairs: float
) -> Iterator[_Way]:
    """By waves and by mesh, with what they cost."""
    near = np.array(PER_PAIR) * pairs
    if reach > 1:
        near = near + PER_SEARCH
    waves = _waves(cell, convergence, reach)
    cost = near + np.array(PER_WAVE) * waves + np.array(PER_WAVE_AND_ATOM) * (waves * atoms)
    yield _Way(Split(reach, False), *cost)
    lengths = np.linalg.norm(cell, axis=1) / (convergence.spacing * reach)
    points = math.prod(mesh_size(length) for length in lengths)
    cost = near + np.array(PER_POINT) * points + np.array(PER_MESH_ATOM) * atoms
    yield _Way(Split(reach, True), *cost)


def _waves(cell: np.ndarray, convergence: Convergence, reach: float) -> float:
    """Waves of a sphere's half, (2π)³/V apart."""
    volume = abs(np.linalg.det(cell))
    return (convergence.largest_wave / reach) ** 3 * volume / (12 * math.pi**2)


class _Neighbors:
    """Numbers of pairs within a distance, from distances of some atoms to the nearest images."""

    def __init__(self, positions: np.ndarray, cell: np.ndarray):
        self._atoms, self._heights = len(positions), heights(cell)
        some = positions[:: -(-len(positions) // SAMPLE)]
        steps = (some[:, None] - positions) @ np.linalg.inv(cell)
        vectors = (steps - np.round(steps)) @ cell
        self._distances, self._sample = np.linalg.norm(vectors, axis=2), len(some)

    def pairs(self, radius: float) -> float:
        """Guess of the pairs within a radius, those of images beyond the nearest included."""
        neighbors = np.count_nonzero(self._distances <= radius) / self._sample
        images = np.maximum(2 * radius / self._heights, 1.0)
        round_off = (1, 1, math.pi / 4, math.pi / 6)[np.count_nonzero(images > 1)]
        return self._atoms * neighbors * max(round_off * images.prod(), 1.0) / 2
