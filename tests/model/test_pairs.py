"""Pairs of atoms, against an explicit search over images; cells and the space between atoms."""

import numpy as np
import pytest
from model_cases import boxed, waters

from activecharge.model.space.cells import reduced, without_gaps, wrapped
from activecharge.model.space.pairs import find_pairs

SKEWED = np.array([[30.0, 0, 0], [26.0, 9.0, 0], [-14.0, 5.0, 20.0]])


def apart() -> np.ndarray:
    """Three clusters, farther from each other along x and z than anything is searched."""
    positions = waters(6, seed=1).positions
    positions[6:12] += [500.0, 0, 0]
    positions[12:] += [0, 0, -4e4]
    return positions


def scattered(cell: np.ndarray) -> np.ndarray:
    return np.random.default_rng(2).random((40, 3)) ** 3 @ cell


CASES = {
    "free": (waters(3, seed=1).positions, None, 5.0),
    "free, far apart": (apart(), None, 5.0),
    "free, one atom": (np.zeros((1, 3)), None, 5.0),
    "small": (boxed(1, 4, [3.2] * 3).positions, 3.2 * np.eye(3), 7.0),
    "with gaps": (scattered(40 * np.eye(3)), 40 * np.eye(3), 5.0),
    "slab": (waters(8, seed=2).positions, np.diag([5.8, 5.8, 60.0]), 6.0),
    "skewed": (scattered(SKEWED), SKEWED, 4.0),
    "skewed, longer than the cell": (scattered(SKEWED)[:6], SKEWED, 35.0),
    "one atom": (np.ones((1, 3)), np.diag([4.0, 90.0, 90.0]), 10.0),
}


def distances(positions: np.ndarray, cell: np.ndarray | None, cutoff: float) -> np.ndarray:
    """Sorted distances of all pairs, each twice, over a block of images."""
    steps = np.zeros((1, 3))
    if cell is not None:
        most = np.ceil(cutoff * np.linalg.norm(np.linalg.inv(cell), axis=0)).astype(int) + 1
        steps = np.stack(np.meshgrid(*(np.arange(-m, m + 1) for m in most)), -1).reshape(-1, 3)
        steps = steps @ cell
    vectors = positions[:, None, None] - positions[None, :, None] + steps
    found = np.linalg.norm(vectors, axis=-1).ravel()
    return np.sort(found[(found > 0) & (found <= cutoff)])


@pytest.mark.parametrize("name", CASES)
def test_pairs_are_those_of_an_explicit_search(name):
    positions, cell, cutoff = CASES[name]
    if cell is not None:
        positions = wrapped(positions, cell)
    pairs = find_pairs(positions, cell, cutoff)
    expected = distances(positions, cell, cutoff)
    np.testing.assert_allclose(np.sort(np.repeat(pairs.distances, 2)), expected, atol=1e-10)
    np.testing.assert_allclose(np.linalg.norm(pairs.vectors, axis=1), pairs.distances, atol=1e-12)
    # Each vector joins its two atoms, but for a lattice vector.
    rest = pairs.vectors - positions[pairs.second] + positions[pairs.first]
    steps = rest if cell is None else rest @ np.linalg.inv(cell)
    np.testing.assert_allclose(
        steps, np.zeros_like(steps) if cell is None else steps.round(), atol=1e-10
    )


def test_empty_space_is_closed_and_near_atoms_stay_where_they_were():
    positions, cell = waters(8, seed=2).positions, np.diag([9.0, 200.0, 9000.0])
    moved, box = without_gaps(wrapped(positions, cell), cell, 7.5)
    assert box[0, 0] == 9.0 and (box.diagonal()[1:] < 15.0).all()
    free, _ = without_gaps(apart(), None, 7.5)
    assert np.ptp(free, axis=0).max() < 30.0
    for found, given in ((moved, wrapped(positions, cell)), (free, apart())):
        # Within each molecule, which wrapping may have torn.
        inside = (
            (found - np.roll(found, 1, axis=0))[[1, 2]],
            (given - np.roll(given, 1, axis=0))[[1, 2]],
        )
        lengths = [np.linalg.norm(vectors, axis=1) for vectors in inside]
        whole = lengths[1] < 3.0
        np.testing.assert_allclose(lengths[0][whole], lengths[1][whole], atol=1e-10)


def test_skewed_cells_are_replaced_by_short_ones_of_the_same_lattice():
    cell = np.array([[1, 0, 0], [40, 1, 0], [-7, 30, 1]]) @ np.diag([5.0, 6.0, 7.0])
    short = reduced(cell)
    assert np.linalg.norm(short, axis=1) == pytest.approx([5.0, 6.0, 7.0])
    steps = short @ np.linalg.inv(cell)
    np.testing.assert_allclose(steps, steps.round(), atol=1e-9)
    assert reduced(SKEWED / 2) is not SKEWED
    assert np.array_equal(reduced(np.diag([5.0, 6.0, 7.0])), np.diag([5.0, 6.0, 7.0]))
