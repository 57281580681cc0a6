"""What every strategy keeps to: control share, quotas, thresholds, any order of the pool."""

import numpy as np
import pytest

from activecharge.committee.selection.choose import select
from activecharge.committee.selection.selection_options import SelectionOptions

STRATEGIES = ("top", "threshold", "logdet", "farthest", "random")


def hashes(pool, strategy, seed=0, **options):
    """Hashes chosen, by reason, in order."""
    if strategy == "threshold":
        options = {"threshold": {"charges": 0.5}} | options
    chosen = SelectionOptions(strategy=strategy, batch=12, **options)
    choices = select(pool, chosen, np.random.default_rng(seed))
    return [(c.why, c.candidate.hash) for c in choices]


@pytest.fixture(scope="module")
def mixed_pool(make_scored):
    """Frames of three sources, each with a hash; errors are no function of spreads."""
    rng = np.random.default_rng(8)
    return [
        make_scored(
            float(rng.gamma(2.0)),
            rng.normal(size=6),
            hash=f"{rng.integers(2**60):015x}",
            source=("dynamics", "dynamics", "rattle", "clusters")[i % 4],
            error={"charges": float(rng.gamma(2.0))},
            charges=float(rng.gamma(2.0)),
        )
        for i in range(80)
    ]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_order_of_the_pool_does_not_matter(mixed_pool, strategy):
    shuffled = [mixed_pool[i] for i in np.random.default_rng(1).permutation(len(mixed_pool))]
    found = hashes(mixed_pool, strategy, quotas={"dynamics": 0.3})
    assert found == hashes(shuffled, strategy, quotas={"dynamics": 0.3})
    assert len(set(found)) == len(found) == 12


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_control_frames_are_the_same_for_every_strategy(mixed_pool, strategy):
    """So that strategies can be compared on them."""
    drawn = [item for item in hashes(mixed_pool, strategy) if item[0] == "control"]
    assert drawn == [item for item in hashes(mixed_pool, "top") if item[0] == "control"]
    assert len(drawn) == 2


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(("share", "most"), [(0.0, 0), (0.3, 3), (0.31, 4), (1.0, 10)])
def test_quotas_hold_but_for_the_control_share(mixed_pool, strategy, share, most):
    found = hashes(mixed_pool, strategy, quotas={"dynamics": share}, diversity=0.0)
    source = {item.candidate.hash: item.candidate.source for item in mixed_pool}
    given = [source[name] for why, name in found if why != "control"]
    assert given.count("dynamics") <= most
    assert len(given) == 10  # others fill the room
    # Half of the pool: down the list it has all that its quota allows.
    assert strategy != "top" or share == 1 or given.count("dynamics") == most


def test_quotas_that_leave_nothing_leave_the_batch_short(mixed_pool):
    none = {"dynamics": 0.0, "rattle": 0.1, "clusters": 0.0}
    for strategy in STRATEGIES:
        found = hashes(mixed_pool, strategy, quotas=none)
        assert [why for why, _ in found].count("control") == 2
        assert len(found) == 3


def test_thresholds_are_held_against_expected_errors(mixed_pool):
    found = hashes(mixed_pool, "threshold", threshold={"charges": 2.5}, diversity=0.0)
    error = {item.candidate.hash: item.worst_error["charges"] for item in mixed_pool}
    chosen = [error[name] for why, name in found if why == "uncertain"]
    assert len(chosen) == 10 and min(chosen) > 2.5
    assert chosen != sorted(chosen, reverse=True)  # any of them, not the worst


def test_a_strategy_by_threshold_needs_one():
    with pytest.raises(ValueError, match="needs a threshold"):
        SelectionOptions(strategy="threshold")


@pytest.mark.parametrize(
    ("strategy", "why"),
    [("top", "uncertain"), ("logdet", "uncertain"), ("farthest", "diverse"), ("random", "random")],
)
def test_the_reason_is_told(mixed_pool, strategy, why):
    assert {w for w, _ in hashes(mixed_pool, strategy)} == {why, "control"}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("size", [0, 1, 3])
def test_every_strategy_bears_the_smallest_pools(mixed_pool, strategy, size):
    assert (
        len(hashes(mixed_pool[:size], strategy, control=0.0, threshold={"charges": 1e-9})) == size
    )


@pytest.mark.parametrize("strategy", ["logdet", "farthest"])
@pytest.mark.filterwarnings("ignore:invalid value")  # of arithmetic on infinity
def test_broken_frames_come_first_and_do_not_stop_the_others(make_scored, strategy):
    pool = [make_scored(9.0 - i, [float(i), 2.0 * i], hash=f"{i}") for i in range(6)]
    pool[3] = make_scored(np.inf, [np.nan, np.inf], hash="3")
    options = SelectionOptions(batch=6, control=0.0, strategy=strategy)
    for known in (None, np.array([[np.nan, np.nan], [10.0, 20.0]])):
        chosen = select(pool, options, np.random.default_rng(0), known)
        assert chosen[0].candidate.hash == "3"
        assert len(chosen) == 6
