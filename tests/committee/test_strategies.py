"""Determinants and distances against brute force."""

from itertools import combinations

import numpy as np
import pytest
from committee_cases import make_task
from scipy.spatial.distance import cdist

from activecharge.committee.selection.strategies import (
    LENGTH,
    Quotas,
    farthest_first,
    largest_determinant,
)


def kernel(task):
    """The kernel in full, as documented."""
    length = LENGTH * task.space.width()
    between = cdist(task.space.points, task.space.points)
    return np.outer(task.quality, task.quality) * np.exp(-((between / length) ** 2) / 2)


def greedy(matrix, count, given=()):
    """The definition: the frame that makes the determinant largest, one by one."""
    chosen = list(given)
    while len(chosen) < count + len(given):
        rest = [i for i in range(len(matrix)) if i not in chosen]
        logdet = [np.linalg.slogdet(matrix[np.ix_([*chosen, i], [*chosen, i])])[1] for i in rest]
        chosen.append(rest[int(np.argmax(logdet))])
    return chosen[len(given) :]


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(size=(40, 5)) * [1, 10, 0.1, 3, 1]


@pytest.fixture
def quality():
    return np.random.default_rng(1).lognormal(size=40)


@pytest.mark.parametrize("taken", [(), (3, 17)])
def test_the_greedy_determinant_is_that_of_brute_force(points, quality, taken):
    task = make_task(points, 10, quality, taken=taken)
    assert largest_determinant(task, 0.0) == greedy(kernel(task), 10, taken)


def test_it_is_near_the_best_of_all_subsets():
    """The greedy choice of 3 of 9; the bound of Nemhauser et al. (1978) holds for log det of
    kernels with eigenvalues above one, which the quality of at least 4 makes sure of."""

    def logdet(matrix, subset):
        return np.linalg.slogdet(matrix[np.ix_(subset, subset)])[1]

    for seed in range(10):
        rng = np.random.default_rng(seed)
        task = make_task(rng.normal(size=(9, 3)), 3, 4 + rng.uniform(0, 4, 9))
        matrix = kernel(task)
        best = max(logdet(matrix, list(s)) for s in combinations(range(9), 3))
        assert logdet(matrix, largest_determinant(task, 0.0)) >= (1 - 1 / np.e) * best, seed


def test_only_ratios_of_quality_count(points, quality):
    first = largest_determinant(make_task(points, 8, quality), 0.0)
    assert largest_determinant(make_task(points, 8, 1e-3 * quality), 0.0) == first


def test_like_frames_are_taken_once(points, quality):
    """Also beside a frame taken before, and where quality tempts."""
    twice = np.concatenate([points, points])
    task = make_task(twice, 20, np.concatenate([quality, 100 * quality]), taken=(0,))
    chosen = largest_determinant(task, 0.0)
    assert len({i % 40 for i in [0, *chosen]}) == 21


def test_frames_near_labelled_ones_are_left_out(points, quality):
    task = make_task(points, 38, quality, known=points[[4, 9]] + 1e-9)
    assert not {4, 9} & set(largest_determinant(task, task.space.least_distance(0.5)))


def test_no_quality_no_choice(points):
    assert largest_determinant(make_task(points, 5, np.zeros(40)), 0.0) == []


# -- farthest first ----------------------------------------------------------------------


@pytest.mark.parametrize("known", [0, 3])
@pytest.mark.parametrize("taken", [(), (5,)])
def test_the_farthest_comes_first(points, known, taken):
    others = points[:known] + 0.01
    task = make_task(points, 12, known=others, taken=taken)
    space = task.space.points
    reference = np.concatenate([space[list(taken)], task.known])
    expected: list[int] = []
    while len(expected) < 12:
        seen = np.concatenate([reference, space[expected]])
        # Where nothing is known, from the mean.
        distance = cdist(space, seen if len(seen) else np.zeros((1, 5))).min(axis=1)
        distance[[*taken, *expected]] = -1
        expected.append(int(distance.argmax()))
    assert farthest_first(task, 1e-6) == expected


def test_it_ends_when_all_that_is_left_repeats(points):
    task = make_task(np.concatenate([points[:6]] * 3), 18, known=points[:2])
    assert sorted(i % 6 for i in farthest_first(task, task.space.rounding())) == [2, 3, 4, 5]


# -- quotas ------------------------------------------------------------------------------


def test_quotas_count_down():
    quotas = Quotas(["a", "b", "a", "c"], {"a": 0.25, "b": 0.0, "unseen": 0.5}, 4)
    assert quotas.room().tolist() == [True, False, True, True]
    assert [quotas.admit(i) for i in (0, 1, 2, 3, 3, 3)] == [True, False, False, True, True, True]
    assert quotas.room().tolist() == [False, False, False, True]
