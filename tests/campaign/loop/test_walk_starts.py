"""Where walkers start: ladders shared evenly, starts of any source, batches of fixed size."""

from collections import Counter

import numpy as np
import pytest
from ase.build import molecule

from activecharge.campaign.loop.walk_starts import walk_starts
from activecharge.errors import UserError
from activecharge.sampling.builders.liquid import build_boxes
from activecharge.sampling.molecules import mass_density
from activecharge.sampling.source_options import BoxesOptions, DynamicsOptions, IceOptions


@pytest.fixture
def starts(campaign):
    def make(known, text="", seed=0, **options):
        options = DynamicsOptions(**options)
        return walk_starts(campaign(text), options, known, np.random.default_rng(seed))

    return make


def boxes():
    options = BoxesOptions(count=2, molecules=(8, 8))
    return list(build_boxes(options, np.random.default_rng(0)))


def joined(batches, name):
    return [value for batch in batches for value in getattr(batch, name)]


def test_batches_are_of_fixed_size(starts):
    found = starts([molecule("H2O")], walkers=10, batch=4)
    assert [len(batch.frames) for batch in found] == [4, 4, 2]
    assert len({batch.seed for batch in found}) == 3
    assert all(batch.reference == () for batch in found)
    assert joined(found, "origins") == [{}] * 10 and joined(found, "fields") == [None] * 10


def test_ladders_are_shared_evenly_and_independently(starts):
    found = starts(
        boxes(),
        walkers=24,
        temperatures=(300, 500),
        densities=(0.9, 1.0, 1.1),
        fields=(0, 0.1),
    )
    temperatures = joined(found, "temperatures")
    densities = [origin["density"] for origin in joined(found, "origins")]
    assert Counter(temperatures) == {300: 12, 500: 12}
    assert Counter(densities) == {0.9: 8, 1.0: 8, 1.1: 8}
    for frame, density in zip(joined(found, "frames"), densities, strict=True):
        # Cells are rounded as files store them, to 1e-8 Å.
        assert mass_density(frame) == pytest.approx(density, rel=1e-8)
    fields = joined(found, "fields")
    strengths = [0.0 if field is None else np.linalg.norm(field) for field in fields]
    assert sorted(strengths) == pytest.approx([0.0] * 12 + [0.1] * 12)
    assert len({tuple(field) for field in fields if field is not None}) == 12
    assert len(set(zip(temperatures, densities, strict=True))) == 6


def test_free_starts_have_no_density(starts):
    found = starts([molecule("H2O")], walkers=3, densities=(0.9, 1.1))
    assert all("density" not in origin for origin in joined(found, "origins"))


def test_walkers_start_from_any_source(starts):
    found = starts([], walkers=5, starts=IceOptions(repeats=(1, 1, 1)))
    frames = joined(found, "frames")
    assert [len(frame) for frame in frames] == [24] * 5
    assert len({frame.positions.tobytes() for frame in frames}) == 5
    assert joined(found, "origins") == [{"start": "ice"}] * 5


def test_a_source_that_gives_nothing_is_told(starts):
    with pytest.raises(UserError, match=r"dynamics\.starts \(ice\): not one .* is sane"):
        starts([], "sanity: {min_oo: 2.6}", walkers=1, starts=IceOptions(density=1.6, shift=0))


def test_a_bias_takes_its_unit_in_labelled_frames(starts):
    known = [molecule("H2O") for _ in range(50)]
    found = starts(known, walkers=2, bias={})
    assert len(found[0].reference) == 16
    assert found[0].origins[0] == {"bias": "charges"}


def test_a_seed_fixes_the_starts(starts):
    settings = {"walkers": 6, "densities": (0.9, 1.1), "fields": (0.1, 0.2)}
    first, again, other = (starts(boxes(), seed=seed, **settings) for seed in (1, 1, 2))
    assert joined(first, "frames") == joined(again, "frames")
    assert np.array_equal(joined(first, "fields"), joined(again, "fields"))
    assert not np.array_equal(joined(first, "fields"), joined(other, "fields"))
