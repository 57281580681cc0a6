"""Tasks on Ray: where they may run, and what becomes of those whose worker dies."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from activecharge.execution.execution_log import ExecutionLog
from activecharge.execution.executor import Executor
from activecharge.execution.ray_connection import Connection
from activecharge.execution.ray_nodes import Nodes, fits_nowhere, ray_is_gone, ray_is_up
from activecharge.execution.resources import Resources, Slot, total
from activecharge.execution.tasks import AnyWork, Lost, Result, Task

DEATHS = 3
"""Workers that one item of work may cost before it is given up."""

NODE_DEATHS = 10
"""The same for nodes, which die of other things."""


@dataclass
class _Attempt:
    """A task under way, with what it has cost so far, and when it is due to start again."""

    task: Task
    deaths: int = 0
    node_deaths: int = 0
    due: float = 0.0


class RayExecutor(Executor):
    """Tasks on a Ray cluster, or on Ray embedded in this machine.

    A task whose worker or node died is started again from here, not by Ray: items that
    travelled together then go alone, so that one that kills its worker takes no other with it.

    Parameters
    ----------
    connection : Connection
    log : ExecutionLog, optional
    keys : mapping, optional
        The setting that asks for each resource, for sentences.
    """

    def __init__(
        self,
        connection: Connection,
        log: ExecutionLog | None = None,
        keys: Mapping[str, str] | None = None,
    ):
        super().__init__(log)
        self._connection, self._ray, self._keys = connection, connection.ray, keys or {}
        self._nodes = Nodes(self._ray)
        self._remotes: dict[Slot, Any] = {}
        self._running: dict[object, _Attempt] = {}
        self._later: list[_Attempt] = []
        self._fitted: set[Slot] = set()
        self._used = total([])

    def nodes(self) -> Sequence[Resources]:
        return self._nodes.look()

    def used(self) -> Resources:
        return self._used

    def under_way(self) -> int:
        return len(self._running) + len(self._later)

    def share(self, value: object) -> object:
        self._nodes.check_here()
        with ray_is_up():
            return self._ray.put(value)

    def start(self, task: Task) -> None:
        self._submit(_Attempt(task))
        self._hold(task, 1)

    def wait(self, timeout: float) -> list[Result]:
        now = time.monotonic()
        for attempt in [attempt for attempt in self._later if attempt.due <= now]:
            self._later.remove(attempt)
            self._submit(attempt)
        references = list(self._running)
        if not references:
            time.sleep(min([timeout, *(max(one.due - now, 0.0) for one in self._later)]))
            return []
        with ray_is_up():
            done, rest = self._ray.wait(references, num_returns=1, timeout=timeout)
            if done and rest:
                done += self._ray.wait(rest, num_returns=len(rest), timeout=0)[0]
        return [
            result
            for reference in done
            for result in self._take(self._running.pop(reference), reference)
        ]

    def cancel(self) -> None:
        # `ray.cancel` may abort this process if a task ends at the same moment (Ray 2.60).
        self._running.clear()
        self._later.clear()
        self._used.clear()

    def close(self) -> None:
        self._connection.close()

    def _submit(self, attempt: _Attempt) -> None:
        task = attempt.task
        self._check_fits(task)
        with ray_is_up():
            reference = self._remote(task.slot).remote(
                task.work, task.shared, list(task.items.values()), task.slot
            )
        self._running[reference] = attempt

    def _remote(self, slot: Slot) -> Any:
        """The function that Ray runs for tasks of one slot."""
        if slot not in self._remotes:
            needs = dict(slot.needs)
            self._remotes[slot] = self._ray.remote(
                num_cpus=needs.pop("CPU", 0),
                num_gpus=needs.pop("GPU", 0),
                memory=int(needs.pop("memory", 0)) or None,
                resources=needs,
                max_retries=0,
            )(_do)
        return self._remotes[slot]

    def _check_fits(self, task: Task) -> None:
        """Refuse work that no node could ever take; Ray would wait for one for ever.

        Nodes that were there come back, sooner or later.
        """
        slot = task.slot
        if not slot.needs or self.places(slot):
            self._fitted.add(slot)
        elif slot in self._fitted:
            self.log.died(task.work.__name__, "waits for a node like those that are gone")
        else:
            raise fits_nowhere(slot, self.nodes(), self._keys)

    def _take(self, attempt: _Attempt, reference: object) -> Iterator[Result]:
        """The results of a task that has ended, one way or another."""
        exceptions, task = self._ray.exceptions, attempt.task
        self._hold(task, -1)
        self._nodes.check_here()
        try:
            with ray_is_up():
                values, begun, seconds, node = self._ray.get(reference)
        except exceptions.RayTaskError as error:
            # The exception that the work itself raised, of its own class and with its words.
            raise error.cause from error
        except (
            exceptions.NodeDiedError,
            exceptions.LocalRayletDiedError,
            exceptions.ObjectLostError,  # a large result had not left it yet
        ) as error:
            yield from self._again(attempt, error, node=True)
        except (exceptions.WorkerCrashedError, exceptions.OutOfMemoryError) as error:
            yield from self._again(attempt, error, node=False)
        except exceptions.RayError as error:
            # Says nothing about the work, which must not be blamed for it.
            raise ray_is_gone(type(error).__name__) from error
        else:
            each = seconds / len(values)
            for index, (key, value) in enumerate(zip(task.items, values, strict=True)):
                self.log.ended(task.work.__name__, begun + index * each, each, node)
                yield Result(key, value, each)

    def _again(self, attempt: _Attempt, error: Exception, node: bool) -> Iterator[Result]:
        """Start a task again whose process died, its items one by one, or give it up."""
        task = attempt.task
        reason = f"its {'node' if node else 'worker'} died ({type(error).__name__})"
        self.log.died(task.work.__name__, reason)
        blamed = not node and len(task.items) == 1
        deaths, node_deaths = attempt.deaths + blamed, attempt.node_deaths + node
        if deaths >= DEATHS or node_deaths >= NODE_DEATHS:
            for key in task.items:
                yield Result(key, Lost(reason), 0.0)
            return
        # Where memory is short, others must finish first; a cluster that falls apart needs time.
        short = isinstance(error, self._ray.exceptions.OutOfMemoryError)
        wait = 2.0 ** (node_deaths if node else deaths) if node or short else 0.0
        due = time.monotonic() + wait
        for key, item in task.items.items():
            alone = replace(task, items={key: item})
            self._later.append(_Attempt(alone, deaths, node_deaths, due))
            self._hold(alone, 1)

    def _hold(self, task: Task, sign: int) -> None:
        """Count what a task takes, or gives back."""
        for name, amount in task.slot.needs.items():
            self._used[name] += sign * amount


def _do(
    work: AnyWork, shared: object, items: Sequence[object], slot: Slot
) -> tuple[list[object], float, float, str]:
    """Do some items of work on a worker; returns values, when they began, the time they took
    [s], and the node."""
    import socket

    if not slot.gpus:
        # Reference codes and bookkeeping must not take memory of a GPU that members share.
        os.environ.update(CUDA_VISIBLE_DEVICES="", HIP_VISIBLE_DEVICES="")
    os.environ["OMP_NUM_THREADS"] = str(max(slot.cpus, 1))
    begun, start = time.time(), time.perf_counter()
    values = [work(shared, item) for item in items]
    return values, begun, time.perf_counter() - start, socket.gethostname()
