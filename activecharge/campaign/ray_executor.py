"""Pieces of work on Ray: where they may run, and what becomes of those whose worker dies."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from activecharge.campaign.executor import Executor, Finished, Key, Lost, Work
from activecharge.campaign.facts import Facts
from activecharge.campaign.ray_nodes import Nodes, fits_nowhere, ray_is_gone, ray_is_up
from activecharge.campaign.resources import Resources, Slot, total

DEATHS = 3
"""Workers that one piece of work may cost before it is given up."""

NODE_DEATHS = 10
"""The same for nodes, which die of other things."""


@dataclass
class _Task:
    work: Work
    pieces: dict[Key, Any]
    slot: Slot
    shared: Any
    deaths: int = 0
    node_deaths: int = 0
    due: float = 0.0


class RayExecutor(Executor):
    """Tasks on a Ray cluster, or on Ray embedded in this machine.

    A task whose worker or node died is started again from here, not by Ray: pieces that
    travelled together then go alone, so that one that kills its worker takes no other with it.

    Parameters
    ----------
    ray : module
        `ray`, connected.
    facts : Facts, optional
    """

    def __init__(self, ray: ModuleType, facts: Facts | None = None):
        super().__init__(facts)
        self._ray = ray
        self._nodes = Nodes(ray)
        self._remotes: dict[Slot, Any] = {}
        self._tasks: dict[Any, _Task] = {}
        self._later: list[_Task] = []
        self._fitted: set[Slot] = set()
        self._used = total([])

    def nodes(self) -> Sequence[Resources]:
        return self._nodes.look()

    def used(self) -> Resources:
        return self._used

    def under_way(self) -> int:
        return len(self._tasks) + len(self._later)

    def share(self, value: Any) -> Any:
        self._nodes.check_here()
        with ray_is_up():
            return self._ray.put(value)

    def start(self, work: Work, pieces: Mapping[Key, Any], slot: Slot, shared: Any = None) -> None:
        task = _Task(work, dict(pieces), slot, shared)
        self._submit(task)
        self._hold(task, 1)

    def wait(self, timeout: float) -> list[Finished]:
        now = time.monotonic()
        for task in [task for task in self._later if task.due <= now]:
            self._later.remove(task)
            self._submit(task)
        references = list(self._tasks)
        if not references:
            time.sleep(min([timeout, *(max(task.due - now, 0.0) for task in self._later)]))
            return []
        with ray_is_up():
            done, rest = self._ray.wait(references, num_returns=1, timeout=timeout)
            if done and rest:
                done += self._ray.wait(rest, num_returns=len(rest), timeout=0)[0]
        return [
            finished
            for reference in done
            for finished in self._take(self._tasks.pop(reference), reference)
        ]

    def cancel(self) -> None:
        # `ray.cancel` may abort this process if a task ends at the same moment (Ray 2.60).
        self._tasks.clear()
        self._later.clear()
        self._used.clear()

    def close(self) -> None:
        self._ray.shutdown()

    def _submit(self, task: _Task) -> None:
        self._check_fits(task)
        if task.slot not in self._remotes:
            needs = dict(task.slot.needs)
            self._remotes[task.slot] = self._ray.remote(
                num_cpus=needs.pop("CPU", 0),
                num_gpus=needs.pop("GPU", 0),
                memory=int(needs.pop("memory", 0)) or None,
                resources=needs,
                max_retries=0,
            )(_do)
        with ray_is_up():
            reference = self._remotes[task.slot].remote(
                task.work, task.shared, list(task.pieces.values()), task.slot
            )
        self._tasks[reference] = task

    def _check_fits(self, task: _Task) -> None:
        """Refuse work that no node could ever take; Ray would wait for one for ever.

        Nodes that were there come back, sooner or later.
        """
        slot = task.slot
        if not slot.needs or self.places(slot):
            self._fitted.add(slot)
        elif slot in self._fitted:
            self.facts.mishap(task.work.__name__, "waits for a node like those that are gone")
        else:
            raise fits_nowhere(slot, self.nodes())

    def _take(self, task: _Task, reference: Any) -> Iterator[Finished]:
        exceptions = self._ray.exceptions
        self._hold(task, -1)
        self._nodes.check_here()
        try:
            with ray_is_up():
                results, begun, seconds, node = self._ray.get(reference)
        except exceptions.RayTaskError as error:
            # The exception that the work itself raised, of its own class and with its words.
            raise error.cause from error
        except (
            exceptions.NodeDiedError,
            exceptions.LocalRayletDiedError,
            exceptions.ObjectLostError,  # a large result had not left it yet
        ) as error:
            yield from self._again(task, error, node=True)
        except (exceptions.WorkerCrashedError, exceptions.OutOfMemoryError) as error:
            yield from self._again(task, error, node=False)
        except exceptions.RayError as error:
            # Says nothing about the work, which must not be blamed for it.
            raise ray_is_gone(type(error).__name__) from error
        else:
            each = seconds / len(results)
            for index, (key, value) in enumerate(zip(task.pieces, results, strict=True)):
                self.facts.piece(task.work.__name__, begun + index * each, each, node)
                yield Finished(key, value, each)

    def _again(self, task: _Task, error: Exception, node: bool) -> Iterator[Finished]:
        """Start a task again whose process died, its pieces one by one, or give it up."""
        kind = "node" if node else "worker"
        reason = f"its {kind} died ({type(error).__name__})"
        self.facts.mishap(task.work.__name__, reason)
        blamed = not node and len(task.pieces) == 1
        task.deaths += blamed
        task.node_deaths += node
        if task.deaths >= DEATHS or task.node_deaths >= NODE_DEATHS:
            for key in task.pieces:
                yield Finished(key, Lost(reason), 0.0)
            return
        # Where memory is short, others must finish first; a cluster that falls apart needs time.
        short = isinstance(error, self._ray.exceptions.OutOfMemoryError)
        deaths = task.node_deaths if node else task.deaths
        due = time.monotonic() + (2.0**deaths if node or short else 0.0)
        for key, item in task.pieces.items():
            again = replace(task, pieces={key: item}, due=due)
            self._later.append(again)
            self._hold(again, 1)

    def _hold(self, task: _Task, sign: int) -> None:
        """Count what a task takes, or gives back."""
        for name, amount in task.slot.needs.items():
            self._used[name] += sign * amount


def _do(
    work: Work, shared: Any, items: Sequence[Any], slot: Slot
) -> tuple[list[Any], float, float, str]:
    """Do some pieces of work on a worker; returns results, when they began, the time they took
    [s], and the node."""
    import socket

    if not slot.gpus:
        # Reference codes and bookkeeping must not take memory of a GPU that members share.
        os.environ.update(CUDA_VISIBLE_DEVICES="", HIP_VISIBLE_DEVICES="")
    os.environ["OMP_NUM_THREADS"] = str(max(slot.cpus, 1))
    begun, start = time.time(), time.perf_counter()
    results = [work(shared, item) for item in items]
    return results, begun, time.perf_counter() - start, socket.gethostname()
