"""The batch of a round: thresholds, control share, order and size."""

from collections import Counter

import numpy as np
import pytest
from committee_cases import choose

# -- threshold and count -----------------------------------------------------------------


def test_frames_below_the_threshold_are_never_chosen_as_uncertain(make_pool):
    for seed in range(20):
        pool = make_pool(60, seed)
        uncertain, control = choose(
            pool, seed, batch=12, control=0.25, diversity=0.0, threshold={"charges": 2.5}
        )
        above = [i for i in range(60) if pool[i].worst["charges"] > 2.5 and i not in control]
        expected = sorted(above, key=lambda i: -pool[i].score)[:9]
        assert uncertain == expected, seed
        assert len(control) == 3, seed


def test_fewer_above_the_threshold_than_wanted_leaves_the_batch_short(make_scored):
    pool = [make_scored(10.0 - i, charges=0.1 if i == 7 else 0.001) for i in range(10)]
    uncertain, _ = choose(pool, batch=5, control=0.0, diversity=0.0, threshold={"charges": 0.01})
    assert uncertain == [7]


def test_any_of_several_thresholds_is_enough(make_scored):
    pool = [
        make_scored(3.0, charges=0.001, bec=0.001),
        make_scored(2.0, charges=0.02, bec=0.001),
        make_scored(1.0, charges=0.001, bec=0.2),
        make_scored(0.5, charges=0.01, bec=0.1),  # at both limits, above none
    ]
    limits = {"charges": 0.01, "bec": 0.1}
    uncertain, _ = choose(pool, batch=4, control=0.0, diversity=0.0, threshold=limits)
    assert uncertain == [1, 2]


def test_a_spread_that_is_not_a_number_passes_every_threshold(make_scored):
    pool = [make_scored(1.0, charges=0.5), make_scored(np.inf, charges=np.nan)]
    assert choose(pool, batch=2, control=0.0, diversity=0.0, threshold={"charges": 0.9}) == (
        [1],
        [],
    )


# -- control share -----------------------------------------------------------------------


def test_the_control_share_is_uniform_over_the_pool(make_pool):
    pool, draws, batch = make_pool(20), 2000, 5
    counts = Counter()
    for seed in range(draws):
        counts.update(choose(pool, seed, batch=batch, control=0.4, diversity=0.0)[1])
    expected = draws * 2 / 20
    deviation = np.sqrt(draws * 0.1 * 0.9)
    # Among 20 such counts the largest deviates by 3; beyond 4.5 one time in 7000.
    assert max(abs(counts[i] - expected) for i in range(20)) < 4.5 * deviation


def test_the_control_share_knows_nothing_of_scores_thresholds_and_descriptors(
    make_pool, make_scored
):
    limits = {"threshold": {"charges": 1.0}, "diversity": 3.0}
    for seed in range(5):
        pool = make_pool(30, seed)
        twisted = [make_scored(-item.score, [0.0] * 6, charges=0.0) for item in pool]
        _, first = choose(pool, seed, batch=10, control=0.5)
        _, second = choose(twisted, seed, np.zeros((1, 6)), batch=10, control=0.5, **limits)
        assert first == second and len(first) == 5, seed


@pytest.mark.parametrize(("control", "count"), [(0.0, 0), (0.2, 2), (0.28, 3), (1.0, 10)])
def test_the_control_share_has_its_size(make_pool, control, count):
    uncertain, drawn = choose(make_pool(40), batch=10, control=control, diversity=0.0)
    assert len(drawn) == len(set(drawn)) == count
    assert len(uncertain) == 10 - count
    assert not set(uncertain) & set(drawn)


# -- order, size, determinism ------------------------------------------------------------


@pytest.mark.parametrize("diversity", [0.0, 0.5])
def test_uncertain_frames_come_by_falling_score(make_pool, diversity):
    pool = make_pool(50)
    uncertain, _ = choose(pool, batch=20, diversity=diversity)
    scores = [pool[i].score for i in uncertain]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("size", [0, 1, 2, 7])
def test_a_pool_smaller_than_the_batch_is_taken_whole(make_pool, size):
    uncertain, control = choose(make_pool(size), batch=20, control=0.2, diversity=0.0)
    assert sorted(uncertain + control) == list(range(size))


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize("known", [None, np.ones((3, 6)), np.array([])])
def test_thinning_bears_the_smallest_pools(make_pool, size, known):
    uncertain, control = choose(make_pool(size), known=known, diversity=0.5)
    assert sorted(uncertain + control) == list(range(size))


def test_the_same_seed_chooses_the_same(make_pool):
    pool = make_pool(60)
    assert choose(pool, 3) == choose(pool, 3)
    assert choose(pool, 3) != choose(pool, 4)


def test_frames_of_infinite_score_come_first(make_scored):
    pool = [make_scored(s, [d]) for s, d in ((1.0, 0.0), (np.inf, 5.0), (9.0, 10.0))]
    assert choose(pool, batch=2, control=0.0, diversity=0.5)[0] == [1, 2]
