"""The fault of a reference code on one configuration."""

import signal


class ReferenceFailure(Exception):
    """A reference run gave no label for this configuration; others may go well.

    The text is one sentence with the cause. It becomes the reason of a
    `activecharge.records.Failure`, so it never stops a campaign. A fault that would meet
    every configuration alike (a code not installed) is a `activecharge.errors.UserError`.
    """


def describe_exit(code: int) -> str:
    """Put a process's return code into words; negative ones are signals."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:  # real-time signals have no names
        return f"was killed by signal {-code}"
