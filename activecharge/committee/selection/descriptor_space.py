"""Distances between frames: how far apart, how dense a pool, what repeats what."""

import numpy as np

SAMPLE = 512
"""Frames of the pool whose distances tell how dense and how wide it is."""

BLOCK = 256
"""Frames compared at once; it bounds memory."""

NOISE = 1e-5
"""Relative difference of two descriptors below which single precision takes them for one."""


class DescriptorSpace:
    """A pool's descriptors, each component divided by its spread over the pool.

    Parameters
    ----------
    descriptors : (P, D)
        Those of frames that are not finite take no part in the scaling.

    Attributes
    ----------
    points : numpy.ndarray
        (P, D), scaled; their mean is the origin.
    finite : numpy.ndarray
        (P,) whether all components of a frame are.
    """

    def __init__(self, descriptors: np.ndarray):
        self.finite = np.isfinite(descriptors).all(axis=1)
        inside = descriptors[self.finite]
        self._center, self._scale = _standard(inside)
        self.points = (descriptors - self._center) / self._scale

    def scaled(self, descriptors: np.ndarray | None) -> np.ndarray:
        """Other frames' descriptors (M, D) in this space; (0, D) for none."""
        if descriptors is None or not len(descriptors):
            return np.empty((0, self.points.shape[1]))
        return (descriptors - self._center) / self._scale

    def filled(self) -> np.ndarray:
        """The points (P, D), those that are not finite at the origin."""
        return np.where(self.finite[:, None], self.points, 0.0)

    def rounding(self) -> float:
        """Distance below which single precision takes frames for one."""
        return NOISE * float(np.sqrt(self.points.shape[1]))

    def least_distance(self, diversity: float) -> float:
        """Distance below which frames repeat one another: `diversity` times the median distance
        of nearest neighbours in the pool, and never below rounding."""
        inside = self.points[self.finite]
        if len(inside) < 2:
            return self.rounding()
        between = nearest(_even(inside), inside, skip_self=True)
        return max(diversity * float(np.median(between)), self.rounding())

    def width(self) -> float:
        """Median distance between two frames of the pool; 1 where there are not two."""
        sample = _even(self.points[self.finite])
        if len(sample) < 2:
            return 1.0
        pairs = np.triu_indices(len(sample), 1)
        lengths = np.einsum("pd,pd->p", sample, sample)
        squared = lengths[pairs[0]] + lengths[pairs[1]] - 2 * (sample @ sample.T)[pairs]
        return float(np.sqrt(max(np.median(squared), 0.0))) or 1.0


def nearest(points: np.ndarray, others: np.ndarray, skip_self: bool = False) -> np.ndarray:
    """Distance of each point to its nearest of `others`.

    Parameters
    ----------
    points : (P, D)
    others : (M, D)
    skip_self : bool
        Leave out one of `others`, the nearest: the points are among them.

    Returns
    -------
    numpy.ndarray
        (P,), exact to about 1e-8 times the points' norm; infinite where there is no other, or
        none with finite components.
    """
    rank = int(skip_self)
    if len(others) <= rank:
        return np.full(len(points), np.inf)
    # |a − b|² = |a|² + |b|² − 2 a·b lets BLAS do the work.
    lengths = np.einsum("md,md->m", others, others)
    result = np.empty(len(points))
    for start in range(0, len(points), BLOCK):
        block = points[start : start + BLOCK]
        squared = np.einsum("pd,pd->p", block, block)[:, None] + lengths
        squared -= 2 * (block @ others.T)
        np.nan_to_num(squared, copy=False, nan=np.inf, posinf=np.inf)
        least = np.partition(squared, rank, axis=1)[:, rank] if rank else squared.min(axis=1)
        result[start : start + BLOCK] = np.sqrt(np.maximum(least, 0.0))
    return result


def _standard(descriptors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (D,) and spread (D,) of each component; spread 1 where it varies by noise only."""
    if not len(descriptors):
        return np.zeros(descriptors.shape[1]), np.ones(descriptors.shape[1])
    center, scale = descriptors.mean(axis=0), descriptors.std(axis=0)
    noise = NOISE * np.abs(descriptors).max(axis=0)
    return center, np.where(scale > noise, scale, 1.0)


def _even(points: np.ndarray) -> np.ndarray:
    """At most `SAMPLE` of the points, evenly spaced in their order."""
    count = min(SAMPLE, len(points))
    return points[np.linspace(0, len(points) - 1, count).round().astype(int)]
