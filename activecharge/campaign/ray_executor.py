"""Pieces of work on Ray: where they may run, and what becomes of those whose worker dies."""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from activecharge.campaign.executor import Executor, Finished, Key, Lost, Work
from activecharge.campaign.facts import Facts
from activecharge.campaign.resources import GIB, Resources, Slot, total
from activecharge.errors import UserError

DEATHS = 3
"""Workers that one piece of work may cost before it is given up."""

NODE_DEATHS = 10
"""The same for nodes, which die of other things."""

LOOK = 1.0
"""Time between two looks at the nodes of the cluster [s]."""


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
        self._here = ray.get_runtime_context().get_node_id()
        self._remotes: dict[Slot, Any] = {}
        self._tasks: dict[Any, _Task] = {}
        self._later: list[_Task] = []
        self._nodes: list[Resources] = []
        self._looked = -LOOK
        self._used = total([])

    def nodes(self) -> Sequence[Resources]:
        if time.monotonic() - self._looked > LOOK:
            with self._ray_is_up():
                alive = [node for node in self._ray.nodes() if node["Alive"]]
            if all(node["NodeID"] != self._here for node in alive):
                raise _ray_is_gone("its node on this machine has died")
            found = [node["Resources"] for node in alive]
            if found != self._nodes:
                self._nodes = found
            self._looked = time.monotonic()
        return self._nodes

    def used(self) -> Resources:
        return self._used

    def under_way(self) -> int:
        return len(self._tasks) + len(self._later)

    def share(self, value: Any) -> Any:
        with self._ray_is_up():
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
        with self._ray_is_up():
            done, rest = self._ray.wait(references, num_returns=1, timeout=timeout)
            if done and rest:
                done += self._ray.wait(rest, num_returns=len(rest), timeout=0)[0]
        return [
            finished
            for reference in done
            for finished in self._take(self._tasks.pop(reference), reference)
        ]

    def cancel(self) -> None:
        for reference in self._tasks:
            with contextlib.suppress(Exception):
                self._ray.cancel(reference, force=True)
        self._tasks.clear()
        self._later.clear()
        self._used.clear()

    def close(self) -> None:
        self._ray.shutdown()

    def _submit(self, task: _Task) -> None:
        self._check_fits(task.slot)
        if task.slot not in self._remotes:
            needs = dict(task.slot.needs)
            self._remotes[task.slot] = self._ray.remote(
                num_cpus=needs.pop("CPU", 0),
                num_gpus=needs.pop("GPU", 0),
                memory=int(needs.pop("memory", 0)) or None,
                resources=needs,
                max_retries=0,
            )(_do)
        with self._ray_is_up():
            reference = self._remotes[task.slot].remote(
                task.work, task.shared, list(task.pieces.values()), task.slot
            )
        self._tasks[reference] = task

    def _check_fits(self, slot: Slot) -> None:
        """Refuse work that no node could ever take; Ray would wait for one for ever."""
        needs = slot.needs
        if not needs or self.places(slot):
            return
        for name, needed in needs.items():
            most = max((node.get(name, 0.0) for node in self.nodes()), default=0.0)
            if needed > most:
                raise _too_large(name, needed, most)
        asked = ", ".join(f"{_amount(name, x)}" for name, x in needs.items())
        raise UserError(
            f"executor: no node of Ray has {asked} together, which one piece of work needs; lower "
            "the keys of `executor` or add such a node"
        )

    def _take(self, task: _Task, reference: Any) -> Iterator[Finished]:
        exceptions = self._ray.exceptions
        self._hold(task, -1)
        try:
            with self._ray_is_up():
                results, begun, seconds, node = self._ray.get(reference)
        except exceptions.RayTaskError as error:
            # The exception that the work itself raised, of its own class and with its words.
            raise error.cause from error
        except (exceptions.NodeDiedError, exceptions.LocalRayletDiedError) as error:
            yield from self._again(task, error, node=True)
        except (exceptions.WorkerCrashedError, exceptions.OutOfMemoryError) as error:
            yield from self._again(task, error, node=False)
        except exceptions.RayError as error:
            # Says nothing about the work, which must not be blamed for it.
            raise _ray_is_gone(type(error).__name__) from error
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
        # Where memory is short, others must finish first.
        short = isinstance(error, self._ray.exceptions.OutOfMemoryError)
        due = time.monotonic() + (2.0**task.deaths if short else 0.0)
        for key, item in task.pieces.items():
            again = replace(task, pieces={key: item}, due=due)
            self._later.append(again)
            self._hold(again, 1)

    def _hold(self, task: _Task, sign: int) -> None:
        """Count what a task takes, or gives back."""
        for name, amount in task.slot.needs.items():
            self._used[name] += sign * amount

    @contextlib.contextmanager
    def _ray_is_up(self) -> Iterator[None]:
        """Ray ends the whole process, without an error, where it finds itself stopped."""
        try:
            yield
        except SystemExit as error:
            raise _ray_is_gone("it was stopped") from error


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


def _ray_is_gone(what: str) -> UserError:
    return UserError(
        f"executor: Ray itself failed ({what}); run again to resume, with executor.kind: inline "
        "if it fails again"
    )


_KEYS = {
    "CPU": "executor.label_cpus or member_cpus",
    "GPU": "executor.member_gpus",
    "memory": "executor.label_memory",
}


def _too_large(name: str, needed: float, most: float) -> UserError:
    key = _KEYS.get(name, f"executor.label_resources.{name}")
    have = "no node of Ray has any" if not most else f"the largest node has {_amount(name, most)}"
    return UserError(
        f"executor: one piece of work needs {_amount(name, needed)}, {have}; lower {key} or add a "
        "larger node"
    )


def _amount(name: str, amount: float) -> str:
    if name == "memory":
        return f"{amount / GIB:.3g} GiB of memory"
    return f"{amount:g} {name}{'s' if name in ('CPU', 'GPU') and amount != 1 else ''}"
