"""What a member's training starts from: frozen, and importable without torch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from activecharge.learning.training_options import TrainingOptions
from activecharge.model.model_options import ModelOptions
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
    """Which member to train, from where and into which folder.

    Attributes
    ----------
    index, seed : int
    directory : str
        Where its checkpoint will lie.
    start : str or None
        Folder of the checkpoint to continue from.
    others : tuple of Member
        Those that share its backbone, and are trained along with it.
    """

    index: int
    seed: int
    directory: str
    start: str | None = None
    others: tuple["Member", ...] = ()


def trainings(members: Sequence[Member], training: TrainingOptions) -> list[Member]:
    """What there is to train apart: each member, or one with the others that share its backbone.

    Parameters
    ----------
    members : sequence of Member
        `training.models` of them.
    training : TrainingOptions
    """
    if training.uncertainty != "heads":
        return list(members)
    first, *others = members
    return [replace(first, others=tuple(others))]
