"""Which scored candidates to label: the uncertain and diverse, and a random control share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from activecharge.committee.options import SelectionOptions, Thresholds
from activecharge.records import Scored

SAMPLE = 512
"""Frames of the pool whose nearest neighbours tell how dense it is."""

BLOCK = 256
"""Frames compared at once; it bounds memory, and work beyond the last frame taken."""

NOISE = 1e-5
"""Relative difference of two descriptors below which single precision takes them for one."""


@dataclass(frozen=True)
class Choice:
    """A candidate chosen for labelling.

    Attributes
    ----------
    scored : Scored
    why : str
        "uncertain" or "control".
    """

    scored: Scored
    why: str


def select(
    pool: Sequence[Scored],
    options: SelectionOptions,
    rng: np.random.Generator,
    known: np.ndarray | None = None,
) -> list[Choice]:
    """Choose at most `options.batch` frames of a pool.

    The control share is drawn first, uniformly from the whole pool, whatever the frames'
    scores: only so do its errors stand for the pool's. The rest goes to the highest scores
    above the threshold, skipping frames whose descriptor lies too near that of a frame already
    chosen or labelled.

    Parameters
    ----------
    pool : sequence of Scored
    options : SelectionOptions
    rng : numpy.random.Generator
    known : (M, D), optional
        Descriptors of the frames already labelled.

    Returns
    -------
    list of Choice
        Uncertain ones by falling score, then the control share.
    """
    batch = min(options.batch, len(pool))
    control = rng.choice(len(pool), size=round(options.control * batch), replace=False).tolist()
    order = np.argsort([-scored.score for scored in pool], kind="stable")
    taken = set(control)
    eligible = [
        int(i)
        for i in order
        if int(i) not in taken and exceeds(pool[int(i)].worst, options.threshold)
    ]
    wanted = batch - len(control)
    if options.diversity > 0 and eligible:
        descriptors = np.array([scored.prediction.descriptor for scored in pool])
        chosen = thin(descriptors, eligible, wanted, options.diversity, control, known)
    else:
        chosen = eligible[:wanted]
    return [Choice(pool[i], "uncertain") for i in chosen] + [
        Choice(pool[i], "control") for i in control
    ]


def exceeds(worst: dict[str, float], threshold: Thresholds) -> bool:
    """Whether any given limit is passed; True where none is given, or a spread is not finite."""
    limits = {k: v for k, v in threshold.model_dump().items() if v is not None}
    return not limits or any(not worst.get(name, 0.0) <= limit for name, limit in limits.items())


def thin(
    descriptors: np.ndarray,
    order: Sequence[int],
    count: int,
    diversity: float,
    taken: Sequence[int] = (),
    known: np.ndarray | None = None,
) -> list[int]:
    """Take indices in `order`, skipping those too near to one already taken or known.

    Distances are Euclidean in descriptor components divided by their spread over the pool;
    the least distance allowed is `diversity` times the median nearest-neighbour distance of
    (at most `SAMPLE` of) the pool. Frames whose descriptor is not finite are far from all.

    Parameters
    ----------
    descriptors : (P, D)
    order : sequence of int
        Indices into the pool, best first.
    count : int
        How many to take at most.
    diversity : float
    taken : sequence of int
        Indices that count as taken already.
    known : (M, D), optional

    Returns
    -------
    list of int
    """
    finite = np.flatnonzero(np.isfinite(descriptors).all(axis=1))
    if len(finite) < 2:  # no density to measure by
        return list(order[:count])
    center, scale = _standard(descriptors[finite])
    scaled = (descriptors - center) / scale
    least = max(
        diversity * _typical_distance(scaled[finite]), NOISE * np.sqrt(descriptors.shape[1])
    )
    others = scaled[list(taken)]
    if known is not None and len(known):
        others = np.concatenate([others, (known - center) / scale])
    chosen: list[int] = []
    for start in range(0, len(order), BLOCK):
        indices = list(order[start : start + BLOCK])
        block = scaled[indices]
        distance = nearest(block, others)
        before = len(chosen)
        for row, index in enumerate(indices):
            if len(chosen) == count:
                return chosen
            if distance[row] >= least:
                chosen.append(index)
                distance = np.minimum(distance, nearest(block, block[row : row + 1]))
        others = np.concatenate([others, scaled[chosen[before:]]])
    return chosen


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
    center, scale = descriptors.mean(axis=0), descriptors.std(axis=0)
    noise = NOISE * np.abs(descriptors).max(axis=0)
    return center, np.where(scale > noise, scale, 1.0)


def _typical_distance(scaled: np.ndarray) -> float:
    """Median nearest-neighbour distance of a pool (P, D), P ≥ 2, from an even sample of it."""
    rows = np.linspace(0, len(scaled) - 1, min(SAMPLE, len(scaled))).round().astype(int)
    return float(np.median(nearest(scaled[rows], scaled, skip_self=True)))
