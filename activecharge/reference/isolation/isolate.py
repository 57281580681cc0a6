"""Running reference codes in a process that may crash or hang without harm.

Each process that makes labels owns one persistent worker per thread count. A worker leads its
own process group, so that killing it takes along whatever it has started.
"""

import atexit
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from activecharge.reference.failure import ReferenceFailure, describe_exit
from activecharge.reference.isolation.salvage import salvage, tail

START_LIMIT = 300.0
"""Time a worker may take to start [s]; imports can be slow on shared file systems."""

STACK = "256M"
"""Stack of each OpenMP thread: Fortran keeps work arrays there and dies when it is full."""


class Worker:
    """One worker process, started when first needed and again after each fault.

    Parameters
    ----------
    threads : int
        Threads the reference code may use.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch: Path | None = None
        self._buffer = b""
        self._lock = threading.Lock()

    def ask(
        self,
        request: dict[str, Any],
        timeout: float,
        stay: bool = True,
        kept: Path | None = None,
    ) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Parameters
        ----------
        request : dict
            As `activecharge.reference.isolation.worker.answer` takes it, without the folder.
        timeout : float
            Seconds for the work itself; starting the worker is not counted.
        stay : bool
            Whether the worker stays for the next request. If not, it is killed after its
            answer with whatever it has left running.
        kept : pathlib.Path, optional
            Where the files of a failed run are copied to, with what it printed.

        Returns
        -------
        dict
            As `activecharge.reference.isolation.worker.answer` gives it.

        Raises
        ------
        ReferenceFailure
            If the worker crashed or ran out of time; it is gone then.
        """
        with self._lock:
            folder = self._prepare()
            said = self._log().stat().st_size
            try:
                answer = self._exchange(request | {"folder": str(folder)}, timeout)
            except (EOFError, BrokenPipeError):
                self._kill()
                salvage(folder, self._log(), said, kept)
                raise self._crash(said) from None
            except ReferenceFailure:
                self._kill()
                salvage(folder, self._log(), said, kept)
                self.close()
                raise
            except BaseException:
                # Also after an interrupt: a late answer must not meet the next request.
                self.close()
                raise
            if not stay:
                self._kill()
            if "failure" in answer:
                salvage(folder, self._log(), said, kept)
            if not stay:
                self.close()
            else:
                shutil.rmtree(folder, ignore_errors=True)
            return answer

    def close(self) -> None:
        """Kill the worker with all its children and remove its scratch folder."""
        self._kill()
        self._process = None
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    def _kill(self) -> None:
        process = self._process
        if process is None:
            return
        # Before the leader is reaped its group's number cannot become another's.
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(BrokenPipeError):  # of a request not yet taken
                if pipe is not None:
                    pipe.close()

    def _prepare(self) -> Path:
        """Start the worker if need be and make an empty folder for one request."""
        try:
            if self._process is None or self._process.poll() is not None:
                self._start()
            assert self._scratch is not None
            return Path(tempfile.mkdtemp(prefix="run-", dir=self._scratch))
        except OSError as error:
            self.close()
            raise ReferenceFailure(
                f"the scratch folder in {tempfile.gettempdir()} cannot be written "
                f"({error.strerror}); free space there or set TMPDIR to another place"
            ) from error

    def _start(self) -> None:
        self.close()
        self._buffer = b""
        self._scratch = Path(tempfile.mkdtemp(prefix="activecharge-reference-"))
        with self._log().open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _program()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self._scratch,
                env=_environment(self._threads),
                start_new_session=True,
            )
        try:
            self._receive(START_LIMIT)
        except EOFError:
            self._kill()
            raise self._crash(0) from None
        except BaseException:
            self.close()
            raise

    def _exchange(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        return self._receive(timeout)

    def _receive(self, timeout: float) -> dict[str, Any]:
        """Read one line."""
        assert self._process is not None and self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        poller = select.poll()  # select() itself fails on descriptors above 1023
        poller.register(descriptor, select.POLLIN | select.POLLHUP)
        deadline = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not poller.poll(left * 1000):
                raise ReferenceFailure(f"timed out after {timeout:g} s")
            data = os.read(descriptor, 1 << 16)
            if not data:
                raise EOFError
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return json.loads(line)

    def _crash(self, said: int) -> ReferenceFailure:
        """Clean up after a worker that has ended, and say how; `said` is where its output begins.

        A process that was already ending keeps its own exit code when it is killed.
        """
        assert self._process is not None
        process = self._process
        lines = tail(self._log(), said).decode(errors="replace").strip().splitlines()
        self.close()
        last = f"; its last line was: {lines[-1][:200]}" if lines else ""
        return ReferenceFailure(f"the reference process {describe_exit(process.returncode)}{last}")

    def _log(self) -> Path:
        assert self._scratch is not None
        return self._scratch / "worker.log"


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


def _program() -> str:
    """Return Python code that finds the same modules as this process from any folder.

    Unlike PYTHONPATH this is not handed on to programs that the worker starts.
    """
    path = [str(Path(entry or ".").absolute()) for entry in sys.path]
    module = "activecharge.reference.isolation.worker"
    return f"import sys; sys.path[:] = {path!r}; import {module} as w; w.main()"


def _environment(threads: int) -> dict[str, str]:
    count = str(threads)
    return {
        "OMP_STACKSIZE": STACK,
        # Threads that spin while they wait cost a factor of six on a busy machine.
        "OMP_WAIT_POLICY": "PASSIVE",
        **os.environ,
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
    }


_WORKERS: dict[tuple[int, int], Worker] = {}
