"""One configuration in, one trustworthy label or the reason why there is none out."""

import contextlib
import json
from pathlib import Path

from activecharge.errors import UserError
from activecharge.records import Candidate, Failure, Label, Missing
from activecharge.reference.failure import ReferenceFailure, Retry
from activecharge.reference.isolation.isolate import shared_worker
from activecharge.reference.isolation.messages import (
    Failed,
    Labelled,
    Mistaken,
    Request,
)
from activecharge.reference.reference_options import GateOptions, ReferenceOptions


def label_candidate(
    candidate: Candidate,
    reference: ReferenceOptions,
    gates: GateOptions,
    threads: int = 1,
    failed: Path | None = None,
) -> Label | Failure:
    """Label one configuration in an isolated process and check the label.

    The same candidate, settings and thread count give bitwise the same values.

    Parameters
    ----------
    candidate : Candidate
    reference : ReferenceOptions
        Settings of the code, with how often a failed run is tried again.
    gates : GateOptions
        Tolerances of the physical checks.
    threads : int
        Threads the code may use.
    failed : pathlib.Path, optional
        Folder that keeps input and output of failed runs, as `<hash>/attempt-<n>`.

    Returns
    -------
    Label or Failure
        A failure if no attempt passed; `failure.Retry` says when there is another. `Missing` where
        labels are made outside of the program and this one is not there yet.

    Raises
    ------
    UserError
        If the code is not installed or cannot be started, whatever the configuration.
    """
    plans = [reference, *reference.remedies()]
    for attempt in range(reference.retries + 1):
        plan = plans[min(attempt, len(plans) - 1)]
        kept = failed and failed / candidate.hash / f"attempt-{attempt}"
        made = _attempt(candidate, plan, gates, threads, kept)
        if isinstance(made, Label):
            return made
        if made.retry is Retry.LATER:
            return Missing(candidate, made.reason)
        reason = made.reason
        if not made.retry.is_worth_it(remedies_left=attempt + 1 < len(plans)):
            break
    tried = f" (tried {attempt + 1} times)" if attempt else ""
    return Failure(candidate, reason + tried)


def _attempt(
    candidate: Candidate,
    reference: ReferenceOptions,
    gates: GateOptions,
    threads: int,
    kept: Path | None,
) -> Label | Failed:
    """Run once, and keep what a failed run was asked and has left."""
    try:
        request = Request.of(candidate, reference, gates)
        answer = shared_worker(threads).ask(request, kept)
    except ReferenceFailure as failure:
        answer = Failed(reason=str(failure), retry=failure.retry)
    if isinstance(answer, Mistaken):
        raise UserError(answer.sentence)
    if isinstance(answer, Labelled):
        # Former attempts leave no trace here: a label is the same whoever made it hard.
        return Label(candidate, answer.values(), reference.kind, dict(answer.settings))
    if kept is not None and answer.retry is not Retry.LATER:
        _keep_input(kept, candidate, reference)
    return answer


def _keep_input(folder: Path, candidate: Candidate, reference: ReferenceOptions) -> None:
    """Write what was asked beside what the failed run has left."""
    import ase.io

    # Where a full disk was the fault, the reason alone is kept.
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        ase.io.write(folder / "frame.extxyz", candidate.atoms, format="extxyz")
        text = json.dumps(reference.model_dump(mode="json"), indent=1)
        (folder / "reference.json").write_text(text + "\n", encoding="utf-8")
