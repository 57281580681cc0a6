"""Slabs between vacuum, periodic in all three directions."""

import numpy as np
import pytest

from activecharge.sampling.builders.slabs import cleave
from activecharge.sampling.molecules import find_molecules
from activecharge.sampling.sanity import check
from activecharge.sampling.sieve import Sieve, draw
from activecharge.sampling.source_options import (
    BoxesOptions,
    IceOptions,
    SanityOptions,
    SlabsOptions,
)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("origin", [0.0, 0.37])
def test_the_vacuum_is_as_wide_as_asked(boxes, axis, origin):
    bulk = boxes[0]
    slab = cleave(bulk, axis, 12.0, origin)
    assert slab.pbc.all()
    grown = slab.cell.lengths() - bulk.cell.lengths()
    assert grown == pytest.approx(np.where(np.arange(3) == axis, 12.0, 0.0), abs=1e-9)
    oxygens = slab.positions[slab.numbers == 8, axis]
    assert oxygens.min() >= 6.0 and oxygens.max() <= bulk.cell.lengths()[axis] + 6.0
    assert np.array_equal(slab.numbers, bulk.numbers)


def test_molecules_stay_whole_and_inside_as_in_the_bulk(boxes):
    bulk = boxes[0].copy()
    bulk.wrap()
    slab = cleave(bulk, 2, 10.0, 0.5)
    molecules = find_molecules(slab)
    assert molecules.are_water(slab)
    assert check(slab, SanityOptions()) is None
    # Shifted along the axis alone, by the same everywhere but for a lattice vector.
    moved = slab.positions[::3] - bulk.positions[::3]
    height = bulk.cell.lengths()[2]
    assert np.ptp(moved[:, 2] % height) == pytest.approx(0.0, abs=1e-9) or np.ptp(
        (moved[:, 2] + height / 2) % height
    ) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("of", [BoxesOptions(molecules=(8, 10)), IceOptions(repeats=(1, 1, 1))])
def test_the_source(of):
    options = SlabsOptions(count=4, of=of, vacuum=(8, 9))
    rng, sieve = np.random.default_rng(0), Sieve(SanityOptions())
    candidates = list(draw(options, rng, elements=("H", "O"), known=[], sieve=sieve))
    assert len(candidates) == 4
    for candidate in candidates:
        assert candidate.atoms.pbc.all() and 8 <= candidate.origin["vacuum"] <= 9
        axis = candidate.origin["axis"]
        heights = np.sort(candidate.atoms.positions[::3, axis])
        length = candidate.atoms.cell.lengths()[axis]
        gaps = np.diff([*heights, heights[0] + length])
        assert gaps.max() >= candidate.origin["vacuum"]
