"""Ice whose protons are disordered but obey the ice rules, in cells without a net dipole."""

from collections.abc import Iterator

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

from activecharge.sampling.builders.builder_options import IceOptions
from activecharge.sampling.builders.water import MASS, assemble_cell, molecule
from activecharge.units import DALTON_PER_A3

_THIRD = 1 / 3
_HEXAGONAL = np.array(
    [[x, y, z] for z in (1 / 16, 7 / 16) for x, y in ((0.5, 1 / 6), (0.0, 2 / 3))]
    + [[x, y, z] for z in (9 / 16, 15 / 16) for x, y in ((0.5, 5 / 6), (0.0, _THIRD))]
)
"""Oxygens of ideal ice Ih in an orthorhombic cell a, √3 a, √(8/3) a, fractional."""

_DIAMOND = np.array(
    [
        np.array(corner) / 2 + shift
        for corner in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0))
        for shift in (0.0, 0.25)
    ]
)
"""Oxygens of ice Ic in its cubic cell, fractional."""

_EDGES = {
    "Ih": np.array([1.0, np.sqrt(3), np.sqrt(8 / 3)]),
    "Ic": np.ones(3),
}

_LOOPS = 5
"""Loops turned per molecule before the cell's dipole is made to vanish."""

_TRIES = 1000
"""Further loops per molecule before the cell is begun anew."""


def build_ice(options: IceOptions, rng: np.random.Generator) -> Iterator[Atoms]:
    """Make ideal lattices of oxygen and give every molecule its hydrogens at random.

    Parameters
    ----------
    options : IceOptions
    rng : numpy.random.Generator

    Yields
    ------
    ase.Atoms
        `options.count` periodic frames, in molecules O, H, H; `info` tells how each was made.
    """
    for index in range(options.count):
        density = options.density[index % len(options.density)]
        places, cell = oxygen_lattice(options.structure, options.repeats, density)
        bonds = _bonds(places, cell)
        giver, vectors = order_protons(*bonds, len(places), rng)
        atoms = assemble_cell(_molecules(places, giver, vectors, options, rng), cell)
        atoms.info = {
            "structure": options.structure,
            "molecules": len(places),
            "density": round(density, 4),
        }
        yield atoms


def oxygen_lattice(
    structure: str, repeats: tuple[int, int, int], density: float
) -> tuple[np.ndarray, np.ndarray]:
    """Places (M, 3) of oxygen and rectangular cell (3,) in Å, at a mass density in g/cm³."""
    inside = _HEXAGONAL if structure == "Ih" else _DIAMOND
    shape = _EDGES[structure]
    volume = len(inside) * MASS * DALTON_PER_A3 / density
    edges = shape * np.cbrt(volume / shape.prod())
    shifts = np.array(list(np.ndindex(*repeats)))
    places = ((inside + shifts[:, None]) * edges).reshape(-1, 3)
    return places, edges * repeats


def order_protons(
    first: np.ndarray,
    second: np.ndarray,
    vectors: np.ndarray,
    molecules: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Direct every bond so that each molecule gives two and takes two, and their sum vanishes.

    Directions along circuits that pass every bond once obey the ice rules; turning loops of
    bonds that run one way keeps them (Rahman, Stillinger, J. Chem. Phys. 57, 4009 (1972),
    https://doi.org/10.1063/1.1678874). In the end only those turns are made that do not
    lengthen the sum of the directions.

    Parameters
    ----------
    first, second : (B,) int
        Molecules of each bond.
    vectors : (B, 3) Å
        From first to second.
    molecules : int
    rng : numpy.random.Generator

    Returns
    -------
    giver : (B,) int
        Molecule whose proton is in each bond.
    vectors : (B, 3) Å
        From the giver to the other.
    """
    ends = np.stack([first, second])
    touching = [np.flatnonzero((ends == m).any(axis=0)) for m in range(molecules)]
    while True:
        # +1 where the first molecule gives.
        sign = _circuits(ends, touching, rng)
        for step in range((_LOOPS + _TRIES) * molecules):
            total = sign @ vectors
            if step >= _LOOPS * molecules and np.abs(total).max() < 1e-6:
                giver = np.where(sign > 0, first, second)
                return giver, sign[:, None] * vectors
            loop = _loop(ends, sign, touching, rng)
            turned = total - 2 * sign[loop] @ vectors[loop]
            if step < _LOOPS * molecules or turned @ turned <= total @ total + 1e-9:
                sign[loop] *= -1


def _bonds(places: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bonds between neighbours, each once: ends (B,), (B,) and vectors (B, 3) in Å."""
    lattice = Atoms(f"O{len(places)}", positions=places, cell=cell, pbc=True)
    volume = float(cell.prod()) / len(places)
    # Neighbours of the ideal lattice are (3√3/8 v)^(1/3) apart, the next ones √(8/3) of that.
    reach = 1.2 * np.cbrt(3 * np.sqrt(3) / 8 * volume)
    first, second, shifts, vectors = neighbor_list("ijSD", lattice, reach)
    # Of the two ways of a bond, even one to an image of its own beginning, the greater remains.
    forward = [
        tuple(s) > (0, 0, 0) if i == j else i < j
        for i, j, s in zip(first, second, shifts, strict=True)
    ]
    keep = np.array(forward)
    return first[keep], second[keep], vectors[keep]


def _circuits(ends: np.ndarray, touching: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Walk along unused bonds until back where the walk began, again and again; (B,) signs."""
    sign = np.zeros(ends.shape[1])
    for start in rng.permutation(len(touching)):
        here = int(start)
        while True:
            free = touching[here][sign[touching[here]] == 0]
            if not len(free):
                break
            bond = rng.choice(free)
            forward = ends[0, bond] == here
            sign[bond] = 1.0 if forward else -1.0
            here = int(ends[1, bond] if forward else ends[0, bond])
    return sign


def _loop(
    ends: np.ndarray, sign: np.ndarray, touching: list[np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """Bonds of a random closed way along the directions, each molecule passed once."""
    here = int(rng.integers(len(touching)))
    passed: dict[int, int] = {}
    way: list[int] = []
    while here not in passed:
        passed[here] = len(way)
        around = touching[here]
        given = around[np.where(sign[around] > 0, ends[0, around], ends[1, around]) == here]
        bond = int(rng.choice(given))
        way.append(bond)
        here = int(ends[1, bond] if sign[bond] > 0 else ends[0, bond])
    return np.array(way[passed[here] :])


def _molecules(
    places: np.ndarray,
    giver: np.ndarray,
    vectors: np.ndarray,
    options: IceOptions,
    rng: np.random.Generator,
) -> np.ndarray:
    """Positions (M, 3, 3) of molecules whose hydrogens point along the bonds that they give."""
    built = np.empty((len(places), 3, 3))
    for index, place in enumerate(places):
        one, two = vectors[giver == index]
        middle, across = one + two, one - two
        axes = np.array([across, np.cross(middle, across), middle])
        axes /= np.linalg.norm(axes, axis=1, keepdims=True)
        shape = molecule(options.bond_spread, options.angle_spread, rng)
        built[index] = place + options.shift * rng.standard_normal(3) + shape @ axes
    return built
