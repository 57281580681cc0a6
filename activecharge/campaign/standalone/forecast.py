"""What a campaign will cost, told before it runs: labels, processor hours, memory."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from activecharge.campaign.precheck import precheck
from activecharge.campaign.settings.campaign_options import Campaign
from activecharge.campaign.standalone.measuring import (
    LabelCost,
    kept_times,
    time_labels,
    time_training,
    with_kept,
)
from activecharge.learning.training_set import Member, trainings
from activecharge.records import Candidate
from activecharge.sampling.pool import read_pool
from activecharge.sampling.sieve import Sieve, draw
from activecharge.sampling.source_options import FileOptions, SourceOptions
from activecharge.texts import duration

SAMPLE = 3
"""Frames drawn of each source, to be timed."""

TOLD_APART = ("label", "train")
"""Kinds of work that are told apart from the rest."""


@dataclass(frozen=True)
class Forecast:
    """What a campaign will cost, at most where it can stop earlier.

    Attributes
    ----------
    test, initial, later : int
        Labels of the test set, of the first round, of all others.
    rounds : int
    atoms : tuple of int
        Fewest and most atoms of the frames that were drawn.
    label_seconds : float or None
        Of one label, in the mean; None where it could not be measured.
    label_from, training_from : str
        Where the times are from.
    label_at_least : bool
        Whether larger frames than those timed will cost more.
    label_hours, training_hours, other_hours : float or None
        Processor hours in all; None where not known.
    label_memory, training_memory : float or None
        Of one process [GiB].
    at_a_time : int
        Processes that run at a time here.
    """

    test: int
    initial: int
    later: int
    rounds: int
    atoms: tuple[int, int]
    label_seconds: float | None
    label_from: str
    label_at_least: bool
    label_hours: float | None
    training_hours: float | None
    training_from: str
    other_hours: float | None
    label_memory: float | None
    training_memory: float | None
    at_a_time: int

    def to_json(self) -> dict[str, object]:
        """The same as JSON-able data."""
        return asdict(self)

    def text(self) -> str:
        """The same for people."""
        every = self.test + self.initial + self.later
        least = "at least " if self.label_at_least else ""
        each = "" if self.label_seconds is None else f"{least}{duration(self.label_seconds)} each; "
        lines = [
            f"labels     {every} at most: {self.test} to test on, {self.initial} to begin with, "
            f"{self.later} in {self.rounds} rounds; {self.atoms[0]} to {self.atoms[1]} atoms",
            f"labelling  {least}{_hours(self.label_hours)} ({each}{self.label_from})",
            f"training   {_hours(self.training_hours)} at most ({self.training_from})",
            f"the rest   {_hours(self.other_hours)}"
            + (" (exploring, predicting: by an earlier run)" if self.other_hours else ""),
            f"memory     {_memory(self.label_memory)} a reference run, "
            f"{_memory(self.training_memory)} a training (measured here on small frames)",
        ]
        if self.label_hours is not None and self.training_hours is not None:
            whole = self.label_hours + self.training_hours + (self.other_hours or 0.0)
            wall = duration(3600 * whole / self.at_a_time)
            lines.append(
                f"in all     {least}{_hours(whole)}; {wall} with {self.at_a_time} CPUs busy"
            )
        return "\n".join(lines)


def forecast(campaign: Campaign, directory: Path) -> Forecast:
    """Estimate what a campaign will cost, by labelling and training a little.

    Nothing is written. Times of an earlier run in `directory` with the same reference, model and
    training count more than those measured here, since they are of the campaign's own frames.

    Raises
    ------
    UserError
        As at the beginning of a run: sources that give nothing, a reference that is not installed.
    """
    precheck(campaign, directory)
    test, initial, later = _labels(campaign)
    drawn = list(_drawn(campaign))
    sizes = [len(candidate.atoms) for candidate in drawn]
    kept = kept_times(campaign, directory)
    timed = time_labels(campaign, drawn)
    cost = with_kept(timed, kept)
    hours, memory, how = _training(campaign, timed, kept)
    rounds = campaign.stop.rounds if campaign.explore else 0
    each = campaign.executor.label_cpus * (test + initial + later) / 3600
    return Forecast(
        test=test,
        initial=initial,
        later=later,
        rounds=rounds,
        atoms=(min(sizes), max(sizes)),
        label_seconds=cost.seconds,
        label_from=cost.how,
        label_at_least=cost.at_least,
        label_hours=None if cost.seconds is None else cost.seconds * each,
        training_hours=hours,
        training_from=how,
        other_hours=_rest(campaign, kept, rounds),
        label_memory=timed.memory,
        training_memory=memory,
        at_a_time=campaign.executor.cpus or len(os.sched_getaffinity(0)),
    )


def _rest(campaign: Campaign, kept: Mapping[str, tuple[int, float]], rounds: int) -> float | None:
    """Processor hours of all that is neither label nor training, as an earlier run had them."""
    trained, _ = kept.get("train", (0, 0.0))
    if not trained:
        return None
    seconds = sum(s for kind, (_, s) in kept.items() if kind not in TOLD_APART)
    return seconds / (trained / _trained_apart(campaign)) * (rounds + 1) / 3600


def _training(
    campaign: Campaign, timed: LabelCost, kept: Mapping[str, tuple[int, float]]
) -> tuple[float | None, float | None, str]:
    """Processor hours of all trainings, peak memory of one [GiB], and where that is from."""
    training, apart = campaign.training, _trained_apart(campaign)
    rounds = campaign.stop.rounds if campaign.explore else 0
    cost = time_training(campaign, timed.labels) if timed.labels else None
    memory = cost.memory if cost else None
    cpus = campaign.executor.member_cpus
    count, seconds = kept.get("train", (0, 0.0))
    if count:
        hours = seconds / count * apart * (rounds + 1) * cpus / 3600
        return hours, memory, f"{count} of an earlier run"
    if cost is None:
        return None, None, "nothing to time it with"
    steps = training.steps + rounds * training.warm_steps
    hours = apart * steps * cost.step / 3600
    return hours, memory, f"{apart} times {steps} steps of {1000 * cost.step:.0f} ms, timed here"


def _trained_apart(campaign: Campaign) -> int:
    """Trainings of a round, which run side by side."""
    members = [Member(i, 0, "") for i in range(campaign.training.models)]
    return len(trainings(members, campaign.training))


def _labels(campaign: Campaign) -> tuple[int, int, int]:
    """Labels of the test set, of the first round and of all later ones, at most."""
    test, initial = (sum(map(_count, group)) for group in (campaign.test, campaign.initial))
    stop = campaign.stop
    later = stop.rounds * campaign.selection.batch if campaign.explore else 0
    if stop.labels is not None:
        initial = min(initial, stop.labels)
        # The last batch is labelled whole.
        needed = -(-(stop.labels - initial) // campaign.selection.batch)
        later = min(later, needed * campaign.selection.batch)
    return test, initial, later


def _count(source: SourceOptions) -> int:
    if isinstance(source, FileOptions) and source.count is None:
        return len(read_pool(source.path))
    return int(source.count or 0)


def _drawn(campaign: Campaign) -> Iterator[Candidate]:
    """Some frames of each source that needs nothing labelled, spread over its sizes."""
    rng, sieve = np.random.default_rng(campaign.seed), Sieve(campaign.sanity)
    for source in (*campaign.initial, *campaign.test):
        few = source.model_copy(update={"count": min(SAMPLE, _count(source))})
        yield from draw(few, rng, elements=campaign.elements, known=[], sieve=sieve)


def _hours(hours: float | None) -> str:
    return "not known before a first run" if hours is None else f"{_rounded(hours)} processor hours"


def _memory(gib: float | None) -> str:
    return "not known for" if gib is None else f"{_rounded(gib)} GiB"


def _rounded(value: float) -> str:
    return f"{value:.2g}" if value < 100 else f"{value:.0f}"
