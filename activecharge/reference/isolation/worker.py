"""The process that runs reference codes: one line in, one line out, as `messages` says.

Started by `child`, in a process group and a scratch folder of its
own; each run names a fresh folder to work in. It ends when its standard input does, which
also happens when its owner dies in any way.
"""

import os
import queue
import shutil
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import TextIO

from activecharge.errors import UserError
from activecharge.reference.codes.code_table import CODES
from activecharge.reference.failure import ReferenceFailure, Retry
from activecharge.reference.gates import gate
from activecharge.reference.isolation.messages import Answer, Failed, Labelled, Mistaken, Run
from activecharge.rounding import as_stored


def main() -> None:
    """Answer requests until standard input ends."""
    # Libraries written in Fortran print to descriptor 1; keep the answers' pipe out of reach.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, Path.cwd()), daemon=True).start()
    _send(answers, "ready")
    try:
        while True:
            _send(answers, answer(Run.model_validate_json(requests.get())).model_dump_json())
    except BaseException:
        # A fault of this program. Ending at once closes the pipe together with the process,
        # so that the owner finds an exit code.
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def answer(run: Run) -> Answer:
    """Make one label, rounded as files store it, and check it.

    Exceptions other than those of a code on a configuration and of the user end the process.
    """
    request = run.request
    options, atoms = request.reference, request.atoms()
    code = CODES[options.kind]
    os.chdir(run.folder)
    try:
        values = {name: as_stored(value) for name, value in code.label(atoms, options).items()}
        settings = code.settings(options)
    except ReferenceFailure as failure:
        return Failed(reason=str(failure), retry=failure.retry)
    except UserError as mistake:
        return Mistaken(sentence=str(mistake))
    except OSError as error:  # a full disk, say
        reason = f"the files of the run cannot be written or read ({error})"
        return Failed(reason=reason, retry=Retry.ALWAYS)
    breach = gate(atoms, values, request.gates, options.kind)
    if breach is not None:
        return Failed(reason=breach.sentence, retry=breach.retry)
    return Labelled.of(values, settings)


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


def _send(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()
