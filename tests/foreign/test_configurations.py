"""Frames with which no number would mean anything."""

import numpy as np
import pytest
from ase import Atoms
from foreign_cases import PLAIN, text

from activecharge.dataset.judging.configuration import check_configuration
from activecharge.errors import UserError
from activecharge.sampling.pool import read_pool

SKEWED = np.array([[9.0, 0, 0], [4.0, 9.0, 0], [-4.0, 3.0, 9.0]])


def pair(shift, cell=None):
    """Two waters whose second oxygen lies `shift` away from the first."""
    water = np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    other = np.array([[0, 0, 0], [0, 0.3, 0.9], [0, 0.3, -0.9]]) + shift
    atoms = Atoms("OHHOHH", positions=np.vstack([water, other]))
    if cell is not None:
        atoms.cell, atoms.pbc = cell, True
    return atoms


@pytest.mark.parametrize(
    ("shift", "cell"),
    [
        ([0, 0, 0], None),
        ([0.05, 0.05, 0], None),
        ([12, 0, 0], 12 * np.eye(3)),
        ([-1e-17, 0, 0], 12 * np.eye(3)),
        ([12 * 5 + 0.06, -24, 0.06], 12 * np.eye(3)),
        (SKEWED[0] + SKEWED[1] - SKEWED[2] + [0, 0, 0.09], SKEWED),
    ],
)
def test_atoms_in_one_place_are_named(write, shift, cell):
    atoms = pair(np.array(shift, dtype=float), cell)
    with pytest.raises(UserError, match=r"frame 7: atoms 0 \(O\) and 3 \(O\) are .*one place"):
        check_configuration(atoms, "frame 7", None)
    with pytest.raises(UserError, match=r"theirs\.xyz, frame 1 .*one place"):
        lattice = "" if cell is None else f'Lattice="{" ".join(map(str, np.ravel(cell)))}"'
        read_pool(write(text(pair([0, 0, 3.0]), PLAIN) + text(atoms, f"{lattice} {PLAIN}")))


@pytest.mark.parametrize(
    ("shift", "cell"),
    [
        ([0.2, 0, 0], None),  # an overlap, but a direction
        ([0, 0, 3], None),
        ([3, 6, 0.2], 12 * np.eye(3)),
        (SKEWED[0] - SKEWED[1] + [0, 0, 3], SKEWED),
        ([1e5, 0, 0], None),
    ],
)
def test_atoms_apart_pass(shift, cell):
    check_configuration(pair(np.array(shift, dtype=float), cell), "frame", None)


@pytest.mark.parametrize("edge", [0.01, 0.1, 1.2])
def test_cells_too_small_for_their_atoms_are_refused(edge):
    with pytest.raises(UserError, match=r"Å³ an atom, less than 0\.5.*unit \(nm"):
        check_configuration(pair(np.array([0, 0, 3.0]), edge * np.eye(3)), "frame", None)


def test_the_densest_water_passes():
    """Ice at 1000 GPa has 2 Å³ an atom."""
    atoms = Atoms("OHH", scaled_positions=[[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5]], cell=[1.8] * 3)
    atoms.pbc = True
    check_configuration(atoms, "frame", None)
