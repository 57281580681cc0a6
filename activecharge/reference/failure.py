"""The faults of a reference code: on one configuration, and on too many of them."""

import signal
from collections import Counter
from collections.abc import Sequence

from activecharge.records import Failure

FEWEST = 20
"""Runs before which a share of failures means little."""


class ReferenceFailure(Exception):
    """A reference run gave no label for this configuration; others may go well.

    The text is one sentence with the cause. It becomes the reason of a
    `activecharge.records.Failure`, so it never stops a campaign. A fault that would meet
    every configuration alike (a code not installed) is a `activecharge.errors.UserError`.
    """


class Refusal(ReferenceFailure):
    """The configuration is outside the code's reach, so that trying again changes nothing."""


def describe_exit(code: int) -> str:
    """Put a process's return code into words; negative ones are signals."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:  # real-time signals have no names
        return f"was killed by signal {-code}"


def too_many(failures: Sequence[Failure], tried: int, share: float) -> str | None:
    """Say why a campaign should stop, if more than a share of its references failed.

    Parameters
    ----------
    failures : sequence of Failure
        All so far.
    tried : int
        Configurations tried so far, failures included; below `FEWEST` nothing is said.
    share : float
        Largest accepted fraction of failures.

    Returns
    -------
    str or None
        One sentence with the share and the commonest reasons; None while all is well.
    """
    if tried < FEWEST or len(failures) <= share * tried:
        return None
    # Reasons differ in their figures; their first words tell the kind.
    kinds = Counter(failure.reason.split(":")[0][:80] for failure in failures)
    common = "; ".join(f"{count} x {kind}" for kind, count in kinds.most_common(3))
    return (
        f"{len(failures)} of {tried} reference runs failed, more than the share of {share:g} "
        f"accepted by reference.max_failed_share ({common}); mend the reference"
    )
