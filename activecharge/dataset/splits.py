"""A split into training, validation and test frames that never takes a frame back."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from activecharge.errors import UserError

DEFAULT_FRACTIONS: Mapping[str, float] = MappingProxyType({"train": 0.9, "valid": 0.1})

_FILL_FROM = 5
"""From this many distinct configurations on, no split stays empty."""


def split(
    hashes: Sequence[str], fractions: Mapping[str, float] = DEFAULT_FRACTIONS, seed: int = 0
) -> dict[str, list[int]]:
    """Split frames by content hash.

    Each configuration draws its side from its own hash, so that sides do not depend on what
    else is in the dataset. Two exceptions keep small sets usable: the first configuration
    goes to the first split, and from the fifth on a configuration goes to the first split
    that is still empty, if there is one. Both look only at what came before, hence
    appending frames never moves an earlier one: keep `hashes` in the order of commitment.

    Parameters
    ----------
    hashes : sequence of str
        Content hashes; equal ones share a split.
    fractions : mapping of str to float
        Expected share of each split, summing to 1.
    seed : int
        Selects one of many independent splits.

    Returns
    -------
    dict of str to list of int
        Indices into `hashes` by split, ascending, in the order of `fractions`.
    """
    _check(fractions)
    open_splits = [name for name, fraction in fractions.items() if fraction > 0]
    sides: dict[str, str] = {}
    empty = list(open_splits)
    for item in hashes:
        if item in sides:
            continue
        if not sides:
            side = open_splits[0]
        elif len(sides) + 1 >= _FILL_FROM and empty:
            side = empty[0]
        else:
            side = _own_side(item, fractions, seed)
        sides[item] = side
        if side in empty:
            empty.remove(side)
    return {name: [i for i, item in enumerate(hashes) if sides[item] == name] for name in fractions}


def _own_side(item: str, fractions: Mapping[str, float], seed: int) -> str:
    digest = hashlib.sha256(f"{seed}:{item}".encode()).digest()
    position = int.from_bytes(digest[:8], "big") / 2**64
    edge, side = 0.0, ""
    for name, fraction in fractions.items():
        if fraction > 0:
            side = name
            edge += fraction
            if position < edge:
                break
    # The last split also takes what rounding leaves between the last edge and 1.
    return side


def _check(fractions: Mapping[str, float]) -> None:
    if min(fractions.values(), default=-1.0) < 0 or not math.isclose(sum(fractions.values()), 1.0):
        given = ", ".join(f"{name} {fraction}" for name, fraction in fractions.items())
        raise UserError(
            f"The fractions of the split ({given}) must not be negative and must sum to 1."
        )
