"""The process that runs reference codes: one JSON line in, one JSON line out.

Started by `isolate`, in a process group and a scratch folder of its
own; each request names a fresh folder to work in. It ends when its standard input does, which
also happens when its owner dies in any way.
"""

import importlib
import json
import os
import queue
import shutil
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from pydantic import TypeAdapter

from activecharge.errors import UserError
from activecharge.reference.failure import ReferenceFailure, Refusal
from activecharge.reference.gates import gate
from activecharge.reference.reference_options import GateOptions, ReferenceOptions

CODES = {
    "tblite": "activecharge.reference.codes.tblite.tblite",
    "xtb": "activecharge.reference.codes.xtb",
    "cp2k": "activecharge.reference.codes.cp2k.cp2k",
    "pyscf": "activecharge.reference.codes.pyscf",
    "ase": "activecharge.reference.codes.ase",
    "recorded": "activecharge.reference.codes.recorded",
    "command": "activecharge.reference.codes.command",
}
"""Module of each kind of reference: it has `label(atoms, options)` and `settings(options)`, and
may have `remedies(options)`, the settings to try next when a run has failed."""


def main() -> None:
    """Answer requests until standard input ends."""
    # Libraries written in Fortran print to descriptor 1; keep the answers' pipe out of reach.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, Path.cwd()), daemon=True).start()
    _send(answers, {"ready": True})
    try:
        while True:
            _send(answers, answer(json.loads(requests.get())))
    except BaseException:
        # A fault of this program. Ending at once closes the pipe together with the process,
        # so that the owner finds an exit code.
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Make one label.

    Parameters
    ----------
    request : dict
        `numbers`, `positions` (Å), `cell` (Å), `pbc`, the frame's `name` for sentences,
        `reference` and `gates`, the settings, `attempt`, counted from 0, and `folder`, the
        empty one to work in.

    Returns
    -------
    dict
        `values` and `settings`; or `failure`, a fault of the code on this configuration, with
        `final` if trying again is in vain; or `mistake`, a sentence for the user. Any other
        exception ends the process.
    """
    options = TypeAdapter(ReferenceOptions).validate_python(request["reference"])
    code = importlib.import_module(CODES[options.kind])
    atoms = Atoms(
        **{key: request[key] for key in ("numbers", "positions", "cell", "pbc")},
        info={"name": request["name"]},
    )
    os.chdir(request["folder"])
    plans = [options, *getattr(code, "remedies", lambda _: [])(options)]
    options = plans[min(request["attempt"], len(plans) - 1)]
    try:
        values: dict[str, np.ndarray] = code.label(atoms, options)
        settings = code.settings(options)
    except ReferenceFailure as failure:
        return {"failure": str(failure), "final": isinstance(failure, Refusal)}
    except UserError as mistake:
        return {"mistake": str(mistake)}
    except OSError as error:  # a full disk, say
        return {"failure": f"the files of the run cannot be written or read ({error})"}
    refusal = gate(atoms, values, GateOptions(**request["gates"]), options.kind)
    if refusal is not None:
        return {"failure": refusal}
    return {
        "values": {name: value.tolist() for name, value in values.items()},
        "settings": settings,
    }


def _listen(requests: "queue.SimpleQueue[str]", scratch: Path) -> None:
    """Hand on the lines of standard input, and end the whole group with it.

    This thread also sees the end while a code computes or hangs, because the codes release
    the interpreter lock.
    """
    for line in sys.stdin:
        requests.put(line)
    # The owner removes the folder too; after the owner's death only this process can.
    shutil.rmtree(scratch, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def _send(stream: Any, message: dict[str, Any]) -> None:
    # JSON writes the shortest text that gives back the same float.
    stream.write(json.dumps(message) + "\n")
    stream.flush()
