"""What a campaign knows: read from its run directory once, then kept current by its own writes."""

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from activecharge.campaign.disk.round_folder import TrainingInputs
from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.model import ARCHITECTURE
from activecharge.records import BlindPair, Candidate, Choice, Failure, Label


@dataclass(frozen=True)
class Round:
    """A selection, and what followed from it.

    Attributes
    ----------
    number : int
    choices : tuple of Choice
    """

    number: int
    choices: tuple[Choice, ...]

    @property
    def chosen_by(self) -> int | None:
        """Round of the committee that chose; None in the first round, and where nothing was."""
        return next((c.committee for c in self.choices if c.committee is not None), None)


@dataclass(frozen=True)
class DatasetRow:
    """One labelled configuration: in which round it was chosen, why, and its label."""

    round: int
    choice: Choice
    label: Label


class CampaignState:
    """Rounds, labels and committees of a campaign.

    Round N is the N-th selection. A committee is named by the round that was the last when its
    training began.

    Parameters
    ----------
    run : RunDirectory

    Attributes
    ----------
    rounds : list of Round
    test : tuple of Choice or None
        The test set; None before it is drawn.
    labels, failures : dict
        By content hash, those of the test set among them.
    pending : dict of str to Candidate
        Chosen, and neither labelled nor failed nor called off.
    waiting : deque of (str, Candidate)
        Those of them that wait for a worker; those of the test set first.
    committee : int or None
        The newest committee.
    inputs : dict of int to TrainingInputs
        What committees learnt from, or are learning from.
    interrupted : int or None
        A training that was begun by a process that is no more.
    unjudged : list of int
        Committees without errors on the test set.
    target : str
        The clause that says which target is met; empty before one is.
    """

    def __init__(self, run: RunDirectory):
        self.run = run
        self.rounds: list[Round] = []
        self.test: tuple[Choice, ...] | None = None
        self.labels: dict[str, Label] = {}
        self.failures: dict[str, Failure] = {}
        self.pending: dict[str, Candidate] = {}
        self.waiting: deque[tuple[Hashable, Candidate]] = deque()
        self.committee: int | None = None
        self.inputs: dict[int, TrainingInputs] = {}
        self.interrupted: int | None = None
        self.unjudged: list[int] = []
        self.target = ""
        self._round_of: dict[str, int] = {}
        self._learnt: frozenset[str] = frozenset()
        self._tested: frozenset[str] = frozenset()
        if run.test.selection.exists():
            self.set_test(run.test.read_selection())
        for number in range(run.rounds()):
            self.add_round(_with_committee(run.round(number).read_selection(), number))
        self._read_committees()

    # -- selections and labels -----------------------------------------------------------

    def set_test(self, choices: Sequence[Choice]) -> None:
        """Take up the test set, which is on disk."""
        self.test = tuple(choices)
        self._tested = frozenset(choice.candidate.hash for choice in choices)
        self._enter(choices)

    def add_round(self, choices: Sequence[Choice]) -> None:
        """Take up a selection, which is on disk."""
        number = len(self.rounds)
        self.rounds.append(Round(number, tuple(choices)))
        self._round_of |= {choice.candidate.hash: number for choice in choices}
        self._enter(choices)

    def keep(self, result: Label | Failure) -> None:
        """Take in what came of a label, which is on disk."""
        name = result.candidate.hash
        del self.pending[name]
        if isinstance(result, Label):
            self.labels[name] = result
        else:
            self.failures[name] = result

    def call_off(self, reason: str) -> None:
        """Ask for no more labels but those of the test set: a target is met."""
        self.target = reason
        kept = [(name, c) for name, c in self.waiting if name in self._tested]
        for name, _ in self.waiting:
            if name not in self._tested:
                del self.pending[str(name)]
        self.waiting.clear()
        self.waiting.extend(kept)

    def is_test(self, name: str) -> bool:
        """Whether a content hash is one of the test set."""
        return name in self._tested

    def is_complete(self, choices: Iterable[Choice]) -> bool:
        """Whether all are labelled, but for those that failed."""
        return not any(choice.candidate.hash in self.pending for choice in choices)

    def failed(self, choices: Iterable[Choice]) -> int:
        """How many have no label."""
        return sum(choice.candidate.hash not in self.labels for choice in choices)

    def round_of(self, name: str) -> int:
        """The round that chose a configuration."""
        return self._round_of[name]

    def rows(self, rounds: int | None = None) -> list[DatasetRow]:
        """The dataset in order, or that of so many first rounds."""
        return [row for found in self.rounds[:rounds] for row in self.rows_of(found.number)]

    def rows_of(self, number: int) -> list[DatasetRow]:
        """The labels of one round, in the order of its choices."""
        return [
            DatasetRow(number, choice, self.labels[choice.candidate.hash])
            for choice in self.rounds[number].choices
            if choice.candidate.hash in self.labels
        ]

    def test_labels(self) -> list[Label]:
        """Labels of the test set."""
        names = (choice.candidate.hash for choice in self.test or ())
        return [self.labels[name] for name in names if name in self.labels]

    def blind_pairs(self, number: int) -> list[BlindPair]:
        """Labels of a round with what the committee that chose them said before."""
        return [
            BlindPair(row.label, row.choice.prediction, row.choice.why)
            for row in self.rows_of(number)
            if row.choice.prediction is not None
        ]

    # -- counts --------------------------------------------------------------------------

    @property
    def dataset_size(self) -> int:
        """Labels in the dataset."""
        return len(self.labels) - sum(name in self.labels for name in self._tested)

    @property
    def dataset_pending(self) -> int:
        """Labels of the dataset that are still to come."""
        return sum(name not in self._tested for name in self.pending)

    @property
    def fresh(self) -> int:
        """Labels that the newest committee, or the one in training, has not learnt from."""
        names = self.labels.keys() - self._tested
        return len(names - self._learnt)

    @property
    def selections(self) -> int:
        """Rounds that the newest committee chose."""
        if self.committee is None:
            return 0
        return sum(found.chosen_by == self.committee for found in self.rounds)

    @property
    def trained(self) -> int:
        """The last round whose training was begun; -1 before the first."""
        return max(self.inputs, default=-1)

    # -- committees ----------------------------------------------------------------------

    def begin_training(self, number: int, inputs: TrainingInputs) -> None:
        """Note what a round's committee learns from, which is on disk."""
        self.inputs[number] = inputs
        self.interrupted = None

    def add_committee(self, number: int) -> None:
        """Take up a committee, which is on disk."""
        self.committee, self._learnt = number, frozenset(self.inputs[number].labels)
        if not self.run.round(number).test_errors.exists():
            self.unjudged.append(number)

    def random(self, number: int, purpose: str, index: int = 0) -> np.random.Generator:
        """Random numbers of one purpose, the same whenever and wherever it is taken up."""
        return np.random.default_rng([self.run.campaign.seed, number, index, *purpose.encode()])

    def _read_committees(self) -> None:
        before: int | None = None
        for number in range(len(self.rounds)):
            folder = self.run.round(number)
            inputs, complete = folder.read_inputs(), _is_trained(folder.members, self.run)
            if inputs is None and complete:  # of version 0.1.0: all labels up to this round
                names = (row.label.candidate.hash for row in self.rows(number + 1))
                inputs = TrainingInputs(tuple(names), before)
            if inputs is None:
                continue
            self.inputs[number] = inputs
            if complete:
                self.add_committee(number)
                before = number
            else:
                self.interrupted = number

    def _enter(self, choices: Iterable[Choice]) -> None:
        for choice in choices:
            candidate = choice.candidate
            result = self.run.labels.get(candidate.hash)
            if isinstance(result, Label):
                self.labels[candidate.hash] = result
            elif isinstance(result, Failure):
                self.failures[candidate.hash] = result
            elif not self.target:
                self.pending[candidate.hash] = candidate
                self.waiting.append((candidate.hash, candidate))


def _with_committee(choices: Sequence[Choice], number: int) -> list[Choice]:
    """Choices of version 0.1.0 do not name the committee where it is that of the round before."""
    return [
        replace(choice, committee=number - 1)
        if number and choice.committee is None and choice.why != "initial"
        else choice
        for choice in choices
    ]


def _is_trained(members: Path, run: RunDirectory) -> bool:
    """Whether all members' checkpoints are there."""
    names = (f"member-{index:02d}" for index in range(run.campaign.training.models))
    return all((members / name / ARCHITECTURE).exists() for name in names)
