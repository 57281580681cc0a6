"""What a simulation tells while it runs, and at its end."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Advanced:
    """How far a stage is.

    Attributes
    ----------
    stage : str
        Its name.
    step, steps : int
        Done, and in all.
    time_fs : float
        Since the stage began.
    temperature : float
        Mean over replicas, K.
    ps_per_day : float
        Of each replica, as this process came along; 0 while unknown.
    seconds_left : float
        Of the whole simulation; 0 while unknown.
    """

    stage: str
    step: int
    steps: int
    time_fs: float
    temperature: float
    ps_per_day: float
    seconds_left: float


Tell = Callable[[Advanced | str], None]
"""Takes how far a stage is, or a sentence."""


@dataclass(frozen=True)
class Outcome:
    """How a simulation ended.

    Attributes
    ----------
    ended : str
        Why before its last step; empty if it did not.
    uncertain : int
        Frames in `uncertain.extxyz`.
    """

    ended: str
    uncertain: int


def silent(event: Advanced | str) -> None:
    """Tell nobody."""
