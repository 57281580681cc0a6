"""Duplicates within files and leaks between them."""

import numpy as np
from scipy.spatial.transform import Rotation

from activecharge.sampling.builders.liquid import build_clusters
from activecharge.sampling.leaks import Repeat, find_repeats
from activecharge.sampling.source_options import ClustersOptions


def frames(count, seed=0):
    options = ClustersOptions(count=count, molecules=(3, 3))
    stream = build_clusters(options, np.random.default_rng(seed))
    return [next(stream) for _ in range(count)]


def turned(atoms, seed=0):
    """The same cluster elsewhere, turned, its atoms in another order."""
    rng = np.random.default_rng(seed)
    copy = atoms[rng.permutation(len(atoms))]
    copy.positions = Rotation.random(random_state=seed).apply(copy.positions) + 1.0
    return copy


def moved(atoms, far, seed=0):
    copy = atoms.copy()
    copy.positions[0] += far * np.array([0.6, 0.0, 0.8])
    return copy


def test_distinct_frames_have_no_repeats():
    assert find_repeats({"a.xyz": frames(6, 0), "b.xyz": frames(6, 1)}) == ()


def test_leaks_and_duplicates_are_named():
    train = frames(5)
    train.append(turned(train[1]))
    test = [frames(1, 9)[0], turned(train[3], 1)]
    found = find_repeats({"train.xyz": train, "test.xyz": test})
    assert found == (
        Repeat("train.xyz", 5, "train.xyz", 1, 0.0),
        Repeat("test.xyz", 1, "train.xyz", 3, 0.0),
    )
    assert [repeat.leak for repeat in found] == [False, True]
    assert str(found[1]) == "test.xyz, frame 1 is frame 3 of train.xyz"


def test_near_duplicates_carry_their_distance():
    train = frames(4)
    (repeat,) = find_repeats({"train.xyz": train, "test.xyz": [moved(train[2], 0.012)]})
    assert (repeat.first_frame, repeat.frame) == (2, 0)
    # A displaced atom changes a distance by its own displacement at most.
    assert 0 < repeat.distance <= 0.012
    assert "frame 0 is within 0.0" in str(repeat)
    assert find_repeats({"train.xyz": train, "test.xyz": [moved(train[2], 0.2)]}) == ()


def test_one_entry_for_each_earlier_file_the_closest():
    (one,) = frames(1)
    files = {"a": [moved(one, 0.01), one], "b": [one], "c": [turned(one)]}
    found = find_repeats(files)
    assert [(r.file, r.first_file, r.first_frame) for r in found] == [
        ("a", "a", 0),
        ("b", "a", 1),
        ("c", "a", 1),
        ("c", "b", 0),
    ]


def test_the_search_finds_what_all_pairs_give():
    """Sorting by means must not hide a pair."""
    from activecharge.sampling.duplicates import fingerprint

    rng = np.random.default_rng(3)
    base = frames(3)
    many = [moved(base[i % 3], rng.uniform(0, 0.05)) for i in range(40)]
    shapes = [fingerprint(atoms).values for atoms in many]
    close = {
        j for j in range(len(many)) for i in range(j) if np.abs(shapes[i] - shapes[j]).max() < 0.02
    }
    assert {repeat.frame for repeat in find_repeats({"a": many})} >= close
