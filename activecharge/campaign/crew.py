"""A campaign's work, farmed out stage by stage: labels, predictions, walks, trainings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from activecharge.campaign import steps, work
from activecharge.campaign.console import Console
from activecharge.campaign.executor import Executor, Lost, Work
from activecharge.campaign.labelling import Labelling
from activecharge.campaign.resources import Slot
from activecharge.campaign.rundir import RunDirectory
from activecharge.campaign.walkers import walk_starts
from activecharge.errors import UserError
from activecharge.learning.training_set import Member, TrainingSet
from activecharge.records import Candidate, Failure, Prediction
from activecharge.sampling.source_options import DynamicsOptions


class Crew:
    """Runs a campaign's pieces of work in parallel and keeps what they bring."""

    def __init__(self, run: RunDirectory, executor: Executor, console: Console):
        self.run, self.executor, self.console = run, executor, console
        options = run.campaign.executor
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
        todo = [c for c in candidates if self.run.labels.get(c.hash) is None]
        labelling = Labelling(self.run, self.console)
        results = []
        with self.console.progress("label", len(todo)) as advance:
            for index, result in self.executor.map(
                work.label, todo, labelling.slot, labelling.shared
            ):
                results.append(labelling.keep(todo[index], result))
                advance()
        return [result for result in results if isinstance(result, Failure)]

    def predict(self, number: int, frames: Sequence[Atoms], title: str) -> list[Prediction]:
        """What the committee of round `number` says of frames, in their order."""
        shared = self._committee(number)
        results = self._all(work.predict, steps.chunks(frames), shared, title)
        return [prediction for result in results for prediction in result]

    def walk(
        self,
        number: int,
        options: DynamicsOptions,
        known: Sequence[Atoms],
        rng: np.random.Generator,
    ) -> list[Any]:
        """Walks (`sampling.dynamics.Walk`) from known frames, driven by a round's committee."""
        shared = work.WalkWork(self._committee(number), options, self.run.campaign.sanity)
        return self._all(
            work.walk, walk_starts(self.run.campaign, options, known, rng), shared, "dynamics"
        )

    def train(self, number: int, data: TrainingSet, members: Sequence[Member]) -> None:
        """Train those members whose checkpoints are not there yet."""
        missing = steps.untrained(members)
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
                    raise fatal(f"training {names[index]}", result)

    def _committee(self, number: int) -> work.CommitteeWork:
        return steps.committee(self.run, number, self.member_slot)

    def _all(self, function: Work, items: Sequence[Any], shared: Any, title: str) -> list[Any]:
        """Results in the order of the items."""
        results: list[Any] = [None] * len(items)
        with self.console.progress(title, len(items)) as advance:
            for index, result in self.executor.map(function, items, self.member_slot, shared):
                if isinstance(result, Lost):
                    raise fatal(title, result)
                results[index] = result
                advance()
        return results


def fatal(title: str, lost: Lost) -> UserError:
    """The sentence for work that a campaign cannot go on without."""
    return UserError(
        f"{title}: {lost.reason}; see whether memory ran out, then run again to resume"
    )
