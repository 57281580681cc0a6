"""Water clusters and boxes made from nothing but random numbers."""

from collections.abc import Iterator

import numpy as np
from ase import Atoms

from activecharge.errors import UserError
from activecharge.sampling.builders.water import MASS, assemble, molecule, orient
from activecharge.sampling.source_options import BoxesOptions, ClustersOptions
from activecharge.units import DALTON_PER_A3

_CLUSTER_BATCH = 32
"""Places tried at once for a molecule of a cluster."""

_CLUSTER_TRIES = 200
"""Batches before a cluster is given up."""

_CROWD = 4
"""Free places of which the one nearest to the middle is taken; more make rounder clusters."""

_BOX_BATCH = 512
"""Places tried at once for a molecule of a box."""

_BOX_TRIES = 20
"""Batches before a box is begun anew."""

_BOX_RESTARTS = 20
"""Boxes begun before the density is called too high."""


def build_clusters(options: ClustersOptions, rng: np.random.Generator) -> Iterator[Atoms]:
    """Grow free, compact clusters of water.

    Each molecule is put at contact with a random one before it; of a few free places the
    one nearest to the middle of the cluster is taken.

    Parameters
    ----------
    options : ClustersOptions
    rng : numpy.random.Generator

    Yields
    ------
    ase.Atoms
        `options.count` free frames, in molecules O, H, H; `info` tells how each was made.

    Raises
    ------
    UserError
        If no place can be found for a molecule.
    """
    smallest, largest = options.molecules
    for _ in range(options.count):
        placed = np.empty((0, 3, 3))
        for _ in range(rng.integers(smallest, largest, endpoint=True)):
            placed = np.concatenate([placed, _attach(placed, options, rng)[None]])
        atoms = assemble(placed)
        atoms.info = {"molecules": len(placed)}
        yield atoms


def build_boxes(options: BoxesOptions, rng: np.random.Generator) -> Iterator[Atoms]:
    """Fill cubic periodic boxes with water by random insertion.

    Parameters
    ----------
    options : BoxesOptions
    rng : numpy.random.Generator

    Yields
    ------
    ase.Atoms
        `options.count` periodic frames, in whole molecules O, H, H; `info` tells how each
        was made.

    Raises
    ------
    UserError
        If the density is too high for molecules put in at random.
    """
    smallest, largest = options.molecules
    for index in range(options.count):
        count = int(rng.integers(smallest, largest, endpoint=True))
        rung = options.density[index % len(options.density)]
        density = rung * (1 + options.density_spread * rng.uniform(-1, 1))
        edge = float(np.cbrt(count * MASS * DALTON_PER_A3 / density))
        atoms = assemble(_fill(count, edge, options, rng), edge)
        atoms.info = {"molecules": count, "density": round(density, 4)}
        yield atoms


def _attach(placed: np.ndarray, options: ClustersOptions, rng: np.random.Generator) -> np.ndarray:
    """Positions of a molecule at contact with those placed, shape (3, 3), Å."""
    shape = molecule(options.bond_spread, options.angle_spread, rng)
    if len(placed) == 0:
        return orient(shape, 1, rng)[0]
    oxygens = placed[:, 0]
    for _ in range(_CLUSTER_TRIES):
        anchors = oxygens[rng.integers(len(placed), size=_CLUSTER_BATCH)]
        reach = rng.uniform(*options.contact, size=(_CLUSTER_BATCH, 1))
        centres = anchors + reach * _directions(_CLUSTER_BATCH, rng)
        trials = orient(shape, _CLUSTER_BATCH, rng) + centres[:, None]
        fits = _farther(trials[:, :1], oxygens, options.contact[0])
        fits &= _farther(trials, placed.reshape(-1, 3), options.min_distance)
        free = trials[fits]
        if len(free):
            crowd = free[:_CROWD]
            spread = np.linalg.norm(crowd[:, 0] - oxygens.mean(axis=0), axis=1)
            return crowd[np.argmin(spread)]
    raise UserError(
        f"clusters: no place for molecule {len(placed) + 1} with contact {options.contact} and "
        f"min_distance {options.min_distance} Å; raise the upper bound of contact or lower "
        "min_distance."
    )


def _fill(count: int, edge: float, options: BoxesOptions, rng: np.random.Generator) -> np.ndarray:
    """Positions of molecules in a cubic box, shape (count, 3, 3), Å."""
    density = count * MASS * DALTON_PER_A3 / edge**3
    for _ in range(_BOX_RESTARTS):
        placed = np.empty((0, 3, 3))
        while len(placed) < count:
            inserted = _insert(placed, edge, options, rng)
            if inserted is None:
                break
            placed = np.concatenate([placed, inserted[None]])
        else:
            return placed
    raise UserError(
        f"boxes: {count} molecules do not fit at random at a density of {density:.3g} g/cm³; "
        "lower density, min_oo or min_distance."
    )


def _insert(
    placed: np.ndarray, edge: float, options: BoxesOptions, rng: np.random.Generator
) -> np.ndarray | None:
    """Positions of one more molecule, shape (3, 3), Å, or None if no place was found."""
    shape = molecule(options.bond_spread, options.angle_spread, rng)
    for _ in range(_BOX_TRIES):
        centres = rng.uniform(0, edge, size=(_BOX_BATCH, 1, 3))
        # Most places are lost to oxygen alone, before any molecule is turned.
        centres = centres[_farther(centres, placed[:, 0], options.min_oo, edge)]
        trials = orient(shape, len(centres), rng) + centres
        free = trials[_farther(trials, placed.reshape(-1, 3), options.min_distance, edge)]
        if len(free):
            return free[0]
    return None


def _directions(count: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform unit vectors, shape (count, 3)."""
    vectors = rng.standard_normal((count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _farther(
    trials: np.ndarray, points: np.ndarray, distance: float, edge: float | None = None
) -> np.ndarray:
    """Which trials keep all their atoms at least `distance` from all points.

    `trials` has shape (trials, atoms, 3), `points` (points, 3), both in Å; distances are to
    the nearest image if there is an `edge`. Returns truth values, shape (trials,).
    """
    separations = trials[:, :, None] - points
    if edge is not None:
        separations -= edge * np.rint(separations / edge)
    squares = np.einsum("tapx,tapx->tap", separations, separations)
    return (squares >= distance**2).all(axis=(1, 2))
