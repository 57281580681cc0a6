"""Where pieces of work run: here, one after another, or on Ray. The only module that uses Ray."""

import contextlib
import logging
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from activecharge.campaign.config import ExecutorOptions
from activecharge.errors import UserError


@dataclass(frozen=True)
class Slot:
    """What one piece of work may use; it runs as many threads as it has CPUs."""

    cpus: int = 1
    gpus: float = 0.0


@dataclass(frozen=True)
class Lost:
    """Stands for the result of work whose process died more often than it is worth retrying."""

    reason: str


Work = Callable[[Any, Any], Any]
"""A module-level function of (shared, item)."""


class Executor(Protocol):
    """Runs many pieces of one kind of work."""

    def map(
        self,
        work: Work,
        items: Sequence[Any],
        slot: Slot,
        shared: Any = None,
        tick: Callable[[], None] | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Yield (index, result) of `work(shared, item)` for each item, as each finishes.

        An exception that `work` raises is raised here; a process that died yields `Lost`.
        `tick` is called about every second while waiting.
        """

    def close(self) -> None:
        """Stop all workers."""


class InlineExecutor:
    """One piece after another in this process."""

    def map(
        self,
        work: Work,
        items: Sequence[Any],
        slot: Slot,
        shared: Any = None,
        tick: Callable[[], None] | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """See `Executor.map`."""
        for index, item in enumerate(items):
            if tick:
                tick()
            yield index, work(shared, item)

    def close(self) -> None:
        """Nothing to stop."""


SHORT = 0.25
"""Time that a Ray task should take at least [s]: starting one costs some 4 ms. Pieces of work
that are shorter travel together."""


class RayExecutor:
    """Tasks on an embedded Ray instance of this machine."""

    def __init__(self, cpus: int | None):
        # Ray reads these when it is imported: quiet, nothing reported to anybody.
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        self._ray = ray
        terminate = signal.getsignal(signal.SIGTERM)
        ray.init(
            address="local",
            num_cpus=cpus,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            object_store_memory=512 * 1024**2,
        )
        # Ray's own handler leaves with code 1 and no word; a caller's choice must stand.
        with contextlib.suppress(ValueError):  # outside the main thread nobody sets handlers
            signal.signal(signal.SIGTERM, terminate)
        self.cpus = int(ray.cluster_resources().get("CPU", 1))

    def map(
        self,
        work: Work,
        items: Sequence[Any],
        slot: Slot,
        shared: Any = None,
        tick: Callable[[], None] | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """See `Executor.map`; a few tasks per CPU are in flight, the rest waits here."""
        ray = self._ray
        self._check_fits(slot)
        task = ray.remote(num_cpus=slot.cpus, num_gpus=slot.gpus, max_retries=2)(_batch)
        common = ray.put(shared)
        waiting = deque(range(len(items)))
        running: dict[Any, list[int]] = {}
        alone: set[int] = set()
        seconds = SHORT  # of one piece, as the last task had it
        try:
            while waiting or running:
                while waiting and len(running) < 3 * self.cpus:
                    size = self._size(seconds, len(waiting)) if waiting[0] not in alone else 1
                    batch = [waiting.popleft() for _ in range(size)]
                    running[task.remote(work, common, [items[i] for i in batch])] = batch
                done, _ = ray.wait(list(running), num_returns=1, timeout=1.0)
                if tick:
                    tick()
                for reference in done:
                    batch = running.pop(reference)
                    result = self._result(reference)
                    if isinstance(result, Lost) and len(batch) > 1:
                        # One of them killed the worker; the others must not be blamed for it.
                        alone.update(batch)
                        waiting.extendleft(reversed(batch))
                    elif isinstance(result, Lost):
                        yield batch[0], result
                    else:
                        results, spent = result
                        seconds = spent / len(batch)
                        yield from zip(batch, results, strict=True)
        finally:
            for reference in running:
                with contextlib.suppress(Exception):
                    ray.cancel(reference, force=True)

    def _size(self, seconds: float, waiting: int) -> int:
        """How many pieces of `seconds` each make the next task; few towards the end, so that
        all CPUs finish together."""
        return max(1, min(int(SHORT / max(seconds, 1e-6)), waiting // (3 * self.cpus)))

    def _check_fits(self, slot: Slot) -> None:
        """Refuse work that no worker could ever take; Ray would wait for one for ever."""
        have = self._ray.cluster_resources()
        for kind, needed, key in (
            ("CPU", slot.cpus, "label_cpus or member_cpus"),
            ("GPU", slot.gpus, "member_gpus"),
        ):
            if needed > have.get(kind, 0):
                raise UserError(
                    f"executor: one piece of work needs {needed:g} {kind}s, Ray has "
                    f"{have.get(kind, 0):g}; lower executor.{key} or run on a larger machine"
                )

    def _result(self, reference: Any) -> Any:
        exceptions = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except exceptions.RayTaskError as error:
            # The exception that the work itself raised, of its own class and with its words.
            raise error.cause from error
        except (exceptions.WorkerCrashedError, exceptions.OutOfMemoryError) as error:
            return Lost(f"its worker died ({type(error).__name__})")
        except exceptions.RayError as error:
            # Says nothing about the work, which must not be blamed for it.
            raise UserError(
                f"executor: Ray itself failed ({type(error).__name__}); run again to resume, "
                "with executor.kind: inline if it fails again"
            ) from error

    def close(self) -> None:
        """Stop Ray and all its workers."""
        self._ray.shutdown()


def _batch(work: Work, shared: Any, items: Sequence[Any]) -> tuple[list[Any], float]:
    """Do some pieces of work on a Ray worker; returns results and the time they took [s]."""
    start = time.perf_counter()
    results = [work(shared, item) for item in items]
    return results, time.perf_counter() - start


@contextlib.contextmanager
def open_executor(options: ExecutorOptions) -> Iterator[Executor]:
    """The executor that a campaign asks for; closed at the end."""
    executor: Executor = RayExecutor(options.cpus) if options.kind == "ray" else InlineExecutor()
    try:
        yield executor
    finally:
        executor.close()
