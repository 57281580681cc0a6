"""Commands in processes of their own that need not import everything anew.

A server imports what campaigns need, once, and forks itself for each command: that takes a
hundredth of a second in place of five. For tests that kill a command again and again. What a
process of the system's own does on its way up is for others to see.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PRELOADED = (
    "activecharge.campaign.launch",
    "activecharge.campaign.loop.loop",
    "activecharge.committee.committee",
    "activecharge.learning.trainer",
    "activecharge.report.campaign.page",
)


class Forked:
    """A command that runs, at the head of its own process group.

    Parameters
    ----------
    arguments : sequence of str
        After `activecharge`.
    cwd : pathlib.Path
        Where it runs; what it prints is kept beside that folder's other files.
    environment : dict of str to str
    """

    def __init__(self, arguments: Sequence[str], cwd: Path, environment: dict[str, str]):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(PRELOADED))
        self._printed = [cwd / f".{name}-{time.monotonic_ns()}" for name in ("out", "err")]
        arguments = (list(arguments), cwd, environment, self._printed)
        self._process = context.Process(target=_run, args=arguments)
        self._process.start()
        self.pid = self._process.pid
        # Its group is there once it says so; a signal before that would meet nobody.
        while not self._printed[1].exists() and self._process.exitcode is None:
            time.sleep(0.001)

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def communicate(self) -> tuple[str, str]:
        """Wait for the end; what it printed on standard output and as errors."""
        self._process.join()
        out, err = (path.read_text(encoding="utf-8") for path in self._printed)
        for path in self._printed:
            path.unlink()
        return out, err


def _run(arguments: list[str], cwd: Path, environment: dict[str, str], printed: list[Path]) -> None:
    """Become the command."""
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for number, path in zip((1, 2), printed, strict=True):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["activecharge", *arguments]
    from activecharge import cli

    code = 0
    try:
        cli.main()
    except SystemExit as stop:
        code = int(stop.code or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
