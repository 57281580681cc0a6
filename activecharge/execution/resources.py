"""What items of work need and what nodes have, by the names that Ray gives to resources."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

Resources = Mapping[str, float]
"""Amounts by name: "CPU", "GPU", "memory" [bytes] and custom ones."""

GIB = 1024**3


@dataclass(frozen=True)
class Slot:
    """What one item of work may use; it runs as many threads as it has CPUs.

    Attributes
    ----------
    cpus : int
        Zero for bookkeeping, which takes nobody's place.
    gpus : float
        Fractions share a GPU.
    memory : float
        GiB.
    custom : tuple of (str, float)
        Further resources by name.
    """

    cpus: int = 1
    gpus: float = 0.0
    memory: float = 0.0
    custom: tuple[tuple[str, float], ...] = ()

    @cached_property
    def needs(self) -> Resources:
        """Amounts by resource, those of zero left out."""
        amounts = {"CPU": self.cpus, "GPU": self.gpus, "memory": self.memory * GIB}
        return {name: x for name, x in (amounts | dict(self.custom)).items() if x > 0}


NO_PLACE = Slot(cpus=0)
"""Of short bookkeeping, which need not wait until a place is free."""


def places(nodes: Iterable[Resources], slot: Slot) -> int:
    """How many items of work of one slot run at a time where there is nothing else.

    An item does not spread over nodes, so what a node has left over is of no use.
    """
    needs = slot.needs
    if not needs:
        raise ValueError("a slot that needs nothing fits any number of times")
    return sum(
        min(math.floor(node.get(name, 0.0) / amount + 1e-9) for name, amount in needs.items())
        for node in nodes
    )


def total(parts: Iterable[Resources]) -> defaultdict[str, float]:
    """Sum of amounts; zero for what none has."""
    found: defaultdict[str, float] = defaultdict(float)
    for part in parts:
        for name, amount in part.items():
            found[name] += amount
    return found
