"""One configuration in, one trustworthy label or the reason why there is none out."""

import numpy as np

from activecharge.errors import UserError
from activecharge.records import Candidate, Failure, Label
from activecharge.reference.failure import ReferenceFailure
from activecharge.reference.gates import gate
from activecharge.reference.isolate import shared_worker
from activecharge.reference.options import GateOptions, ReferenceOptions


def label_candidate(
    candidate: Candidate, reference: ReferenceOptions, gates: GateOptions, threads: int = 1
) -> Label | Failure:
    """Label one configuration in an isolated process and check the label.

    The same candidate, settings and thread count give bitwise the same values.

    Parameters
    ----------
    candidate : Candidate
    reference : ReferenceOptions
        Settings of the code.
    gates : GateOptions
        Tolerances of the physical checks.
    threads : int
        Threads the code may use.

    Returns
    -------
    Label or Failure
        A failure if the code crashed, ran out of time, did not converge, or a gate refused.

    Raises
    ------
    UserError
        If the code is not installed or cannot be started, whatever the configuration.
    """
    atoms = candidate.atoms
    request = {
        "numbers": atoms.numbers.tolist(),
        "positions": atoms.positions.tolist(),
        "cell": atoms.cell.array.tolist(),
        "pbc": atoms.pbc.tolist(),
        "reference": reference.model_dump(mode="json"),
    }
    try:
        # A user's program may leave processes behind; they must not outlive its label.
        keep = reference.kind != "command"
        answer = shared_worker(threads).ask(request, reference.timeout, keep)
    except ReferenceFailure as failure:
        return Failure(candidate, str(failure))
    if "mistake" in answer:
        raise UserError(answer["mistake"])
    if "failure" in answer:
        return Failure(candidate, answer["failure"])
    values = {name: np.array(value, dtype=float) for name, value in answer["values"].items()}
    refusal = gate(atoms, values, gates)
    if refusal is not None:
        return Failure(candidate, refusal)
    return Label(candidate, values, reference.kind, answer["settings"])
