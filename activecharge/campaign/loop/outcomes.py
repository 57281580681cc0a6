"""What the stages of the loop bring, as records; the journal keeps them, and the monitor tells
them to people."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from activecharge.execution.dispatcher import Load
from activecharge.records import Failure


@dataclass(frozen=True)
class Drawn:
    """The frames that a campaign starts from."""

    frames: int


@dataclass(frozen=True)
class Labelled:
    """All frames of a round, or of the test set, were tried."""

    frames: int
    failed: int


@dataclass(frozen=True)
class Walked:
    """Dynamics brought frames; nobody has judged them yet."""

    frames: int


@dataclass(frozen=True)
class Explored:
    """A round's candidates, by source; what was refused and where walkers stopped, by reason.

    `before` says that they were found by a process before this one.
    """

    candidates: dict[str, int]
    refused: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, int] = field(default_factory=dict)
    before: bool = False


@dataclass(frozen=True)
class Spreads:
    """Median over candidates of their worst atom's spread, by property, in its unit."""

    median: dict[str, float]


@dataclass(frozen=True)
class Selected:
    """Choices by why they were made, of how many candidates, by the committee of which round."""

    choices: dict[str, int]
    candidates: int
    committee: int


@dataclass(frozen=True)
class Committed:
    """The dataset on disk has so many labels, the test set not counted."""

    labels: int


@dataclass(frozen=True)
class Calibrated:
    """What a committee's calibration rests on.

    Attributes
    ----------
    properties : tuple of str
        Those calibrated.
    blind, control : int
        Labels predicted before training on them, and those of them drawn at random.
    """

    properties: tuple[str, ...]
    blind: int
    control: int


@dataclass(frozen=True)
class Trained:
    """A committee: what it is made of, labels that taught and that validated it."""

    models: str
    labels: int
    validation: int
    calibration: Calibrated


@dataclass(frozen=True)
class Tested:
    """Mean absolute errors on the test set by property, in its unit; empty without one."""

    errors: dict[str, float]


@dataclass(frozen=True)
class Reported:
    """Where the report is."""

    path: str


Outcome = (
    Drawn
    | Labelled
    | Walked
    | Explored
    | Spreads
    | Selected
    | Committed
    | Trained
    | Tested
    | Reported
)


@dataclass(frozen=True)
class StageEnded:
    """A stage of a round has ended.

    Attributes
    ----------
    stage : str
        Its name: draw, holdout, explore, score, select, label, commit, train, test, report.
    round : int
    seconds : float
        Wall time [s].
    outcome : Outcome
    """

    stage: str
    round: int
    seconds: float
    outcome: Outcome


@dataclass(frozen=True)
class FrameFailed:
    """A configuration has no label."""

    failure: Failure


@dataclass(frozen=True)
class Noticed:
    """Something that the user should know, in a sentence."""

    text: str


@dataclass(frozen=True)
class TrainingBegan:
    """Members are being trained in folders below `folder`, each for so many steps at most."""

    folder: Path
    members: tuple[str, ...]
    steps: int


@dataclass(frozen=True)
class Working:
    """How far each kind of work is; told about every second."""

    loads: dict[str, Load]


Event = StageEnded | FrameFailed | Noticed | TrainingBegan | Working

Listener = Callable[[Event], None]
"""Somebody who wants to know how a campaign comes along."""
