"""A worker process: how it is started, asked and killed.

It leads its own process group, so that killing it takes along whatever it has started, and has a
scratch folder of its own.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from activecharge.reference.failure import Mishap, describe_exit
from activecharge.reference.isolation.salvage import tail
from activecharge.scratch import Scratch

START_LIMIT = 300.0
"""Time a worker may take to start [s]; imports can be slow on shared file systems."""

STACK = "256M"
"""Stack of each OpenMP thread: Fortran keeps work arrays there and dies when it is full."""


class Child:
    """A worker process that is ready for requests.

    Parameters
    ----------
    threads : int
        Threads the reference code may use.

    Raises
    ------
    Mishap
        If it ends or hangs before it is ready.
    OSError
        If its folder cannot be made.
    """

    def __init__(self, threads: int) -> None:
        self._buffer = b""
        self._scratch = Scratch()
        self.log = self._scratch.path / "worker.log"
        """What it and its codes print."""
        try:
            with self.log.open("wb") as log:
                self.process = subprocess.Popen(
                    [sys.executable, "-c", _program()],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    cwd=self._scratch.path,
                    env=_environment(threads),
                    start_new_session=True,
                )
        except BaseException:
            self._scratch.remove()
            raise
        try:
            self.exchange(b"", START_LIMIT)
        except BaseException:
            self.remove()
            raise

    def new_folder(self) -> Path:
        """Make an empty folder for one run."""
        return Path(tempfile.mkdtemp(prefix="run-", dir=self._scratch.path))

    def printed(self) -> int:
        """How much it has printed so far, in bytes."""
        return self.log.stat().st_size

    def exchange(self, line: bytes, timeout: float) -> bytes:
        """Send a line, or nothing, and wait for one.

        Raises
        ------
        Mishap
            If the process ends, or takes more than `timeout` seconds; it is dead then.
        """
        said = self.printed()
        try:
            if line:
                assert self.process.stdin is not None
                self.process.stdin.write(line + b"\n")
                self.process.stdin.flush()
            return self._receive(timeout)
        except TimeoutError:
            self.kill()
            raise Mishap(f"timed out after {timeout:g} s") from None
        except (EOFError, BrokenPipeError):
            # A process that was already ending keeps its own exit code when it is killed.
            self.kill()
            lines = tail(self.log, said).decode(errors="replace").strip().splitlines()
            last = f"; its last line was: {lines[-1][:200]}" if lines else ""
            ended = describe_exit(self.process.returncode)
            raise Mishap(f"the reference process {ended}{last}") from None

    def kill(self) -> None:
        """Kill it with all that it has started."""
        # Before the leader is reaped its group's number cannot become another's.
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):  # of a request not yet taken
                if pipe is not None:
                    pipe.close()

    def remove(self) -> None:
        """Kill it and remove its folder."""
        self.kill()
        self._scratch.remove()

    def _receive(self, timeout: float) -> bytes:
        """Read one line."""
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        poller = select.poll()  # select() itself fails on descriptors above 1023
        poller.register(descriptor, select.POLLIN | select.POLLHUP)
        deadline = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not poller.poll(left * 1000):
                raise TimeoutError
            data = os.read(descriptor, 1 << 16)
            if not data:
                raise EOFError
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line


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
