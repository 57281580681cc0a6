"""Distances between frames of a pool."""

import numpy as np
from scipy.spatial.distance import cdist, pdist

from activecharge.committee.selection.descriptor_space import DescriptorSpace, nearest


def test_nearest_is_the_least_distance():
    rng = np.random.default_rng(1)
    points, others = rng.normal(size=(600, 20)), rng.normal(size=(70, 20))
    # Squares of norms near 5 cancel: their rounding is 1e-14, its root 1e-7.
    np.testing.assert_allclose(nearest(points, others), cdist(points, others).min(1), atol=1e-6)
    own = np.sort(cdist(points, points), axis=1)[:, 1]
    np.testing.assert_allclose(nearest(points, points, skip_self=True), own, atol=1e-6)
    assert np.isinf(nearest(points, others[:0])).all()
    assert np.isinf(nearest(points[:1], points[:1], skip_self=True)).all()


def test_the_width_is_the_median_distance():
    rng = np.random.default_rng(2)
    points = rng.normal(size=(200, 7)) * 3.0 + 5.0
    scaled = (points - points.mean(0)) / points.std(0)
    # Cancellation of squares near 10 in double precision.
    np.testing.assert_allclose(DescriptorSpace(points).width(), np.median(pdist(scaled)), rtol=1e-9)


def test_pools_too_small_to_be_measured():
    for points in (np.empty((0, 3)), np.ones((1, 3)), np.full((2, 3), np.nan)):
        space = DescriptorSpace(points)
        assert space.width() == 1.0
        assert space.least_distance(0.5) == space.rounding() > 0
        assert np.isfinite(space.filled()).all()


def test_frames_that_are_not_finite_do_not_scale_the_others():
    rng = np.random.default_rng(3)
    points = rng.normal(size=(20, 4))
    broken = np.concatenate([points, [[np.nan] * 4, [np.inf, 0, 0, 0]]])
    with np.errstate(invalid="ignore"):
        space = DescriptorSpace(broken)
    np.testing.assert_array_equal(space.points[:20], DescriptorSpace(points).points)
    assert space.finite.tolist() == [True] * 20 + [False] * 2
