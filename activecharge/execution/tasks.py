"""What travels between those who want work done and those who do it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from activecharge.errors import UserError
from activecharge.execution.resources import Slot

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Value = TypeVar("Value")

Work = Callable[[Shared, Item], Value]
"""A module-level function of what all items share and of one item; workers import it by name."""

AnyWork = Work[Any, Any, Any]


@dataclass(frozen=True)
class WorkGroup(Generic[Shared, Item, Value]):
    """Items of one kind of work.

    Attributes
    ----------
    work : callable
        Called as work(shared, item).
    items : sequence
    slot : Slot
        What one item may use.
    shared : object
        Travels once, however many items there are.
    """

    work: Work[Shared, Item, Value]
    items: Sequence[Item]
    slot: Slot
    shared: Shared


AnyGroup = WorkGroup[Any, Any, Any]
"""Work of whatever kind: who hands it on does not look inside."""


@dataclass(frozen=True)
class Task:
    """What a worker is given at a time: a few items, done one after another.

    Attributes
    ----------
    work : callable
    items : mapping
        By hashable keys that no other item under way has.
    slot : Slot
    shared : object
        As `Executor.share` returned it.
    """

    work: AnyWork
    items: Mapping[Any, object]
    slot: Slot
    shared: object = None


@dataclass(frozen=True)
class Result:
    """An item that has ended.

    Attributes
    ----------
    key : hashable
        By which it was started.
    value : object
        What the work returned, or `Lost`.
    seconds : float
        Time it took [s].
    """

    key: Any
    value: object
    seconds: float


@dataclass(frozen=True)
class Lost:
    """Stands for the value of an item whose process died more often than it is worth retrying."""

    reason: str


def value_of(title: str, value: Value | Lost) -> Value:
    """The value of work that nothing can go on without.

    Raises
    ------
    UserError
        If it is lost.
    """
    if isinstance(value, Lost):
        raise UserError(
            f"{title}: {value.reason}; see whether memory ran out, then run again to resume"
        )
    return value
