"""Clusters carved from boxes: whole molecules, the nearest ones, in the box's own arrangement."""

import numpy as np
import pytest
from ase.build import molecule
from ase.geometry import get_distances

from activecharge.errors import UserError
from activecharge.sampling.derived.carving import carve
from activecharge.sampling.molecules import find_molecules
from activecharge.sampling.sanity import check
from activecharge.sampling.sieve import Sieve, draw
from activecharge.sampling.source_options import (
    BoxesOptions,
    CarvedOptions,
    IceOptions,
    SanityOptions,
)


def wrapped(atoms):
    copy = atoms.copy()
    copy.wrap()
    return copy


@pytest.mark.parametrize("count", [1, 5, 12])
def test_molecules_are_whole_and_the_nearest(boxes, count):
    """Around a molecule that the boundary cuts in two."""
    for atoms in map(wrapped, boxes[:8]):
        bonds = atoms.get_all_distances()[np.arange(1, len(atoms), 3), np.arange(0, len(atoms), 3)]
        middle = 3 * int(np.argmax(bonds))
        assert bonds.max() > 2
        cluster = carve(atoms, count, around=middle + 1)
        assert not cluster.pbc.any() and len(cluster) == 3 * count
        assert find_molecules(cluster).are_water(cluster)
        assert check(cluster, SanityOptions()) is None
        _, distances = get_distances(
            atoms.positions[middle], atoms.positions[::3], cell=atoms.cell, pbc=True
        )
        oxygens = cluster.positions[cluster.numbers == 8]
        found = np.linalg.norm(oxygens - oxygens[0], axis=1)
        assert found == pytest.approx(np.sort(distances[0])[:count], abs=1e-9)


def test_the_arrangement_is_the_box_s(boxes):
    """Every pair stands as at some image of it in the box."""
    atoms = wrapped(boxes[0])
    cluster = carve(atoms, 6, around=0)
    lengths = cluster.get_all_distances()
    order = [
        np.flatnonzero(
            np.isclose(
                get_distances(
                    cluster.positions[i] - cluster.positions[0] + atoms.positions[0],
                    atoms.positions,
                    cell=atoms.cell,
                    pbc=True,
                )[1][0],
                0,
                atol=1e-6,
            )
        )
        for i in range(len(cluster))
    ]
    assert all(len(found) == 1 for found in order)
    assert np.array_equal(atoms.numbers[np.concatenate(order)], cluster.numbers)
    assert lengths[0].max() < 8


def test_more_molecules_than_there_are(boxes):
    assert len(carve(boxes[0], 10_000, 0)) == len(boxes[0])


def test_broken_molecules_are_left_alone(boxes):
    broken = boxes[0].copy()
    broken.positions[1] += 1.0
    assert carve(broken, 4, 0) is None


@pytest.mark.parametrize("of", [BoxesOptions(molecules=(16, 16)), IceOptions()])
def test_the_source(of):
    options = CarvedOptions(count=6, molecules=(2, 5), of=of)
    candidates = list(
        draw(
            options,
            np.random.default_rng(0),
            elements=("H", "O"),
            known=[],
            sieve=Sieve(SanityOptions()),
        )
    )
    assert len(candidates) == 6
    assert {len(c.atoms) // 3 for c in candidates} <= {2, 3, 4, 5}
    assert all(c.origin["molecules"] == len(c.atoms) // 3 for c in candidates)
    assert all(set(c.origin) == {"parent", "molecules"} for c in candidates)


def test_labelled_boxes_are_carved_and_clusters_refused(boxes):
    def drawn(known):
        rng, sieve = np.random.default_rng(0), Sieve(SanityOptions())
        options = CarvedOptions(count=5)
        return list(draw(options, rng, elements=("H", "O"), known=known, sieve=sieve))

    assert len(drawn([molecule("H2O"), *boxes[:2]])) == 5
    with pytest.raises(UserError, match="none of the labelled frames is periodic"):
        drawn([molecule("H2O")])
    with pytest.raises(UserError, match="no labelled frames to change yet"):
        drawn([])
