"""What a streaming campaign knows: read from the run directory, then kept up to date."""

from collections import deque

from activecharge.campaign import exploration, steps
from activecharge.campaign.executor import Key
from activecharge.campaign.rundir import RunDirectory
from activecharge.campaign.stop import limit_reached, targets_reached
from activecharge.records import Candidate, Failure, Label


class Ledger:
    """Rounds, labels and committees of a streaming campaign.

    Round N is the N-th selection. A committee belongs to the round that was the last when its
    training began.

    Parameters
    ----------
    run : RunDirectory

    Attributes
    ----------
    queue : deque of (str, Candidate)
        Labels that wait, by content hash; those of the test set first.
    rounds : list of list of str
        Content hashes of what each round chose.
    labels : dict of str to Label
        The dataset so far, in no particular order.
    pending : dict of str to Candidate
        Chosen, and neither labelled nor failed.
    tested, test_pending : dict
        The same for the test set.
    committee : int or None
        Round of the newest committee.
    chosen_by : list of int or None
        For each round the committee that chose it, by its round.
    trained : int
        Last round whose training was begun; -1 before the first.
    interrupted : int or None
        Round of a training that was begun and is not under way.
    unjudged : list of int
        Committees without errors on the test set.
    """

    def __init__(self, run: RunDirectory):
        self.run = run
        self.queue: deque[tuple[Key, Candidate]] = deque()
        self.rounds: list[list[str]] = []
        self.labels: dict[str, Label] = {}
        self.pending: dict[str, Candidate] = {}
        self.tested: dict[str, Label] = {}
        self.test_pending: dict[str, Candidate] = {}
        self.committee: int | None = None
        self.chosen_by: list[int | None] = []
        self.trained = -1
        self.interrupted: int | None = None
        self.unjudged: list[int] = []
        self._learnt = 0
        self._target = ""
        for candidate in exploration.draw_test(run):
            self._enter(candidate, self.tested, self.test_pending)
        if not run.rounds():
            exploration.draw_initial(run)
        for number in range(run.rounds()):
            chosen = run.round(number).read_selection()
            before = number - 1 if number else None
            by = next((c.committee for c in chosen if c.committee is not None), before)
            self.add_round([item.candidate for item in chosen], by)
        self._read_committees()
        for number in range(1, len(self.rounds)):
            self.look_at_targets(number)

    # -- rounds --------------------------------------------------------------------------

    def add_round(self, chosen: list[Candidate], by: int | None) -> None:
        """Take up a selection that is on disk, and by which committee it was made."""
        self.chosen_by.append(by)
        self.rounds.append([candidate.hash for candidate in chosen])
        for candidate in chosen:
            self._enter(candidate, self.labels, self.pending)

    def keep(self, name: str, result: Label | Failure) -> None:
        """Take in what came of a label."""
        known, pending = self.labels, self.pending
        if name in self.test_pending:
            known, pending = self.tested, self.test_pending
        del pending[name]
        if isinstance(result, Label):
            known[name] = result

    def candidate(self, name: str) -> Candidate:
        """A configuration that has no label yet."""
        return self.pending[name] if name in self.pending else self.test_pending[name]

    def round_of(self, name: str) -> int | None:
        """The round that chose a configuration; None for those of the test set."""
        return next((n for n, names in enumerate(self.rounds) if name in names), None)

    def is_complete(self, number: int) -> bool:
        """Whether a round has all its labels, but for those that failed."""
        return not any(name in self.pending for name in self.rounds[number])

    def dataset(self) -> list[Label]:
        """All labels but the test set's, in the order of the rounds."""
        return [self.labels[n] for names in self.rounds for n in names if n in self.labels]

    # -- committees ----------------------------------------------------------------------

    @property
    def selections(self) -> int:
        """Rounds that the newest committee chose."""
        return 0 if self.committee is None else self.chosen_by.count(self.committee)

    @property
    def fresh(self) -> int:
        """Labels that no committee has learnt from."""
        return len(self.labels) - self._learnt

    def begin_training(self, number: int) -> None:
        """Note that a round's members are being trained."""
        self.trained, self.interrupted = number, None

    def add_committee(self, number: int, labels: int) -> None:
        """Take up a trained committee that learnt from so many labels."""
        self.committee, self._learnt = number, labels
        if not self.run.round(number).test_errors.exists():
            self.unjudged.append(number)

    def _read_committees(self) -> None:
        count = 0
        for number, names in enumerate(self.rounds):
            count += sum(name in self.labels for name in names)
            lesson = self.run.round(number).read_lesson()
            if not steps.untrained(steps.members(self.run, number, None)):
                self.trained = number
                learnt = count if lesson is None else sum(n in self.labels for n in lesson.labels)
                self.add_committee(number, learnt)
            elif lesson is not None:
                self.trained = self.interrupted = number

    # -- the end -------------------------------------------------------------------------

    def more(self, later: int = 0) -> bool:
        """Whether another selection may be made, if need be `later` selections from now."""
        labels = len(self.labels) + len(self.pending)
        batch = self.run.campaign.selection.batch
        return not self._why(labels + later * batch, later)

    @property
    def reason(self) -> str:
        """Why the campaign ends, once all labels are in."""
        return self._why(len(self.labels))

    @property
    def over(self) -> bool:
        """Whether nothing is left but to publish."""
        return not (self.more() or self.fresh or self.pending or self.test_pending)

    def room(self) -> int | None:
        """Labels that the budget leaves; None without one."""
        budget = self.run.campaign.stop.labels
        return None if budget is None else budget - len(self.labels) - len(self.pending)

    def look_at_targets(self, number: int) -> None:
        """Call off what waits for a label, if a complete round shows that the targets are met."""
        if not self._target and self.is_complete(number):
            self._target = targets_reached(self.run, number)
        if self._target:
            for name, _ in [item for item in self.queue if item[0] in self.pending]:
                del self.pending[str(name)]
            kept = [item for item in self.queue if item[0] in self.test_pending]
            self.queue.clear()
            self.queue.extend(kept)

    def _why(self, labels: int, later: int = 0) -> str:
        last = len(self.rounds) - 1
        limit = limit_reached(self.run.campaign, last + later, labels)
        if self._target or limit or last < 1 or self.rounds[last]:
            return self._target or limit
        return "no candidate was worth a label" if self.run.round(last).found_nothing() else ""

    def _enter(
        self, candidate: Candidate, known: dict[str, Label], pending: dict[str, Candidate]
    ) -> None:
        result = self.run.labels.get(candidate.hash)
        if isinstance(result, Label):
            known[candidate.hash] = result
        elif result is None and not self._target:
            pending[candidate.hash] = candidate
            self.queue.append((candidate.hash, candidate))
