"""A reference that can be watched, and acting at a moment."""

import subprocess
import threading
import time
from concurrent.futures import Future
from pathlib import Path

PROGRAM = """\
import os, sys, time
lines = open("input.extxyz").read().splitlines()
# The candidates differ in where this hydrogen is along y.
name = lines[-2].split()[2]
with open(sys.argv[1], "a") as log:
    log.write(f"begin {name} {os.getppid()}\\n")
hang = float(sys.argv[3]) if len(sys.argv) > 3 else None
time.sleep(1000 if hang is not None and abs(float(name) - hang) < 1e-6 else float(sys.argv[2]))
lines[1] += " REF_energy=-1.0"
open("output.extxyz", "w").write("\\n".join(lines) + "\\n")
with open(sys.argv[1], "a") as log:
    log.write(f"end {name}\\n")
"""
"""A reference that takes its time, hangs on one configuration, and writes down what it does."""


def lines(tmp_path: Path, word: str) -> list[str]:
    """Configurations that the program began or ended, in order."""
    found = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    return [rest[0] for first, *rest in found if first == word]


def wait_until(condition) -> None:
    while not condition():
        time.sleep(0.02)


def when(condition, act) -> Future:
    """Act once a condition holds, beside what this thread does."""
    done: Future = Future()

    def run() -> None:
        try:
            wait_until(condition)
            done.set_result(act())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done


def check_equal(run: Path, undisturbed: Path) -> None:
    """Dataset, labels and committee are the same to the byte."""
    for folder in ("dataset", "labels", "committee"):
        subprocess.run(["diff", "-r", run / folder, undisturbed / folder], check=True)
