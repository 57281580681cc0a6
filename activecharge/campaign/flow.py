"""The activities of a streaming campaign: explore, select, train, settle."""

import math
import shutil
import time
from collections import deque
from typing import Any

from activecharge.campaign import bookkeeping, exploration, steps, work
from activecharge.campaign.calibrate import calibrate_round
from activecharge.campaign.console import Console
from activecharge.campaign.executor import Key
from activecharge.campaign.labelling import Labelling
from activecharge.campaign.ledger import Ledger
from activecharge.campaign.resources import NO_PLACE, Slot
from activecharge.campaign.rounds import Lesson
from activecharge.campaign.rundir import RunDirectory
from activecharge.campaign.scheduler import Policy, Standing
from activecharge.campaign.streaming import Activity, Order
from activecharge.campaign.walkers import walk_starts
from activecharge.records import Candidate
from activecharge.sampling.source_options import DynamicsOptions


class Flow:
    """A campaign as `streaming.Plan` has it.

    Everything is in the run directory before anything follows from it, so that a campaign can be
    taken up at any moment. What takes long is done on workers.
    """

    def __init__(self, run: RunDirectory, console: Console):
        self.run, self.console, self.ledger = run, console, Ledger(run)
        options = run.campaign.executor
        self._slot = Slot(options.member_cpus, options.member_gpus)
        self._labelling = Labelling(run, console)
        self.labels = Order(work.label, (), self._labelling.slot, self._labelling.shared)
        self._settled: tuple[int | None, bool] = (None, False)
        self._chosen_at = dict.fromkeys(range(len(self.ledger.rounds)), time.monotonic())
        self._walked: list[Any] | None = None
        self._selecting = 0
        self._activities = {
            "explore": self._explore,
            "select": self._select,
            "train": self._train,
            "settle": self._settle,
        }

    # -- what the scheduler asks ---------------------------------------------------------

    @property
    def queue(self) -> deque[tuple[Key, Any]]:
        """Labels that wait."""
        return self.ledger.queue

    def policy(self, places: int) -> Policy:
        """See `streaming.Plan`."""
        campaign, first = self.run.campaign, len(self.ledger.rounds[0])
        enough = campaign.executor.train_after or campaign.selection.batch
        # The first committee waits for half of the first labels: one of a handful knows little.
        at_first = max(min(enough, first), math.ceil(first / 2))
        low = math.ceil(campaign.executor.queue * places)
        return Policy(enough, at_first, low, enough, campaign.executor.selections)

    def standing(self, under_way: frozenset[str], labelling: int) -> Standing:
        """See `streaming.Plan`."""
        ledger = self.ledger
        stale = self._settled not in ((ledger.committee, ledger.over), (ledger.committee, True))
        return Standing(
            under_way=under_way,
            queued=len(ledger.queue),
            labelling=labelling,
            fresh=ledger.fresh,
            has_committee=ledger.committee is not None,
            selections=ledger.selections,
            round_has_committee=ledger.trained == len(ledger.rounds) - 1,
            explored=self._walked is not None,
            more=ledger.more(),
            more_later=ledger.more(later=1),
            interrupted=ledger.interrupted is not None,
            unsettled=ledger.committee is not None and stale,
        )

    def begin(self, kind: str) -> Activity:
        """See `streaming.Plan`."""
        return self._activities[kind]()

    def keep(self, key: Key, result: Any) -> None:
        """See `streaming.Plan`."""
        ledger, name = self.ledger, str(key)
        kept = self._labelling.keep(ledger.candidate(name), result)
        ledger.keep(name, kept)
        number = ledger.round_of(name)
        if number is not None and ledger.is_complete(number):
            names = ledger.rounds[number]
            failed = sum(n not in ledger.labels for n in names)
            text = f"{len(names)} configurations, {failed} without a label"
            self._done("label", number, self._chosen_at[number], text)
            if number:
                ledger.look_at_targets(number)

    # -- activities ----------------------------------------------------------------------

    def _explore(self) -> Activity:
        """Let walkers run for the next round; those of a round on disk already have run."""
        run, ledger, start = self.run, self.ledger, time.monotonic()
        number, committee = len(ledger.rounds) + self._selecting, self._at_work(ledger.committee)
        known = [label.candidate.atoms for label in ledger.dataset()]
        walks = []
        sources = [] if run.round(number).candidates.exists() else run.campaign.explore
        for index, source in enumerate(sources):
            if isinstance(source, DynamicsOptions):
                rng = exploration.random(run, number, "explore", index)
                shared = work.WalkWork(committee, source, run.campaign.sanity)
                starts = walk_starts(run.campaign, source, known, rng)
                walks.append((yield Order(work.walk, starts, self._slot, shared)))
        frames = sum(len(walk.frames) for batch in walks for walk in batch)
        self._done("explore", number, start, f"{frames} frames of dynamics")
        self._walked = walks

    def _select(self) -> Activity:
        """Gather candidates, rate them, and choose a round of them."""
        run, ledger, start = self.run, self.ledger, time.monotonic()
        number, by = len(ledger.rounds), ledger.committee
        committee = self._at_work(by)
        known = [label.candidate.atoms for label in ledger.dataset()]
        item: tuple[Any, ...] = (number, known, self._walked)
        self._walked, self._selecting = None, 1
        [(candidates, text)] = yield Order(bookkeeping.gather, [item], NO_PLACE, run)
        self._done("gather", number, start, text)
        start = time.monotonic()
        frames = [candidate.atoms for candidate in candidates] + known
        frames += [candidate.atoms for candidate in ledger.pending.values()]
        results = yield Order(work.predict, steps.chunks(frames), self._slot, committee)
        said = [prediction for result in results for prediction in result]
        split = len(candidates)
        item = (number, candidates, said[:split], said[split:], ledger.room(), by)
        [(chosen, rated, text)] = yield Order(bookkeeping.choose, [item], NO_PLACE, run)
        self._done("score", number, start, rated)
        self._done("select", number, None, f"{text}, by the committee of round {by}")
        self._selecting = 0
        self._add_round(number, chosen, by)

    def _at_work(self, number: int | None) -> work.CommitteeWork:
        """The committee of a round, which there must be."""
        assert number is not None
        return steps.committee(self.run, number, self._slot)

    def _train(self) -> Activity:
        """Train the next committee on all labels that are in, or go on with one."""
        run, ledger, start = self.run, self.ledger, time.monotonic()
        number = ledger.interrupted
        if number is None:
            number = self._new_lesson()
        ledger.begin_training(number)
        lesson = run.round(number).read_lesson()
        assert lesson is not None
        labels = [ledger.labels[name] for name in lesson.labels if name in ledger.labels]
        data = steps.training_set(run, labels)
        members = steps.members(run, number, lesson.start)
        [calibrated] = yield Order(calibrate_round, [number], NO_PLACE, run)
        missing = steps.untrained(members)
        yield Order(work.train, missing, self._slot, (data, self._slot))
        ledger.add_committee(number, len(labels))
        taught = f"{len(data.train)} labels, {len(data.valid)} to validate"
        self._done("train", number, start, f"{data.training.models_text} on {taught}; {calibrated}")

    def _new_lesson(self) -> int:
        """Write down what the next committee learns from; returns its round."""
        run, ledger = self.run, self.ledger
        number = len(ledger.rounds) - 1
        if ledger.trained == number:
            # All is chosen, and the last round had its committee before all labels were in: a
            # round without a choice takes the one that knows them all.
            number += 1
            run.round(number).candidates.unlink(missing_ok=True)
            run.round(number).write_selection([])
            self._add_round(number, [], None)
        names = tuple(label.candidate.hash for label in ledger.dataset())
        shutil.rmtree(run.round(number).members, ignore_errors=True)
        run.round(number).write_lesson(Lesson(names, ledger.committee))
        return number

    def _add_round(self, number: int, chosen: list[Candidate], by: int | None) -> None:
        self._chosen_at[number] = time.monotonic()
        self.ledger.add_round(chosen, by)

    def _settle(self) -> Activity:
        """Publish the newest committee and the dataset, judge by the test set, report."""
        run, ledger, start = self.run, self.ledger, time.monotonic()
        over = ledger.over
        self._settled = (ledger.committee, over)
        yield Order(bookkeeping.publish, [ledger.committee], NO_PLACE, run)
        self._done("commit", len(ledger.rounds) - 1, start, f"{len(ledger.labels)} labels")
        if ledger.tested and not ledger.test_pending:
            frames = [label.candidate.atoms for label in run.test_labels()]
            while ledger.unjudged:
                number, start = ledger.unjudged[0], time.monotonic()
                judged = self._at_work(number)
                results = yield Order(work.predict, steps.chunks(frames), self._slot, judged)
                said = [prediction for result in results for prediction in result]
                [text] = yield Order(bookkeeping.judge, [(number, said)], NO_PLACE, run)
                ledger.unjudged.remove(number)
                self._done("test", number, start, text)
        start = time.monotonic()
        reason = ledger.reason if over else ""
        [text] = yield Order(bookkeeping.report, [reason], NO_PLACE, run)
        self._done("report", len(ledger.rounds) - 1, start, text)

    def _done(self, stage: str, number: int, start: float | None, text: str) -> None:
        """Journal a finished stage and say what it brought."""
        seconds = 0.0 if start is None else round(time.monotonic() - start, 3)
        self.run.journal.append("stage", round=number, stage=stage, seconds=seconds, result=text)
        self.console.stage(stage, f"round {number}: {text}", seconds)
