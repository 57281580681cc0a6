"""Which scored candidates to label: a batch by some strategy, and a random control share."""

from collections.abc import Mapping, Sequence

import numpy as np

from activecharge.committee.selection.descriptor_space import DescriptorSpace
from activecharge.committee.selection.selection_options import SelectionOptions
from activecharge.committee.selection.strategies import (
    Quotas,
    Task,
    farthest_first,
    in_order,
    largest_determinant,
)
from activecharge.extensions import STRATEGIES, load, names
from activecharge.records import Choice, Prediction, Scored

WHY = {"farthest": "diverse", "random": "random"}
"""Why a strategy's frames are chosen, where it is not for being uncertain."""


def select(
    pool: Sequence[Scored],
    options: SelectionOptions,
    rng: np.random.Generator,
    known: np.ndarray | None = None,
    committee: int | None = None,
) -> list[Choice]:
    """Choose at most `options.batch` frames of a pool.

    The control share is drawn first, uniformly from the whole pool, whatever the frames'
    scores: only so do its errors stand for the pool's. The rest is filled by
    `options.strategy` with frames above the threshold, within the quotas.

    Parameters
    ----------
    pool : sequence of Scored
        The choice does not depend on its order but among frames without or of equal hash.
    options : SelectionOptions
    rng : numpy.random.Generator
    known : (M, D), optional
        Descriptors of the frames already labelled.
    committee : int, optional
        Round of the campaign's committee that scored the pool, to be noted with each choice.

    Returns
    -------
    list of Choice
        Those of the strategy, the first choice first, then the control share.
    """
    pool = sorted(pool, key=lambda scored: scored.candidate.hash)
    batch = min(options.batch, len(pool))
    drawn = rng.choice(len(pool), size=round(options.control * batch), replace=False).tolist()
    chosen = _fill(pool, options, rng, known, drawn, batch - len(drawn))
    why = WHY.get(options.strategy, "uncertain")
    whys = [why] * len(chosen) + ["control"] * len(drawn)
    return [
        _choice(pool[i], why, committee) for i, why in zip([*chosen, *drawn], whys, strict=True)
    ]


def _choice(scored: Scored, why: str, committee: int | None) -> Choice:
    """A frame on which the committee said what is no finite number is chosen without that."""
    if not is_finite(scored.prediction):
        return Choice(scored.candidate, why, committee=committee)
    return Choice(
        candidate=scored.candidate,
        why=why,
        prediction=scored.prediction,
        score=scored.score,
        worst=scored.worst,
        cause=scored.cause,
        committee=committee,
    )


def is_finite(prediction: Prediction) -> bool:
    """Whether all means and spreads are finite numbers."""
    values = (*prediction.mean.values(), *prediction.std.values())
    return all(np.isfinite(value).all() for value in values)


def _fill(
    pool: Sequence[Scored],
    options: SelectionOptions,
    rng: np.random.Generator,
    known: np.ndarray | None,
    drawn: Sequence[int],
    count: int,
) -> list[int]:
    """Let the strategy choose `count` frames beside those drawn as control."""
    limits = {k: v for k, v in options.threshold.model_dump().items() if v is not None}
    quality = np.array([scored.score for scored in pool])
    shuffled = options.strategy in ("threshold", "random")
    order = rng.permutation(len(pool)) if shuffled else np.argsort(-quality, kind="stable")
    taken = set(drawn)
    eligible = [i for i in order.tolist() if i not in taken and exceeds(pool[i], limits)]
    if not eligible or not count:
        return []
    space = DescriptorSpace(np.array([scored.prediction.descriptor for scored in pool]))
    task = Task(
        space=space,
        order=eligible,
        # All alike where the committee is of one mind on everything.
        quality=quality if (quality > 0).any() else np.ones(len(pool)),
        count=count,
        taken=drawn,
        known=space.scaled(known),
        quotas=Quotas([scored.candidate.source for scored in pool], options.quotas, count),
    )
    # Below two frames there is no density to measure by.
    thinned = options.diversity > 0 and options.strategy != "random" and space.finite.sum() > 1
    least = space.least_distance(options.diversity) if thinned else 0.0
    match options.strategy:
        case "logdet":
            return largest_determinant(task, least)
        case "farthest":
            return farthest_first(task, space.rounding())
    if options.strategy in names(STRATEGIES):
        return load(STRATEGIES, options.strategy)(task, least)
    return in_order(task, least)


def exceeds(scored: Scored, limits: Mapping[str, float]) -> bool:
    """Whether any of the limits is passed; True where none is given, or a value is not finite.

    A limit is held against the worst atom's expected error, or its spread where the committee
    is not calibrated for that property.
    """
    values = scored.worst | scored.worst_error
    return not limits or any(not values.get(n, 0.0) <= limit for n, limit in limits.items())
