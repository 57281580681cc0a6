"""From settings to candidates."""

import json

import numpy as np
import pytest
from ase.io import write
from scipy.spatial.transform import Rotation

from activecharge.dataset.identity import canonical, content_hash
from activecharge.errors import UserError
from activecharge.sampling.sieve import Sieve, draw
from activecharge.sampling.source_options import (
    BoxesOptions,
    ClustersOptions,
    FileOptions,
    RattleOptions,
    SanityOptions,
)

WATER = ("H", "O")


def drawn(options, seed=0, known=(), sieve=None, elements=WATER):
    sieve = Sieve(SanityOptions(), known) if sieve is None else sieve
    rng = np.random.default_rng(seed)
    return list(draw(options, rng, elements=elements, known=known, sieve=sieve))


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        (ClustersOptions(count=30), {"molecules"}),
        (BoxesOptions(count=3), {"molecules", "density"}),
        (RattleOptions(count=30), {"parent", "amplitude"}),
    ],
)
def test_delivers_what_was_asked(options, keys, clusters):
    candidates = drawn(options, known=clusters[:20])
    assert len(candidates) == options.count
    assert len({c.hash for c in candidates}) == options.count
    for candidate in candidates:
        assert candidate.source == options.kind
        assert set(candidate.origin) == keys
        assert candidate.hash == content_hash(candidate.atoms)
        assert np.array_equal(candidate.atoms.positions, canonical(candidate.atoms).positions)
        assert candidate.atoms.info == {}
        json.dumps(candidate.origin)


@pytest.mark.parametrize(
    "options", [ClustersOptions(count=20), BoxesOptions(count=2), RattleOptions(count=20)]
)
def test_the_same_seed_gives_the_same_candidates(options, clusters):
    first, again, other = (
        [c.hash for c in drawn(options, seed, clusters[:20])] for seed in (3, 3, 4)
    )
    assert first == again
    assert not set(first) & set(other)


def test_refused_frames_are_replaced_and_counted(clusters):
    # Amplitudes of 0.15 Å break most molecules; the limits of sanity are not touched.
    sieve = Sieve(SanityOptions(), clusters[:50])
    options = RattleOptions(count=20, amplitude=(0.1, 0.15))
    assert len(drawn(options, known=clusters[:50], sieve=sieve)) == 20
    assert sieve.refused["broken molecule"] > 0
    assert set(sieve.refused) <= {"broken molecule", "overlap", "evaporated"}


def test_drawing_ends_when_nothing_gets_through(clusters):
    sieve = Sieve(SanityOptions(), clusters[:5])
    options = RattleOptions(count=5, amplitude=(1e-4, 1e-3))
    assert drawn(options, known=clusters[:5], sieve=sieve) == []
    # Twenty draws for each of five frames.
    assert sum(sieve.refused.values()) == 100
    assert set(sieve.refused) <= {"duplicate", "near duplicate"}


def test_sieve_refuses_duplicates(clusters):
    rng = np.random.default_rng(0)
    sieve = Sieve(SanityOptions(), clusters[:1])
    turned = clusters[0].copy()
    turned.positions = Rotation.random(rng=rng).apply(turned.positions)
    assert sieve.admit(turned, "file") is None
    assert sieve.admit(clusters[1], "file", {"frame": 1}).origin == {"frame": 1}
    assert sieve.admit(clusters[1], "file") is None
    near = clusters[1].copy()
    near.positions[0, 0] += 0.015
    assert sieve.admit(near, "file") is None
    assert sieve.refused == {"duplicate": 2, "near duplicate": 1}


def test_sieve_counts_wrecks(clusters):
    sieve = Sieve(SanityOptions())
    exploded = clusters[0].copy()
    exploded.positions[0] = np.nan
    assert sieve.admit(exploded, "dynamics") is None
    assert sieve.refused == {"not finite": 1}


def test_a_file_is_read_once_and_in_random_order(tmp_path, clusters):
    frames = [a for a in clusters if len(a) > 3][:30]
    path = tmp_path / "pool.xyz"
    write(path, [*frames, *frames[:5]], format="extxyz")
    sieve = Sieve(SanityOptions())
    some = drawn(FileOptions(path=str(path), count=10), sieve=sieve)
    assert len(some) == 10
    assert [c.origin["frame"] for c in some] != sorted(c.origin["frame"] for c in some)
    assert {c.origin["file"] for c in some} == {str(path)}
    rest = drawn(FileOptions(path=str(path)), seed=1, sieve=sieve)
    assert {c.hash for c in some + rest} == {content_hash(canonical(a)) for a in frames}
    assert len(some + rest) == 30


def test_sources_that_cannot_give_anything_say_so(tmp_path):
    with pytest.raises(UserError, match="no labelled frames"):
        drawn(RattleOptions())
    with pytest.raises(UserError, match="elements"):
        drawn(ClustersOptions(), elements=("H", "C"))
    with pytest.raises(UserError, match=r"absent\.xyz"):
        drawn(FileOptions(path=str(tmp_path / "absent.xyz")))
