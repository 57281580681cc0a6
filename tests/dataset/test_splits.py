"""The split keeps equal configurations together and never moves one."""

import hashlib

import pytest

from activecharge.dataset.splits import split
from activecharge.errors import UserError

THREE = {"train": 0.7, "valid": 0.2, "test": 0.1}


def hashes(n, tag=""):
    return [hashlib.sha256(f"{tag}{i}".encode()).hexdigest()[:16] for i in range(n)]


def sides(items, *args, **kwargs):
    return {items[i]: name for name, found in split(items, *args, **kwargs).items() for i in found}


@pytest.mark.parametrize("fractions", [{"train": 0.9, "valid": 0.1}, THREE])
def test_appending_moves_no_frame(fractions):
    for seed in range(5):
        items, before = hashes(60, str(seed)), {}
        for n in range(len(items) + 1):
            now = sides(items[:n], fractions, seed)
            assert before.items() <= now.items() and len(now) == n
            before = now


def test_equal_configurations_share_a_side():
    items = hashes(40)
    doubled = [item for item in items for _ in range(2)]
    found = split(doubled, THREE)
    for indices in found.values():
        assert {i ^ 1 for i in indices} == set(indices)
    assert sorted(i for indices in found.values() for i in indices) == list(range(80))


def test_small_sets_are_usable():
    for tag in "abcdefgh":
        items = hashes(6, tag)
        assert sides(items[:1]) == {items[0]: "train"}
        assert split(items[:5])["valid"]
        assert all(split(items, THREE).values())
    assert split([], THREE) == {"train": [], "valid": [], "test": []}


def test_fractions_are_met_and_seeds_differ():
    items = hashes(4000)
    found = split(items, THREE)
    # Binomial spread of a share at n = 4000 is below 0.0073; 0.03 is four of them.
    for name, fraction in THREE.items():
        assert abs(len(found[name]) / 4000 - fraction) < 0.03
    assert split(items, THREE) == found
    assert split(items, THREE, seed=1) != found


def test_a_split_of_zero_stays_empty():
    assert split(hashes(50), {"train": 0.5, "valid": 0.5, "test": 0.0})["test"] == []


@pytest.mark.parametrize("fractions", [{}, {"train": 0.9}, {"train": 1.1, "valid": -0.1}])
def test_fractions_that_make_no_sense(fractions):
    with pytest.raises(UserError, match="sum to 1"):
        split(hashes(3), fractions)
