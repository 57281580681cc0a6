"""What a member's training starts from: frozen, and importable without torch."""

from dataclasses import dataclass

from activecharge.learning.options import TrainingOptions
from activecharge.model.options import ModelOptions
from activecharge.records import Label


@dataclass(frozen=True)
class TrainingSet:
    """What all members of a round learn from.

    Attributes
    ----------
    train, valid : tuple of Label
        Disjoint; `valid` only decides when to stop.
    elements : tuple of str
    model : ModelOptions
    training : TrainingOptions
    """

    train: tuple[Label, ...]
    valid: tuple[Label, ...]
    elements: tuple[str, ...]
    model: ModelOptions
    training: TrainingOptions


@dataclass(frozen=True)
class Member:
    """Which member to train, from where and into which folder."""

    index: int
    seed: int
    directory: str
    start: str | None = None
