"""Clusters, boxes and rattled frames."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from activecharge.dataset.identity import content_hash
from activecharge.errors import UserError
from activecharge.sampling.builders.liquid import build_boxes, build_clusters
from activecharge.sampling.derived.rattle import rattle
from activecharge.sampling.source_options import BoxesOptions, ClustersOptions, RattleOptions
from activecharge.units import DALTON_PER_A3


def same(first, second):
    return all(
        np.array_equal(a.positions, b.positions) and np.array_equal(a.cell.array, b.cell.array)
        for a, b in zip(first, second, strict=True)
    )


def test_clusters_are_of_every_size_alike():
    options = ClustersOptions(count=600, molecules=(2, 4))
    counts = np.bincount(
        [len(a) // 3 for a in build_clusters(options, np.random.default_rng(0))], minlength=5
    )
    # Binomial with p = 1/3: mean 200, standard deviation 11.5; five of them.
    assert counts[:2].sum() == 0
    assert np.abs(counts[2:] - 200).max() < 58


def test_clusters_are_in_contact_and_do_not_overlap(clusters):
    for atoms in clusters:
        assert atoms.get_chemical_symbols() == ["O", "H", "H"] * (len(atoms) // 3)
        assert atoms.info == {"molecules": len(atoms) // 3}
        if len(atoms) == 3:
            continue
        oxygens = squareform(pdist(atoms.positions[::3])) + 99 * np.eye(len(atoms) // 3)
        assert oxygens.min() >= 2.5
        assert oxygens.min(axis=1).max() <= 3.6
        molecules = np.arange(len(atoms)) // 3
        others = molecules[:, None] != molecules
        assert squareform(pdist(atoms.positions))[others].min() >= 1.5


def test_clusters_are_compact():
    options = ClustersOptions(count=40, molecules=(12, 12))
    radii = []
    for atoms in build_clusters(options, np.random.default_rng(0)):
        oxygens = atoms.positions[::3]
        radii.append(np.sqrt(((oxygens - oxygens.mean(axis=0)) ** 2).sum(axis=1).mean()))
    # Twelve molecules at the density of the liquid fill a ball of radius 4.4 Å, whose radius
    # of gyration is 3.4 Å; a straight chain would have 10 Å.
    assert np.mean(radii) < 3.8


def test_molecules_have_the_asked_spread():
    options = ClustersOptions(count=1500, molecules=(1, 1), bond_spread=0.04, angle_spread=5.0)
    frames = list(build_clusters(options, np.random.default_rng(0)))
    bonds = np.concatenate([a.get_distances(0, [1, 2]) for a in frames])
    angles = np.array([a.get_angle(1, 0, 2) for a in frames])
    # Standard errors: 0.04 / √3000 = 0.0007 Å and 5 / √1500 = 0.13°, of the spreads 1/√2 of
    # that; cutting at three standard deviations narrows them by 1 %. Five standard errors.
    assert bonds.mean() == pytest.approx(0.9572, abs=0.0036)
    assert bonds.std() == pytest.approx(0.04, abs=0.003)
    assert angles.mean() == pytest.approx(104.52, abs=0.65)
    assert angles.std() == pytest.approx(5.0, abs=0.5)
    axes = np.array([a.positions[1:].mean(axis=0) for a in frames])
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    # A component of a random direction has variance 1/3: 0.577 / √1500 = 0.015; five.
    assert np.abs(axes.mean(axis=0)).max() < 0.075


def test_boxes_have_the_density_and_keep_distances(boxes):
    for box in boxes:
        density = box.get_masses().sum() / box.get_volume() * DALTON_PER_A3
        # The spread is 2 % each way; ASE's mass of water agrees to 1e-4.
        assert abs(density / 0.997 - 1) < 0.0202
        assert box.info["density"] == pytest.approx(density, rel=2e-4)
        distances = box.get_all_distances(mic=True)
        molecules = np.arange(len(box)) // 3
        assert distances[molecules[:, None] != molecules].min() >= 1.5
        oxygens = distances[::3, ::3] + 99 * np.eye(len(box) // 3)
        assert oxygens.min() >= 2.5


def test_boxes_hold_whole_molecules(boxes):
    for box in boxes:
        molecules = box.positions.reshape(-1, 3, 3)
        # Without images: 0.96 Å plus three standard deviations of 0.04 Å.
        assert np.linalg.norm(molecules[:, 1:] - molecules[:, :1], axis=-1).max() < 1.08


def test_too_dense_a_box_is_refused():
    options = BoxesOptions(count=1, molecules=(20, 20), density=1.9)
    with pytest.raises(UserError, match=r"boxes: 20 molecules do not fit.*density of 1\.9"):
        list(build_boxes(options, np.random.default_rng(0)))


def test_impossible_contact_is_refused():
    options = ClustersOptions(count=1, molecules=(2, 2), contact=(0.5, 0.6))
    with pytest.raises(UserError, match="contact"):
        list(build_clusters(options, np.random.default_rng(0)))


def test_the_same_generator_gives_the_same_frames():
    clusters, boxes = ClustersOptions(count=5), BoxesOptions(count=2)
    for build, options in ((build_clusters, clusters), (build_boxes, boxes)):
        first, second = (list(build(options, np.random.default_rng(9))) for _ in range(2))
        assert same(first, second)
        assert not same(first[:1], list(build(options, np.random.default_rng(8)))[:1])


def test_rattle_moves_atoms_by_the_amplitude(boxes):
    options = RattleOptions(count=40, amplitude=(0.05, 0.05))
    before = [b.positions.copy() for b in boxes]
    by_hash = {content_hash(b): b for b in boxes}
    frames = list(rattle(boxes, options, np.random.default_rng(0)))
    assert all(np.array_equal(a, b.positions) for a, b in zip(before, boxes, strict=True))
    parents = [f.info["parent"] for f in frames]
    assert sorted(parents) == sorted([*by_hash, *by_hash]), "every parent as often"
    steps = np.concatenate(
        [(f.positions - by_hash[f.info["parent"]].positions).ravel() for f in frames]
    )
    # Some 8 000 draws or more: standard error of the spread 0.05 / √16000 = 0.0004 Å; five.
    assert len(steps) > 8000
    assert steps.std() == pytest.approx(0.05, abs=0.002)
