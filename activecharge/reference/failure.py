"""The faults of a reference code: on one configuration, and on too many of them."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from activecharge.records import Failure

FEWEST = 20
"""Runs before which a share of failures means little."""


class Retry(Enum):
    """Whether a run that failed is worth another one, as `reference.retries` allows.

    The same settings give the same result, and so the same fault, unless chance had a part in
    it. Which kind a fault is of is said where it arises: by the exception's class,
    and by `gates` for each law.
    """

    NEVER = "never"
    """The configuration is at fault whatever the settings: outside the code's reach, or with a
    force so large that atoms overlap."""

    OTHERWISE = "otherwise"
    """The run went to its end and would go there again: not converged, a value that is no number,
    a sum rule, net force, torque or charge. Only the settings of a remedy can change it."""

    ALWAYS = "always"
    """Chance had a part: a crash, a kill, the time limit, a full disk, and any fault of a program
    or calculator of the user's own."""

    LATER = "later"
    """Nothing has failed: whoever labels outside of the program has not done so yet."""

    def is_worth_it(self, remedies_left: bool) -> bool:
        """Whether to run again, where the code may have a remedy that was not tried yet."""
        return self is Retry.ALWAYS or (self is Retry.OTHERWISE and remedies_left)


class ReferenceFailure(Exception):
    """A reference run gave no label for this configuration; others may go well.

    The text is one sentence with the cause. It becomes the reason of a
    `activecharge.records.Failure`, so it never stops a campaign. A fault that would meet
    every configuration alike (a code not installed) is a `activecharge.errors.UserError`.
    """

    retry: ClassVar[Retry] = Retry.OTHERWISE


class Refusal(ReferenceFailure):
    """The configuration is outside the code's reach, so that trying again changes nothing."""

    retry = Retry.NEVER


class Mishap(ReferenceFailure):
    """Chance may have had a part, so that the same run may go well next time."""

    retry = Retry.ALWAYS


class NotYet(ReferenceFailure):
    """Whoever labels outside of the program has not labelled the configuration yet."""

    retry = Retry.LATER


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
