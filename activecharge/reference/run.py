"""One configuration in, one trustworthy label or the reason why there is none out."""

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from activecharge.errors import UserError
from activecharge.records import Candidate, Failure, Label
from activecharge.reference.failure import ReferenceFailure
from activecharge.reference.isolation.isolate import shared_worker
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
        A failure if each attempt crashed, ran out of time, did not converge, or was refused by
        a gate.

    Raises
    ------
    UserError
        If the code is not installed or cannot be started, whatever the configuration.
    """
    reasons: list[str] = []
    for attempt in range(reference.retries + 1):
        kept = failed and failed / candidate.hash / f"attempt-{attempt}"
        request = _request(candidate, reference, gates, attempt)
        answer = _ask(request, reference, threads, kept)
        if "mistake" in answer:
            raise UserError(answer["mistake"])
        if "values" in answer:
            values = {name: np.array(x, dtype=float) for name, x in answer["values"].items()}
            # Former attempts leave no trace here: a label is the same whoever made it hard.
            return Label(candidate, values, reference.kind, answer["settings"])
        if kept is not None:
            _keep_input(kept, candidate, reference)
        reasons.append(answer["failure"])
        if answer.get("final"):
            break
    tried = f" (tried {len(reasons)} times)" if len(reasons) > 1 else ""
    return Failure(candidate, reasons[-1] + tried)


def _request(
    candidate: Candidate, reference: ReferenceOptions, gates: GateOptions, attempt: int
) -> dict[str, Any]:
    atoms = candidate.atoms
    origin = ", ".join(f"{key} {value}" for key, value in candidate.origin.items())
    return {
        "numbers": atoms.numbers.tolist(),
        "positions": atoms.positions.tolist(),
        "cell": atoms.cell.array.tolist(),
        "pbc": atoms.pbc.tolist(),
        "name": f"{candidate.hash} ({origin or candidate.source})",
        "reference": reference.model_dump(mode="json"),
        "gates": gates.model_dump(mode="json"),
        "attempt": attempt,
    }


def _ask(
    request: dict[str, Any], reference: ReferenceOptions, threads: int, kept: Path | None
) -> dict[str, Any]:
    # A user's program may leave processes behind; they must not outlive its label.
    stay = reference.kind != "command"
    try:
        return shared_worker(threads).ask(request, reference.timeout, stay, kept)
    except ReferenceFailure as failure:
        return {"failure": str(failure)}


def _keep_input(folder: Path, candidate: Candidate, reference: ReferenceOptions) -> None:
    """Write what was asked beside what the failed run has left."""
    import ase.io

    # Where a full disk was the fault, the reason alone is kept.
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        ase.io.write(folder / "frame.extxyz", candidate.atoms, format="extxyz")
        text = json.dumps(reference.model_dump(mode="json"), indent=1)
        (folder / "reference.json").write_text(text + "\n", encoding="utf-8")
