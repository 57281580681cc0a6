"""The loop: explore, score, select, label, commit, train; one after another, or all at once."""

import time
from collections.abc import Callable
from typing import Any

from activecharge.campaign import stages
from activecharge.campaign.crew import Crew
from activecharge.campaign.flow import Flow
from activecharge.campaign.rundir import RunDirectory
from activecharge.campaign.stop import stop_reason
from activecharge.campaign.streaming import stream
from activecharge.campaign.summary import report_campaign


def run_campaign(run: RunDirectory, crew: Crew) -> str:
    """Run a campaign stage by stage to its end, or on from where an earlier process was stopped.

    Disk is the truth: every stage leaves its result in the run directory, whole or not at all,
    and what is there is not done again. Returns the reason why the campaign stopped.
    """
    _do(run, crew, 0, stages.holdout)
    number = 0
    while True:
        crew.console.line(f"round {number}")
        if not run.round(number).selection.exists():
            if number == 0:
                _do(run, crew, number, stages.begin)
            else:
                candidates = _do(run, crew, number, stages.explore)
                scored = _do(run, crew, number, stages.score, candidates)
                _do(run, crew, number, stages.select, scored)
        _do(run, crew, number, stages.label)
        labels = _do(run, crew, number, stages.commit)
        _do(run, crew, number, stages.train, labels)
        _do(run, crew, number, stages.test)
        reason = stop_reason(run, number)
        if reason or number == run.rounds() - 1:
            _do(run, crew, number, report_campaign, reason)
        if reason:
            run.journal.append("stopped", round=number, reason=reason)
            return reason
        number += 1


def run_streaming(run: RunDirectory, crew: Crew) -> str:
    """Run a campaign whose stages overlap to its end, or on from wherever it was stopped.

    Returns the reason why the campaign stopped.
    """
    flow = Flow(run, crew.console)
    stream(flow, crew.executor)
    if flow.ledger.committee is None:
        raise stages.no_labels(run)
    reason = flow.ledger.reason
    run.journal.append("stopped", round=run.rounds() - 1, reason=reason)
    return reason


def _do(
    run: RunDirectory, crew: Crew, number: int, stage: Callable[..., stages.Done], *inputs: Any
) -> Any:
    """Do a stage: time it, journal it, say what it brought, and hand on its value."""
    start = time.monotonic()
    done = stage(run, crew, number, *inputs)
    seconds = round(time.monotonic() - start, 3)
    name = stage.__name__.split("_")[0]
    run.journal.append("stage", round=number, stage=name, seconds=seconds, result=done.text)
    crew.console.stage(name, done.text, seconds)
    return done.value
