"""Work in this process, one item after another."""

import time
from collections import deque
from collections.abc import Hashable, Sequence

from activecharge.execution.execution_log import ExecutionLog
from activecharge.execution.executor import Executor
from activecharge.execution.resources import Resources
from activecharge.execution.tasks import Result, Task


class InlineExecutor(Executor):
    """Does the next item when it is waited for.

    Parameters
    ----------
    node : mapping, optional
        What this machine is taken to have: as much as the largest item needs.
    log : ExecutionLog, optional
    """

    def __init__(self, node: Resources | None = None, log: ExecutionLog | None = None):
        super().__init__(log)
        self._nodes: list[Resources] = [node or {"CPU": 1.0}]
        self._waiting: deque[tuple[Task, Hashable, object]] = deque()

    def nodes(self) -> Sequence[Resources]:
        return self._nodes

    def used(self) -> Resources:
        return self._nodes[0] if self._waiting else {}

    def share(self, value: object) -> object:
        return value

    def start(self, task: Task) -> None:
        self._waiting += [(task, key, item) for key, item in task.items.items()]

    def wait(self, timeout: float) -> list[Result]:
        if not self._waiting:
            return []
        task, key, item = self._waiting.popleft()
        begun = time.time()
        start = time.perf_counter()
        value = task.work(task.shared, item)
        seconds = time.perf_counter() - start
        self.log.ended(task.work.__name__, begun, seconds, "inline")
        return [Result(key, value, seconds)]

    def under_way(self) -> int:
        return len(self._waiting)

    def cancel(self) -> None:
        self._waiting.clear()

    def close(self) -> None:
        self.cancel()
