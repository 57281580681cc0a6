"""A campaign's work, farmed out to an executor: labels, predictions, walks, trainings."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from activecharge.campaign import work
from activecharge.campaign.console import Console
from activecharge.campaign.executor import Executor, Lost, Slot, Work
from activecharge.campaign.rundir import RunDirectory
from activecharge.errors import UserError
from activecharge.learning.training_set import Member, TrainingSet
from activecharge.model import ARCHITECTURE
from activecharge.records import Candidate, Failure, Prediction
from activecharge.reference.failure import too_many
from activecharge.sampling.options import DynamicsOptions

FRAMES_PER_TASK = 64
WALKERS_PER_TASK = 6
"""Fixed sizes, so that results do not depend on how many CPUs there are."""


class Crew:
    """Runs a campaign's pieces of work in parallel and keeps what they bring."""

    def __init__(self, run: RunDirectory, executor: Executor, console: Console):
        self.run, self.executor, self.console = run, executor, console
        options = run.campaign.executor
        self.label_slot = Slot(options.label_cpus)
        self.member_slot = Slot(options.member_cpus, options.member_gpus)

    def label(self, candidates: Sequence[Candidate]) -> list[Failure]:
        """Label what has not been tried before; results are in the run directory.

        Returns
        -------
        list of Failure
            Those of this call.

        Raises
        ------
        UserError
            If a larger share of all labels so far failed than the reference is allowed.
        """
        run = self.run
        todo = [c for c in candidates if run.labels.get(c.hash) is None]
        shared = work.LabelWork(
            reference=run.campaign.reference,
            gates=run.campaign.gates,
            threads=self.label_slot.cpus,
            store=run.path,
            failed=run.path / "failed",
        )
        tried, failed_before = run.labels.history()
        failures: list[Failure] = []
        with self.console.progress("label", len(todo)) as advance:
            for index, result in self.executor.map(work.label, todo, self.label_slot, shared):
                if isinstance(result, Lost):
                    result = Failure(todo[index], result.reason)
                tried += 1
                if isinstance(result, Failure):
                    run.labels.put(result)
                    failures.append(result)
                    self.console.failed(result)
                    run.journal.append(
                        "quarantined", hash=result.candidate.hash, reason=result.reason
                    )
                    share = run.campaign.reference.max_failed_share
                    if reason := too_many(failed_before + failures, tried, share):
                        raise UserError(
                            f"{reason}, delete {run.labels.quarantine} and run again to retry"
                        )
                else:
                    run.journal.append("labelled", hash=result.candidate.hash)
                advance()
        return failures

    def predict(self, number: int, frames: Sequence[Atoms], title: str) -> list[Prediction]:
        """What the committee of round `number` says of frames, in their order."""
        rest = iter(frames)
        chunks = []
        while chunk := list(islice(rest, FRAMES_PER_TASK)):
            chunks.append(chunk)
        results = self._all(work.predict, chunks, self._committee(number), title)
        return [prediction for result in results for prediction in result]

    def walk(
        self,
        number: int,
        options: DynamicsOptions,
        known: Sequence[Atoms],
        rng: np.random.Generator,
    ) -> list[Any]:
        """Walks (`sampling.dynamics.Walk`) from known frames, driven by a round's committee."""
        temperatures = np.resize(options.temperatures, options.walkers).tolist()
        starts = [known[i] for i in rng.integers(len(known), size=options.walkers)]
        seed = int(rng.integers(2**31))
        batches = [
            work.Start(tuple(starts[part]), tuple(temperatures[part]), (seed, part.start))
            for part in (
                slice(first, first + WALKERS_PER_TASK)
                for first in range(0, options.walkers, WALKERS_PER_TASK)
            )
        ]
        shared = work.WalkWork(self._committee(number), options, self.run.campaign.sanity)
        return self._all(work.walk, batches, shared, "dynamics")

    def train(self, number: int, data: TrainingSet, members: Sequence[Member]) -> None:
        """Train those members whose checkpoints are not there yet."""
        missing = [m for m in members if not (Path(m.directory) / ARCHITECTURE).exists()]
        if not missing:
            return
        names = [Path(m.directory).name for m in missing]
        folder = self.run.round(number).members
        with self.console.training(folder, names, data.training, warm=number > 0) as look:
            shared = (data, self.member_slot)
            for index, result in self.executor.map(
                work.train, missing, self.member_slot, shared, look
            ):
                if isinstance(result, Lost):
                    raise _fatal(f"training {names[index]}", result)

    def _committee(self, number: int) -> work.CommitteeWork:
        return work.CommitteeWork(self.run.round(number).members, self.member_slot)

    def _all(self, function: Work, items: Sequence[Any], shared: Any, title: str) -> list[Any]:
        """Results in the order of the items."""
        results: list[Any] = [None] * len(items)
        with self.console.progress(title, len(items)) as advance:
            for index, result in self.executor.map(function, items, self.member_slot, shared):
                if isinstance(result, Lost):
                    raise _fatal(title, result)
                results[index] = result
                advance()
        return results


def _fatal(title: str, lost: Lost) -> UserError:
    return UserError(
        f"{title}: {lost.reason}; see whether memory ran out, then run again to resume"
    )
