"""Canonical form and content hash."""

import re

import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write
from scipy.spatial.transform import Rotation

from activecharge.dataset.identity import canonical, content_hash
from activecharge.dataset.invariants import free_invariants, periodic_invariants
from activecharge.errors import UserError


def moved(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    """The same free cluster, turned, shifted and shuffled."""
    copy = atoms[rng.permutation(len(atoms))]
    copy.positions = Rotation.random(rng=rng).apply(copy.positions) + rng.uniform(-9, 9, 3)
    return copy


def wrapped(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    """The same periodic frame, shifted, shuffled, its atoms in other images."""
    copy = atoms[rng.permutation(len(atoms))]
    copy.positions += rng.uniform(-9, 9, 3)
    copy.positions += rng.integers(-2, 3, (len(atoms), 3)) @ copy.cell.array
    return copy


def nudged(atoms: Atoms, rng: np.random.Generator, step: float) -> Atoms:
    """One atom moved by `step` Å in a random direction."""
    copy = atoms.copy()
    direction = rng.standard_normal(3)
    copy.positions[rng.integers(len(atoms))] += step * direction / np.linalg.norm(direction)
    return copy


def invariants(atoms: Atoms) -> np.ndarray:
    if atoms.pbc.all():
        return periodic_invariants(atoms.numbers, atoms.positions, atoms.cell.array)
    return free_invariants(atoms.numbers, atoms.positions)


@pytest.fixture(scope="module")
def skewed() -> Atoms:
    """Three molecules in a triclinic cell."""
    rng = np.random.default_rng(5)
    return Atoms(
        "OH2OH2OH2",
        positions=rng.uniform(0, 6, (9, 3)),
        cell=[[6, 0, 0], [1.5, 5.5, 0], [-1, 2, 7]],
        pbc=True,
    )


def test_a_file_gives_the_same_bits_back(tmp_path, clusters, boxes):
    frames = [canonical(a) for a in clusters[:40] + boxes[:5]]
    write(tmp_path / "frames.xyz", frames, format="extxyz")
    back = read(tmp_path / "frames.xyz", ":")
    for before, after in zip(frames, back, strict=True):
        assert np.array_equal(before.positions, after.positions)
        assert np.array_equal(before.cell.array, after.cell.array)
        assert np.array_equal(before.pbc, after.pbc)
        assert content_hash(before) == content_hash(canonical(after))


def test_canonical_keeps_the_configuration_alone():
    atoms = Atoms("OH2", positions=[[-1e-12, 0, 0], [0, 0, 0.96], [0, 0.93, -0.2400000049]])
    atoms.set_cell([9, 9, 9])
    atoms.info["note"] = "mine"
    atoms.set_initial_charges([-0.8, 0.4, 0.4])
    bare = canonical(atoms)
    assert bare.info == {}
    assert set(bare.arrays) == {"numbers", "positions"}
    assert not bare.cell.array.any()
    assert not np.signbit(bare.positions[0, 0])
    assert bare.positions[2, 2] == -0.24
    assert atoms.info, "the frame given is left as it is"


def test_canonical_is_idempotent(boxes):
    once = canonical(boxes[0])
    assert np.array_equal(once.positions, canonical(once).positions)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pbc": [True, True, False]}, "periodic in all three"),
        ({"pbc": True, "cell": np.zeros((3, 3))}, "no usable cell"),
        ({"pbc": True, "cell": [[9, 0, 0], [0, 9, 0], [9, 9, 0.001]]}, "flat"),
        ({"pbc": True, "cell": [[9, 0, 0], [0, 0, 9], [0, 9, 0]]}, "left-handed"),
        ({"positions": [[0, 0, 0], [0, 0, np.nan], [0, 1, 0]]}, "not finite"),
        ({"info": {"charge": 1}}, "neutral"),
    ],
)
def test_canonical_refuses(change, words):
    settings = {"positions": np.eye(3), "cell": 9 * np.eye(3), "pbc": False} | change
    with pytest.raises(UserError, match=words):
        canonical(Atoms("OH2", **settings))


def test_canonical_refuses_no_atoms():
    with pytest.raises(UserError, match="no atoms"):
        canonical(Atoms())


def test_free_hash_ignores_order_and_rigid_motion(clusters):
    rng = np.random.default_rng(0)
    # Each frame may fail with a chance of about 1e-4 by the rounding in `canonical`, so one
    # in 300 is allowed; without the rounding noise is 1e-14 Å and none is.
    copies = [moved(atoms, rng) for atoms in clusters]
    assert [content_hash(a) for a in clusters] == [content_hash(a) for a in copies]
    stored = [content_hash(canonical(a)) == content_hash(a) for a in copies]
    assert stored.count(False) <= 1


def test_periodic_hash_ignores_order_images_and_translation(boxes, skewed):
    rng = np.random.default_rng(0)
    for atoms in [*boxes, skewed]:
        assert content_hash(atoms) == content_hash(wrapped(atoms, rng))
    whole = boxes[0].copy()
    whole.wrap()
    assert content_hash(whole) == content_hash(boxes[0])


def test_mirror_images_differ(clusters, boxes, skewed):
    # Frames of at least two molecules drawn at random have no mirror symmetry.
    for atoms in [a for a in clusters if len(a) > 3] + boxes + [skewed]:
        for mirror in (np.diag([-1, 1, 1]), -np.eye(3)):
            image = atoms.copy()
            image.positions = image.positions @ mirror
            assert content_hash(image) != content_hash(atoms)


def test_a_symmetric_chiral_cluster_differs_from_its_mirror_image():
    # Two molecules related by a twofold axis: sums of vectors over all atoms lie on it, and
    # only local triple products tell left from right.
    half = np.array([[1.4, 0.0, 0.1], [1.9, 0.8, 0.3], [1.6, -0.4, -0.8]])
    atoms = Atoms("OH2OH2", positions=np.concatenate([half, half * [-1, -1, 1]]))
    image = atoms.copy()
    image.positions[:, 0] *= -1
    assert content_hash(image) != content_hash(atoms)


def test_a_small_change_of_one_atom_differs(clusters, boxes, skewed):
    rng = np.random.default_rng(3)
    # A lone molecule is flat, so an atom can leave its plane at almost constant distances.
    for atoms in [a for a in clusters if len(a) > 3] + boxes + [skewed]:
        assert content_hash(nudged(atoms, rng, 0.01)) != content_hash(atoms)


def test_a_small_change_in_a_perfect_crystal_differs():
    # Every atom sits on a site without an invariant direction.
    atoms = Atoms("OH", positions=[[0, 0, 0], [1.5, 1.5, 1.5]], cell=3 * np.eye(3), pbc=True)
    crystal = atoms * (3, 3, 3)
    rng = np.random.default_rng(3)
    for _ in range(20):
        assert content_hash(nudged(crystal, rng, 0.01)) != content_hash(crystal)


def test_distant_fragments_still_count():
    near = Atoms("OH2OH2", positions=np.random.default_rng(1).uniform(0, 2, (6, 3)))
    for cell in (None, 60 * np.eye(3)):
        frames = []
        for gap in (20.0, 20.01):
            atoms = Atoms(near.numbers, near.positions, cell=cell, pbc=cell is not None)
            atoms.positions[3:, 0] += gap
            frames.append(content_hash(atoms))
        assert frames[0] != frames[1]


def test_charge_cell_periodicity_and_species_differ(boxes):
    box = boxes[0]
    others = [box]
    for change in ("charge", "cell", "free", "species"):
        other = box.copy()
        if change == "charge":
            other.info["charge"] = 1
        elif change == "cell":
            other.cell[0, 0] += 0.01
        elif change == "free":
            other.pbc = False
        else:
            other.numbers[[0, 1]] = other.numbers[[1, 0]]
        others.append(other)
    assert len({content_hash(a) for a in others}) == len(others)
    other, same = box.copy(), others[1].copy()
    other.info["total_charge"] = same.info["charge"] = 1
    assert content_hash(other) == content_hash(same) == content_hash(others[1])


def test_builders_never_collide(clusters, boxes):
    hashes = {content_hash(canonical(a)) for a in clusters + boxes}
    assert len(hashes) == len(clusters) + len(boxes)
    assert all(re.fullmatch("[0-9a-f]{24}", h) for h in hashes)


def test_noise_rarely_changes_the_hash(clusters, boxes):
    # Noise e changes floor(x / 1 mÅ) with chance |Δx| / 1 mÅ; coordinates rounded to 1e-8 Å
    # carry uniform noise. Measured mean: 1e-4, summed over invariants; bound: three times it.
    rng = np.random.default_rng(7)
    chances = []
    for atoms in clusters[:100] + boxes:
        copy = atoms.copy()
        copy.positions += rng.uniform(-0.5e-8, 0.5e-8, (len(atoms), 3))
        chances.append(np.abs(invariants(copy) - invariants(atoms)).sum() / 1e-3)
    assert np.mean(chances) < 3e-4


def test_invariants_are_continuous(clusters, boxes):
    # Lipschitz with a constant that grows as √N at most: the largest change measured in 900
    # steps was 1.85 √N times the step, and twice that is allowed.
    rng = np.random.default_rng(8)
    for atoms in clusters[:50] + boxes[:5]:
        for step in (1e-2, 1e-5, 1e-9):
            change = np.abs(invariants(nudged(atoms, rng, step)) - invariants(atoms))
            assert change.shape == (8,)
            # 1e-12 Å is the round-off of sums of a thousand terms of order one.
            assert change.max() < 3.7 * step * np.sqrt(len(atoms)) + 1e-12
