"""How a campaign comes along, from its files alone, which outlive any cluster."""

import math
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.monitor.status import Status, status
from activecharge.execution.execution_log import EVERY, Died, Ended, LoadLine, LogReader, Noted
from activecharge.jsonl import read_lines
from activecharge.records import BlindPair, Label
from activecharge.report.metrics import mean_absolute, pair_errors

FRESH = 6 * EVERY
"""Age up to which a line on the load still tells what is under way [s]."""

ROUNDS_SHOWN = 4
"""Last rounds whose errors are looked at."""


@dataclass(frozen=True)
class Curve:
    """The training of one member.

    Attributes
    ----------
    name : str
    entries : tuple of dict
        Its history so far, see `learning.trainer.train_member`.
    steps : int
        Steps at its end, unless it ends early.
    """

    name: str
    entries: tuple[dict[str, float], ...]
    steps: int


@dataclass(frozen=True)
class Progress:
    """A campaign at one moment.

    Attributes
    ----------
    status : Status
    load : LoadLine or None
        None where nothing is known to be under way.
    deaths : int
        Workers and nodes that died.
    last_death : str
    silence : float
        Time since anything was heard of the campaign [s].
    elapsed : float
        Time since it was started or resumed [s], up to its last sign of life.
    per_hour : float
        Labels per hour in that time.
    left : float
        Estimated time to its end [s], at most; NaN where there is no telling.
    round_trained : int or None
        The round whose members `curves` are.
    curves : tuple of Curve
    errors : dict of int to dict
        MAE on the test set by round and property.
    control : dict
        MAE on the last complete round's control labels by property, from before they were
        learnt from.
    """

    status: Status
    load: LoadLine | None
    deaths: int
    last_death: str
    silence: float
    elapsed: float
    per_hour: float
    left: float
    round_trained: int | None
    curves: tuple[Curve, ...]
    errors: dict[int, dict[str, float]]
    control: dict[str, float]


class Observer:
    """Looks at a campaign again and again; what does not change is read once.

    Parameters
    ----------
    run : RunDirectory
    """

    def __init__(self, run: RunDirectory):
        self._run = run
        self._log = LogReader(run.path / "facts.jsonl")
        self._load: Noted | None = None
        self._labelled: list[float] = []
        self._deaths, self._last_death = 0, ""
        self._last_fact = -math.inf
        self._control: dict[int, dict[str, float]] = {}

    def look(self) -> Progress:
        """The campaign at this moment."""
        run, now = self._run, time.time()
        self._take_facts()
        found = status(run)
        events = run.journal.events()
        begun = next((_moment(e) for e in reversed(events) if e["event"] == "started"), now)
        last = max([self._last_fact, *map(_moment, events[-1:])]) if events else now
        elapsed = max(last - begun, 0.0)
        labelled = sum(moment >= begun for moment in self._labelled)
        trained = sum(e.get("stage") == "train" and _moment(e) >= begun for e in events)
        per_hour = 3600 * labelled / elapsed if elapsed else math.nan
        number, curves = self._curves()
        load = None
        if self._load and found.state != "finished" and now - self._load.time < FRESH:
            load = self._load.fact
        assert load is None or isinstance(load, LoadLine)
        return Progress(
            status=found,
            load=load,
            deaths=self._deaths,
            last_death=self._last_death,
            silence=max(now - last, 0.0),
            elapsed=elapsed,
            per_hour=per_hour,
            left=self._left(found, per_hour, elapsed / trained if trained else math.nan),
            round_trained=number,
            curves=curves,
            errors=self._errors(found.rounds),
            control=self._last_control(found.rounds),
        )

    def _take_facts(self) -> None:
        for noted in self._log.read():
            self._last_fact = noted.time
            match noted.fact:
                case LoadLine():
                    self._load = noted
                case Ended(kind="label"):
                    self._labelled.append(noted.time)
                case Died(kind, reason):
                    self._deaths += 1
                    self._last_death = f"{kind}: {reason}"

    def _left(self, found: Status, per_hour: float, per_round: float) -> float:
        """Until the label budget or the rounds are spent, whichever comes first [s]."""
        if found.state == "finished":
            return 0.0
        stop = self._run.campaign.stop
        rounds = stop.rounds + 1 - (newest_training(self._run) or 0)
        estimates = [per_round * max(rounds, 0)]
        if stop.labels is not None and per_hour > 0:
            estimates.append(3600 * max(stop.labels - found.labels, 0) / per_hour)
        return min((x for x in estimates if not math.isnan(x)), default=math.nan)

    def _curves(self) -> tuple[int | None, tuple[Curve, ...]]:
        number = newest_training(self._run)
        if number is None:
            return None, ()
        folder, options = self._run.round(number), self._run.campaign.training
        inputs = folder.read_inputs()
        warm = number > 0 if inputs is None else inputs.start is not None
        steps = options.warm_steps if warm else options.steps
        histories = sorted(folder.members.glob("member-*/history.jsonl"))
        return number, tuple(Curve(p.parent.name, tuple(read_lines(p)), steps) for p in histories)

    def _errors(self, rounds: int) -> dict[int, dict[str, float]]:
        found = {n: self._run.round(n).read_test_errors() for n in range(rounds)}
        last = [n for n, errors in found.items() if errors][-ROUNDS_SHOWN:]
        return {n: mean_absolute(found[n]) for n in last}

    def _last_control(self, rounds: int) -> dict[str, float]:
        """Errors on control labels: of the last round that has all its labels and such errors."""
        labelled, failed = self._run.labels.names()
        for number in range(rounds - 1, max(rounds - 1 - ROUNDS_SHOWN, 0), -1):
            if number not in self._control:
                if not labelled | failed >= set(self._run.round(number).read_hashes()):
                    continue
                self._control[number] = _control_errors(self._run, number)
            if self._control[number]:
                return self._control[number]
        return {}


def newest_training(run: RunDirectory) -> int | None:
    """The last round whose members are trained or being trained."""
    return next((n for n in reversed(range(run.rounds())) if run.round(n).members.exists()), None)


def _control_errors(run: RunDirectory, number: int) -> dict[str, float]:
    """MAE by property on a round's control labels, before they were learnt from."""
    pairs = [
        BlindPair(label, choice.prediction, choice.why)
        for choice in run.round(number).read_selection()
        if choice.why == "control" and choice.prediction is not None
        if isinstance(label := run.labels.get(choice.candidate.hash), Label)
    ]
    return mean_absolute(pair_errors(pairs))


def _moment(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["time"]).timestamp()
