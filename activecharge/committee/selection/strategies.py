"""Ways to fill a batch: down a list with gaps, by greatest determinant, by greatest distance."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from activecharge.committee.selection.descriptor_space import BLOCK, DescriptorSpace, nearest

LENGTH = 0.5
"""Length of the kernel as a share of the median distance between frames of the pool."""

LEAST_NOVELTY = 1e-6
"""Share of a frame's variance, given those chosen, below which it repeats them: rounding."""


class Quotas:
    """How many frames each source may still give.

    Parameters
    ----------
    sources : sequence of str
        The source of each of the pool's P frames.
    shares : mapping of str to float
        Largest share of `count` by source, rounded up; a source that is not named has no limit.
    count : int
    """

    def __init__(self, sources: Sequence[str], shares: Mapping[str, float], count: int):
        names, self._code = np.unique(np.array(sources, dtype=str), return_inverse=True)
        self._most = [math.ceil(shares.get(str(n), 1.0) * count - 1e-9) for n in names]
        self._given: Counter[int] = Counter()

    def room(self) -> np.ndarray:
        """Mask (P,) of the frames whose source has room."""
        free = np.array([self._given[c] < most for c, most in enumerate(self._most)], dtype=bool)
        return free[self._code]

    def admit(self, index: int) -> bool:
        """Take a frame, if its source has room."""
        code = int(self._code[index])
        if self._given[code] >= self._most[code]:
            return False
        self._given[code] += 1
        return True


@dataclass(frozen=True)
class Task:
    """What a strategy has to do.

    Attributes
    ----------
    space : DescriptorSpace
        The pool.
    order : sequence of int
        Frames that may be chosen, best first.
    quality : numpy.ndarray
        (P,) how much a frame is wanted, non-negative; only ratios count.
    count : int
        How many to choose at most.
    taken : sequence of int
        Frames of the pool that are chosen already.
    known : numpy.ndarray
        (M, D) frames labelled already, in the pool's space.
    quotas : Quotas
    """

    space: DescriptorSpace
    order: Sequence[int]
    quality: np.ndarray
    count: int
    taken: Sequence[int]
    known: np.ndarray
    quotas: Quotas


def in_order(task: Task, least: float) -> list[int]:
    """Take frames in order, skipping those nearer than `least` to one taken or known.

    Frames whose descriptor is not finite are far from all.
    """
    points = task.space.points
    others = np.concatenate([points[list(task.taken)], task.known])
    chosen: list[int] = []
    for start in range(0, len(task.order), BLOCK):
        indices = list(task.order[start : start + BLOCK])
        block = points[indices]
        distance = nearest(block, others) if least > 0 else np.full(len(block), np.inf)
        before = len(chosen)
        for row, index in enumerate(indices):
            if len(chosen) == task.count:
                return chosen
            if distance[row] >= least and task.quotas.admit(index):
                chosen.append(index)
                if least > 0:
                    distance = np.minimum(distance, nearest(block, block[row : row + 1]))
        others = np.concatenate([others, points[chosen[before:]]])
    return chosen


def largest_determinant(task: Task, least: float) -> list[int]:
    """Take the frames that raise the determinant of the batch's kernel most, one by one.

    The kernel is L_ij = s_i k_ij s_j with the quality s and k_ij = exp(−(d_ij/ℓ)²/2), ℓ being
    `LENGTH` times the pool's median distance: log det L of a batch is large for frames that
    are wanted and unlike one another (MAP of a k-determinantal point process). The variance
    that remains of each frame given the chosen comes from an incremental Cholesky
    factorisation, at P (D + count) operations a choice: Chen, Zhang, Zhou, *Fast greedy MAP
    inference for determinantal point process*, NeurIPS 2018, arXiv 1709.05135.

    Frames taken already are conditioned on. Labelled ones are not: the committee learned from
    them, which the quality shows; frames nearer than `least` to one of them are left out.
    """
    chosen = _broken(task)
    open_, points = _open(task, chosen), task.space.filled()
    if len(task.known) and least > 0:
        rows = np.flatnonzero(open_)
        open_[rows] = nearest(points[rows], task.known) >= least
    factor = _Cholesky(points, LENGTH * task.space.width(), len(task.taken) + task.count)
    for index in task.taken:
        if task.space.finite[index]:
            factor.condition(index)
    while len(chosen) < task.count:
        free = open_ & task.quotas.room() & (factor.variance > LEAST_NOVELTY)
        gain = np.where(free, factor.variance * task.quality**2, 0.0)
        index = int(np.argmax(gain))
        if gain[index] <= 0:
            break
        task.quotas.admit(index)
        chosen.append(index)
        factor.condition(index)
    return chosen


def farthest_first(task: Task, least: float) -> list[int]:
    """Take the frame farthest from all that is known, taken and chosen, one by one.

    Where nothing is, the first is the one farthest from the pool's mean. Ends early when only
    frames nearer than `least` are left. (Gonzalez, Theor. Comput. Sci. 38, 293 (1985), DOI
    10.1016/0304-3975(85)90224-5: within a factor two of the best cover.)
    """
    chosen = _broken(task)
    open_, points = _open(task, chosen), task.space.filled()
    taken = [index for index in task.taken if task.space.finite[index]]
    others = np.concatenate([points[taken], task.known])
    lengths = np.einsum("pd,pd->p", points, points)
    squared = nearest(points, others) ** 2
    while len(chosen) < task.count:
        free = open_ & task.quotas.room()
        # Nothing to be far from yet but the points' mean, which is the origin.
        reach = np.where(free, squared if np.isfinite(squared).all() else lengths, -1.0)
        index = int(np.argmax(reach))
        if not free[index] or squared[index] < least**2:
            break
        task.quotas.admit(index)
        chosen.append(index)
        between = lengths + lengths[index] - 2 * (points @ points[index])
        squared = np.minimum(squared, np.maximum(between, 0.0))
        squared[index] = 0.0
    return chosen


class _Cholesky:
    """Variance of each of P frames given those conditioned on, under a Gaussian kernel."""

    def __init__(self, points: np.ndarray, length: float, most: int):
        self._points = points / length
        self._half = np.einsum("pd,pd->p", self._points, self._points) / 2
        self._rows = np.empty((most, len(points)))
        self._count = 0
        self.variance = np.ones(len(points))

    def condition(self, index: int) -> None:
        """Take the value at one frame as given."""
        if self.variance[index] <= LEAST_NOVELTY:
            return
        exponent = self._points @ self._points[index] - self._half - self._half[index]
        row = np.exp(np.minimum(exponent, 0.0))
        done = self._rows[: self._count]
        row -= done[:, index] @ done
        row /= np.sqrt(self.variance[index])
        self._rows[self._count] = row
        self._count += 1
        self.variance = np.maximum(self.variance - row**2, 0.0)
        self.variance[index] = 0.0


def _broken(task: Task) -> list[int]:
    """Frames that no kernel can weigh, which therefore come first: someone must look at them."""
    finite = task.space.finite & np.isfinite(task.quality)
    chosen: list[int] = []
    for index in task.order:
        if len(chosen) < task.count and not finite[index] and task.quotas.admit(index):
            chosen.append(index)
    return chosen


def _open(task: Task, chosen: Sequence[int]) -> np.ndarray:
    """Mask (P,) of the finite frames that may still be chosen."""
    open_ = np.zeros(len(task.quality), dtype=bool)
    open_[list(task.order)] = True
    open_[list(chosen)] = False
    return open_ & task.space.finite & np.isfinite(task.quality)
