"""Running reference codes in a process that may crash or hang without harm.

Each process that makes labels owns one persistent worker per thread count.
"""

import atexit
import os
import shutil
import tempfile
import threading
from pathlib import Path

from activecharge.reference.failure import Mishap, Retry
from activecharge.reference.isolation.child import Child
from activecharge.reference.isolation.messages import Answer, Failed, Request, Run, read_answer
from activecharge.reference.isolation.salvage import salvage


class Worker:
    """One worker process, started when first needed and again after each fault.

    Parameters
    ----------
    threads : int
        Threads the reference code may use.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._child: Child | None = None
        self._lock = threading.Lock()

    def ask(self, request: Request, kept: Path | None = None) -> Answer:
        """Send a request and wait for its answer, as long as its `reference.timeout` says.

        Starting the worker is not counted.

        Parameters
        ----------
        request : Request
        kept : pathlib.Path, optional
            Where the files of a failed run are copied to, with what it printed.

        Returns
        -------
        Labelled, Failed or Mistaken

        Raises
        ------
        Mishap
            If the worker crashed or ran out of time; it is gone then.
        """
        with self._lock:
            child, folder = self._prepare()
            said = child.printed()
            run = Run(request=request, folder=folder).model_dump_json().encode()
            try:
                answer = read_answer(child.exchange(run, request.reference.timeout))
            except Mishap:
                salvage(folder, child.log, said, kept)
                self.close()
                raise
            except BaseException:
                # Also after an interrupt: a late answer must not meet the next request.
                self.close()
                raise
            over = request.reference.leaves_processes
            if over:
                child.kill()
            if isinstance(answer, Failed) and answer.retry is not Retry.LATER:
                salvage(folder, child.log, said, kept)
            if over:
                self.close()
            shutil.rmtree(folder, ignore_errors=True)
            return answer

    def close(self) -> None:
        """Kill the worker with all its children and remove its scratch folder."""
        if self._child is not None:
            self._child.remove()
            self._child = None

    def _prepare(self) -> tuple[Child, Path]:
        """Start the worker if need be and make an empty folder for one request."""
        try:
            if self._child is None or self._child.process.poll() is not None:
                self.close()
                self._child = Child(self._threads)
            return self._child, self._child.new_folder()
        except OSError as error:
            self.close()
            raise Mishap(
                f"the scratch folder in {tempfile.gettempdir()} cannot be written "
                f"({error.strerror}); free space there or set TMPDIR to another place"
            ) from error


def shared_worker(threads: int) -> Worker:
    """Return this process's worker for a thread count."""
    # The process number keeps a forked child away from its parent's workers.
    key = (os.getpid(), threads)
    if key not in _WORKERS:
        _WORKERS[key] = Worker(threads)
    return _WORKERS[key]


@atexit.register
def close_workers() -> None:
    """End all workers of this process; the next label starts new ones."""
    for (owner, _), worker in _WORKERS.items():
        if owner == os.getpid():
            worker.close()


_WORKERS: dict[tuple[int, int], Worker] = {}
