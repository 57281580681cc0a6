"""Pairs that are kept are those that a search finds, however atoms and cells move."""

import numpy as np
import pytest
from model_cases import CUTOFF, ELEMENTS, FRAMES, boxed, make_model, waters

from activecharge.errors import UserError
from activecharge.model.graph import build_graph
from activecharge.model.space.cells import wrapped
from activecharge.model.space.kept_pairs import KeptPairs
from activecharge.model.space.pairs import find_pairs

SKEWED = np.array([[8.0, 0, 0], [3.0, 7.0, 0], [-2.0, 1.0, 9.0]])
SLAB = np.diag([5.8, 5.8, 60.0])


def rows(pairs) -> np.ndarray:
    """Pairs in an order of their own, each from its smaller atom; vectors to 1e-9 Å."""
    turned = pairs.first > pairs.second
    vectors = np.where(turned[:, None], -pairs.vectors, pairs.vectors)
    ends = np.sort(np.stack([pairs.first, pairs.second], axis=1), axis=1)
    own = (ends[:, 0] == ends[:, 1]) & (vectors @ [1.0, 1e-3, 1e-6] < 0)
    table = np.column_stack([ends, np.where(own[:, None], -vectors, vectors)]).round(9) + 0.0
    return table[np.lexsort(table.T)]


@pytest.mark.parametrize(
    ("frame", "cell", "cutoff"),
    [
        (waters(6, seed=1), None, 4.0),
        (waters(3, seed=1), SKEWED, 4.0),
        (boxed(1, 4, [3.2] * 3), 3.2 * np.eye(3), 7.0),
        (waters(8, seed=2), SLAB, 6.0),
    ],
    ids=["free", "skewed", "small", "slab"],
)
@pytest.mark.parametrize("breathing", [False, True])
def test_along_a_walk_pairs_are_those_of_a_search(frame, cell, cutoff, breathing):
    rng = np.random.default_rng(3)
    kept, anew, positions = KeptPairs(0.6), KeptPairs(0.0), frame.positions
    for step in range(100):
        positions = positions + rng.normal(scale=0.03, size=positions.shape) + [0.05, 0.0, 0.0]
        box = cell
        if cell is not None:
            if breathing:
                box = cell @ (np.eye(3) + 2e-4 * step * np.triu(rng.normal(size=(3, 3))))
            positions = wrapped(positions, box)  # jumps by lattice vectors as it drifts
        expected, found = find_pairs(positions, box, cutoff), kept(positions, box, cutoff)
        np.testing.assert_array_equal(rows(found), rows(expected))
        np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), found.distances)
        # To the last bit, so that what follows does not depend on when there was a search.
        for first, second in zip(
            vars(found).values(), vars(anew(positions, box, cutoff)).values(), strict=True
        ):
            np.testing.assert_array_equal(first, second)
    # Diffusion takes an atom 0.3 Å in some tens of steps, which the drift of all does not count.
    assert anew.searches == 100
    assert 2 <= kept.searches <= (99 if breathing else 30)


def test_two_atoms_that_meet_are_seen_in_time():
    """They come from just beyond the distance and the skin, and nothing else moves."""
    kept = KeptPairs(0.5)
    start = np.array([[0.0, 0, 0], [0, 0, 4.51], [9.0, 0, 0]])
    for way in np.linspace(0.0, 0.4, 41):
        positions = start + way * np.array([[0, 0, 1.0], [0, 0, -1.0], [0, 0, 0]])
        assert len(kept(positions, None, 4.0).first) == (4.51 - 2 * way <= 4.0)
    assert kept.searches == 2


def test_a_cell_that_shrinks_is_searched_in_time():
    """Neither atom moves within the cell; images come nearer."""
    kept = KeptPairs(0.5)
    positions = np.array([[0.2, 0.2, 0.2], [0.7, 0.7, 0.7]])
    for scale in np.linspace(1.0, 0.7, 31):
        cell = 8.0 * scale * np.eye(3)
        args = positions @ cell, cell, 6.007
        np.testing.assert_array_equal(rows(kept(*args)), rows(find_pairs(*args)))
    assert 2 < kept.searches < 12


@pytest.mark.parametrize("name", list(FRAMES))
def test_another_frame_is_searched_anew(name):
    kept = KeptPairs(1.0)
    for frame in FRAMES.values():
        build_graph(frame, ELEMENTS, CUTOFF, find=kept)
    graphs = [build_graph(FRAMES[name], ELEMENTS, CUTOFF, find=find) for find in (kept, find_pairs)]
    assert graphs[0].edges.shape == graphs[1].edges.shape


def test_predictions_are_equal_to_rounding():
    """A dilute frame, which has a wide Coulomb sum with pairs of its own."""
    model, frame = make_model("dipolar"), boxed(8, 1, [6.2, 6.2, 60.0], spacing=3.0)
    kept, rng = KeptPairs(0.5), np.random.default_rng(4)
    for _ in range(3):
        frame.positions += rng.normal(scale=0.02, size=frame.positions.shape)
        graphs = [build_graph(frame, ELEMENTS, CUTOFF, find=find) for find in (kept, find_pairs)]
        assert graphs[0].pairs.shape[1] > graphs[0].edges.shape[1]
        found, expected = (
            model(graph, {"energy", "forces", "stress", "bec"}, training=False) for graph in graphs
        )
        for name, value in expected.items():
            # Sums of the same numbers of order 1 to 1e4, in another order.
            np.testing.assert_allclose(found[name], value, rtol=1e-11, atol=1e-12)
    assert kept.searches == 2


@pytest.mark.parametrize("skin", [-0.1, np.nan, np.inf])
def test_a_skin_is_a_length(skin):
    with pytest.raises(UserError, match="must be a length"):
        KeptPairs(skin)
