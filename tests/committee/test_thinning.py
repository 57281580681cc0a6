"""Batches taken in order, without repeating what is taken or known."""

import numpy as np
import pytest
from committee_cases import choose, make_task
from scipy.spatial.distance import cdist

from activecharge.committee.selection.strategies import in_order


def thin(descriptors, order, count, diversity, taken=(), known=None):
    """Frames taken in order."""
    task = make_task(descriptors, count, order=order, taken=taken, known=known)
    return in_order(task, task.space.least_distance(diversity))


def greedy(descriptors, order, count, diversity, taken, known):
    """The rule in plain words, every distance worked out."""
    scaled = (descriptors - descriptors.mean(0)) / descriptors.std(0)
    reference = (known - descriptors.mean(0)) / descriptors.std(0)
    between = cdist(scaled, scaled)
    np.fill_diagonal(between, np.inf)
    least = diversity * np.median(between.min(axis=1))
    chosen = []
    for index in order:
        if len(chosen) == count:
            break
        near = min(
            between[index, [*taken, *chosen]].min(initial=np.inf),
            cdist(scaled[[index]], reference).min(initial=np.inf),
        )
        if near >= least:
            chosen.append(index)
    return chosen


def test_thinning_is_the_greedy_rule():
    """Random pools of up to three blocks of 256, with random taken and known frames."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        size, features = int(rng.integers(2, 510)), int(rng.integers(1, 6))
        descriptors = rng.normal(size=(size, features)) * 10 ** rng.uniform(-3, 3, features) + 2
        order = rng.permutation(size).tolist()
        taken = [order.pop() for _ in range(int(rng.integers(0, min(size, 6))))]
        known = descriptors[rng.integers(size, size=4)] + 1e-3 * rng.normal(size=(4, features))
        count, diversity = int(rng.integers(1, 400)), float(rng.uniform(0.3, 3.0))
        found = thin(descriptors, order, count, diversity, taken, known)
        assert found == greedy(descriptors, order, count, diversity, taken, known), seed


@pytest.mark.parametrize("noise", [0.0, 1e-7])
def test_duplicates_are_taken_once(make_scored, noise):
    """Also where over half the pool are duplicates, and where they differ by rounding."""
    rng = np.random.default_rng(0)
    shapes = 5 + rng.normal(size=(6, 8))
    pool = [
        make_scored(100.0 - 10 * copy - kind, shapes[kind] + noise * rng.normal(size=8))
        for kind in range(6)
        for copy in range(4)
    ]
    uncertain, _ = choose(pool, batch=24, control=0.0, diversity=0.5)
    assert uncertain == [4 * kind for kind in range(6)]


def test_frames_too_near_to_labelled_or_control_ones_are_skipped(make_scored):
    places = np.arange(10.0)[:, None]
    pool = [make_scored(10.0 - i, place) for i, place in enumerate(places)]
    known = np.array([[0.1], [3.9]])
    assert choose(pool, known=known, batch=10, control=0.0)[0] == [1, 2, 3, 5, 6, 7, 8, 9]
    # The least distance is 1.5, so that each control frame keeps its neighbours away.
    uncertain, control = choose(pool, seed=2, batch=10, control=0.2, diversity=1.5)
    assert len(control) == 2
    assert min(abs(u - c) for u in uncertain for c in control) >= 2
    assert min(np.diff(sorted(uncertain))) >= 2


def test_without_diversity_duplicates_stay(make_scored):
    pool = [make_scored(3.0 - i, [1.0, 2.0]) for i in range(3)]
    known = np.array([[1.0, 2.0]])
    assert choose(pool, known=known, batch=3, control=0.0, diversity=0.0)[0] == [0, 1, 2]


def test_a_component_that_only_rounds_does_not_count(make_scored):
    """Divided by its spread of 1e-8 it would drown the component that tells frames apart."""
    rng = np.random.default_rng(3)
    pool = [make_scored(9.0 - i, [float(i // 2), 7.0 + 1e-8 * rng.normal()]) for i in range(8)]
    assert choose(pool, batch=8, control=0.0, diversity=0.5)[0] == [0, 2, 4, 6]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.filterwarnings("ignore:invalid value")  # of arithmetic on infinity
def test_a_broken_descriptor_does_not_stop_the_others(make_scored, bad):
    pool = [make_scored(9.0 - i, [float(i), 2.0 * i]) for i in range(6)]
    pool[0] = make_scored(np.inf, [bad, 0.0])
    pool[3] = make_scored(np.inf, [bad, bad])
    known = np.array([[bad, bad], [1.0, 2.0]])
    assert choose(pool, known=known, batch=6, control=0.0)[0] == [0, 3, 2, 4, 5]
    for seed in range(6):  # also where it is drawn as control
        uncertain, control = choose(pool, seed, batch=6, control=0.17)
        assert sorted(uncertain + control) == list(range(6))


def test_the_typical_distance_is_that_of_the_whole_pool():
    """A pool in order of source: the first 400 frames dense, the other 600 not."""
    places = np.concatenate([0.001 * np.arange(400), 10.0 + np.arange(600)])[:, None]
    assert thin(places, range(1000), 1000, 0.5) == [0, *range(400, 1000)]
