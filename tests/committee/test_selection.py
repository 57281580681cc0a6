"""The batch of a round: thresholds, control share, thinning."""

from collections import Counter

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from activecharge.committee.options import SelectionOptions
from activecharge.committee.selection import nearest, select, thin


@pytest.fixture(scope="module")
def make_pool(make_scored):
    """Frames of random score, spread and descriptor; the spread is no function of the score."""

    def make(count, seed=0, features=6):
        rng = np.random.default_rng(seed)
        return [
            make_scored(
                float(rng.gamma(2.0)), rng.normal(size=features), charges=float(rng.gamma(2.0))
            )
            for _ in range(count)
        ]

    return make


def choose(pool, seed=0, known=None, **options):
    """Indices chosen as uncertain and as control."""
    choices = select(pool, SelectionOptions(**options), np.random.default_rng(seed), known)
    where = {id(item): index for index, item in enumerate(pool)}
    return tuple(
        [where[id(c.scored)] for c in choices if c.why == why] for why in ("uncertain", "control")
    )


# -- threshold and count -----------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_frames_below_the_threshold_are_never_chosen_as_uncertain(make_pool, seed):
    pool = make_pool(60, seed)
    uncertain, control = choose(
        pool, seed, batch=12, control=0.25, diversity=0.0, threshold={"charges": 2.5}
    )
    above = [i for i in range(60) if pool[i].worst["charges"] > 2.5 and i not in control]
    expected = sorted(above, key=lambda i: -pool[i].score)[:9]
    assert uncertain == expected
    assert len(control) == 3


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


@pytest.mark.parametrize("seed", range(5))
def test_the_control_share_knows_nothing_of_scores_thresholds_and_descriptors(
    make_pool, make_scored, seed
):
    pool = make_pool(30, seed)
    twisted = [make_scored(-item.score, [0.0] * 6, charges=0.0) for item in pool]
    known = np.zeros((1, 6))
    _, first = choose(pool, seed, batch=10, control=0.5)
    _, second = choose(
        twisted, seed, known, batch=10, control=0.5, threshold={"charges": 1.0}, diversity=3.0
    )
    assert first == second


@pytest.mark.parametrize(("control", "count"), [(0.0, 0), (0.2, 2), (1.0, 10)])
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


# -- thinning ----------------------------------------------------------------------------


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


@pytest.mark.parametrize("seed", range(12))
def test_thinning_is_the_greedy_rule(seed):
    """Random pools of up to three blocks of 256, with random taken and known frames."""
    rng = np.random.default_rng(seed)
    size, features = int(rng.integers(2, 510)), int(rng.integers(1, 6))
    descriptors = rng.normal(size=(size, features)) * 10 ** rng.uniform(-3, 3, features) + 2
    order = rng.permutation(size).tolist()
    taken = [order.pop() for _ in range(int(rng.integers(0, min(size, 6))))]
    known = descriptors[rng.integers(size, size=4)] + 1e-3 * rng.normal(size=(4, features))
    count, diversity = int(rng.integers(1, 400)), float(rng.uniform(0.3, 3.0))
    found = thin(descriptors, order, count, diversity, taken, known)
    assert found == greedy(descriptors, order, count, diversity, taken, known)


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


def test_nearest_is_the_least_distance():
    rng = np.random.default_rng(1)
    points, others = rng.normal(size=(600, 20)), rng.normal(size=(70, 20))
    # Squares of norms near 5 cancel: their rounding is 1e-14, its root 1e-7.
    np.testing.assert_allclose(nearest(points, others), cdist(points, others).min(1), atol=1e-6)
    own = np.sort(cdist(points, points), axis=1)[:, 1]
    np.testing.assert_allclose(nearest(points, points, skip_self=True), own, atol=1e-6)
    assert np.isinf(nearest(points, others[:0])).all()
    assert np.isinf(nearest(points[:1], points[:1], skip_self=True)).all()
