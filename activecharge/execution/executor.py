"""What every executor offers: start tasks, wait for what ends."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from activecharge.execution.execution_log import ExecutionLog
from activecharge.execution.resources import Resources, Slot, places, total
from activecharge.execution.tasks import Result, Task


class Executor(ABC):
    """Runs tasks somewhere else, or later.

    Parameters
    ----------
    log : ExecutionLog, optional
        Where it is noted what ran when and where.
    """

    def __init__(self, log: ExecutionLog | None = None):
        self.log = log or ExecutionLog(None)
        self._counted: Sequence[Resources] | None = None
        self._total: Resources = {}
        self._places: dict[Slot, int] = {}

    def places(self, slot: Slot) -> int:
        """How many items of one slot run at a time where there is nothing else."""
        self._count()
        if slot not in self._places:
            self._places[slot] = places(self.nodes(), slot)
        return self._places[slot]

    def total(self) -> Resources:
        """What all nodes have."""
        self._count()
        return self._total

    def _count(self) -> None:
        """Count anew where the nodes are others; there may be hundreds, asked for at each turn."""
        nodes = self.nodes()
        if nodes is not self._counted:
            self._counted, self._total, self._places = nodes, total(nodes), {}

    @abstractmethod
    def nodes(self) -> Sequence[Resources]:
        """What each node has, at present; the same object while nothing changes."""

    @abstractmethod
    def used(self) -> Resources:
        """What the tasks under way hold."""

    @abstractmethod
    def share(self, value: object) -> object:
        """Lay something out once for many tasks; what comes back goes into `Task.shared`."""

    @abstractmethod
    def start(self, task: Task) -> None:
        """Start a task."""

    @abstractmethod
    def wait(self, timeout: float) -> list[Result]:
        """What has ended, if need be within `timeout` seconds from now.

        An exception that the work raised is raised here; a process that died too often yields
        `Lost`.
        """

    @abstractmethod
    def under_way(self) -> int:
        """Tasks started and not ended."""

    @abstractmethod
    def cancel(self) -> None:
        """Forget all that is under way; it ends with the executor at the latest."""

    @abstractmethod
    def close(self) -> None:
        """Stop all workers."""
