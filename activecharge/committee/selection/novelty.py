"""How far each source's frames are from what is known, and how many of them were chosen."""

from collections.abc import Sequence

import numpy as np

from activecharge.committee.selection.descriptor_space import DescriptorSpace, nearest
from activecharge.records import Candidate, Choice, Scored, SourceTally


def variety(candidate: Candidate) -> str:
    """The kind of source, with what else makes its frames differ: "dynamics from ice, carved"."""
    origin = candidate.origin
    words = candidate.source
    words += f" from {origin['start']}" if "start" in origin else ""
    words += ", carved" if "carved" in origin else ""
    words += ", biased" if "bias" in origin else ""
    return words + (", in a field" if "field_V_per_A" in origin else "")


def distances(descriptors: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Distance of frames to the nearest that is known, in units typical of what is known.

    Parameters
    ----------
    descriptors : (P, D)
        Of the frames in question.
    known : (M, D)
        Of those known.

    Returns
    -------
    numpy.ndarray
        (P,) Components count in units of their spread over the known frames; 1 is the median
        distance of a known frame to its nearest neighbour among the known. NaN where fewer than
        two frames are known, or a descriptor is not finite.
    """
    if len(known) < 2:
        return np.full(len(descriptors), np.nan)
    space = DescriptorSpace(known)
    inside = space.points[space.finite]
    if len(inside) < 2:
        return np.full(len(descriptors), np.nan)
    typical = max(float(np.median(nearest(inside, inside, skip_self=True))), space.rounding())
    points = space.scaled(descriptors).reshape(len(descriptors), -1)
    found = nearest(points, inside) / typical
    return np.where(np.isfinite(points).all(axis=1), found, np.nan)


def tally(
    pool: Sequence[Scored], choices: Sequence[Choice], known: np.ndarray
) -> list[SourceTally]:
    """Tell of each source what it brought.

    Parameters
    ----------
    pool : sequence of Scored
    choices : sequence of Choice
        Those of the pool that are to be labelled.
    known : (M, D)
        Descriptors of the frames known before.

    Returns
    -------
    list of SourceTally
        In the order of the pool; for the source's name see `variety`, for distances `distances`.
    """
    names = [variety(scored.candidate) for scored in pool]
    if not names:
        return []
    away = distances(np.array([scored.prediction.descriptor for scored in pool]), known)
    rows = []
    for name in dict.fromkeys(names):
        found = away[[other == name for other in names]]
        whys = [c.why for c in choices if variety(c.candidate) == name]
        rows.append(
            SourceTally(
                source=name,
                candidates=len(found),
                distance=_quantile(found, 0.5),
                far=_quantile(found, 0.9),
                chosen=sum(why != "control" for why in whys),
                control=sum(why == "control" for why in whys),
            )
        )
    return rows


def _quantile(values: np.ndarray, share: float) -> float | None:
    finite = values[np.isfinite(values)]
    return float(np.quantile(finite, share)) if len(finite) else None
