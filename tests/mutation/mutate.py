"""Whether the tests would notice: faults put into the code by hand, one at a time.

Run by hand from anywhere, with the environment of the tests:

    python tests/mutation/mutate.py                  all faults of faults.yaml
    python tests/mutation/mutate.py policy gates     those of some areas
    python tests/mutation/mutate.py --jobs 1         one at a time; two by default
    python tests/mutation/mutate.py --check          only look whether all faults still fit the code

A fault is a snippet of one file and what takes its place. It is put into a copy of the tree, and
the test files run that are most likely to see it. It is `found` if one of their tests fails, or
does not end; it has `survived` if all of them pass. First all these tests run without any fault,
where each must pass. The tree itself is never touched.

It ends with a table, the share found, and exit code 0 if that is at least 95 %, 1 if not, and 2 if
faults do not fit the code, in which a snippet must occur once: mend faults.yaml then.
"""

import argparse
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import yaml

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "activecharge"
FAULTS = Path(__file__).with_name("faults.yaml")
COPIED = ("activecharge", "campaigns", "docs", "tests", "pyproject.toml", "README.md", "Makefile")

FORKS = multiprocessing.get_context("forkserver")
"""Tests run in forks of a process that has imported what takes time and has no faults."""

PRELOADED = ("pytest", "torch", "ase.io", "scipy.spatial", "scipy.optimize", "matplotlib.pyplot")

WANTED = 0.95
"""Share of the faults that the tests should find."""

TIMEOUT = 900.0
"""Seconds after which tests that do not end have found a fault; without one they take a tenth, even
on a busy machine."""


@dataclass(frozen=True)
class Fault:
    """A snippet of a file and what takes its place.

    Attributes
    ----------
    area, file : str
        The file is relative to the package.
    old, new : str
    tests : tuple of str
        Files relative to `tests/`.
    """

    area: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        old, new = " ".join(self.old.split()), " ".join(self.new.split())
        return f"{self.file}: {old}  →  {new or '(nothing)'}"


@dataclass(frozen=True)
class Verdict:
    """What came of a fault: "found", "survived" or "broken", and how long that took [s]."""

    fault: Fault
    word: str
    seconds: float


def read_faults(areas: list[str]) -> list[Fault]:
    """The faults of some areas, or of all."""
    rooms = yaml.safe_load(FAULTS.read_text(encoding="utf-8"))
    if unknown := set(areas) - set(rooms):
        sys.exit(f"no such area: {', '.join(sorted(unknown))}; there are {', '.join(rooms)}")
    return [
        Fault(area, file, old, new, tuple(room["tests"]))
        for area, room in rooms.items()
        if not areas or area in areas
        for file in sorted(room.keys() - {"tests"})
        for old, new in room[file]
    ]


def misfits(faults: list[Fault]) -> list[str]:
    """What of the faults does not fit the code as it is."""
    found = []
    for fault in faults:
        path = PACKAGE / fault.file
        if not path.exists():
            found.append(f"{fault.file}: there is no such file")
            continue
        count = path.read_text(encoding="utf-8").count(fault.old)
        if count != 1:
            found.append(f"{fault.file}: occurs {count} times: {fault.old!r}")
        if fault.old == fault.new:
            found.append(f"{fault.file}: changes nothing: {fault.old!r}")
        found += [
            f"tests/{name}: there is no such file"
            for name in fault.tests
            if not (ROOT / "tests" / name).exists()
        ]
    return list(dict.fromkeys(found))


def copy_tree(target: Path) -> Path:
    """A copy of all that the tests need."""
    target.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            unwanted = shutil.ignore_patterns("__pycache__", "*.pyc", ".*_cache")
            shutil.copytree(source, target / name, ignore=unwanted)
        else:
            shutil.copy2(source, target / name)
    return target


def run_tests(tree: Path, tests: list[str], timeout: float | None = None) -> tuple[int, str]:
    """Exit code of pytest, and what it said; the code is 1 where it does not end."""
    options = ["-x", "-q", "-p", "no:cacheprovider", "-m", "not ray"]
    options += ["--basetemp", str(tree / ".pytest"), *(f"tests/{name}" for name in tests)]
    said = tree / ".said"
    process = FORKS.Process(target=_run_here, args=(tree, said, options))
    process.start()
    process.join(timeout)
    if process.exitcode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.join()
        return 1, "does not end"
    return process.exitcode, said.read_text(encoding="utf-8")


def _run_here(tree: Path, said: Path, options: list[str]) -> None:
    """Run tests in this process, which was forked for them."""
    os.setsid()
    os.chdir(tree)
    for number in (1, 2):
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.environ["PYTHONPATH"] = str(tree)
    # A file that changes twice in a second and keeps its size would be taken from the cache.
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(tree))
    import pytest

    code = int(pytest.main(options))
    import activecharge

    assert Path(activecharge.__file__).is_relative_to(tree), activecharge.__file__
    sys.stdout.flush()
    os._exit(code)


def judge(tree: Path, fault: Fault) -> Verdict:
    """Put a fault into a copy of the tree, run its tests, and take it out again."""
    path, start = tree / "activecharge" / fault.file, time.monotonic()
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(fault.old, fault.new), encoding="utf-8")
    try:
        code, out = run_tests(tree, list(fault.tests), TIMEOUT)
    finally:
        path.write_text(text, encoding="utf-8")
    word = {0: "survived", 1: "found"}.get(code, "broken")
    if word == "broken":
        print(out, file=sys.stderr)
    return Verdict(fault, word, time.monotonic() - start)


def check_without_faults(tree: Path, faults: list[Fault]) -> None:
    """End with a sentence where a test fails without any fault."""
    tests = sorted({name for fault in faults for name in fault.tests})
    code, out = run_tests(tree, tests)
    if code:
        print(out)
        sys.exit("these tests fail without any fault: nothing can be told from them")


def judge_all(faults: list[Fault], jobs: int) -> list[Verdict]:
    """Judge faults in copies of the tree, a few at a time, and tell of each."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        trees: SimpleQueue[Path] = SimpleQueue()
        for index in range(jobs):
            trees.put(copy_tree(Path(folder).resolve() / f"tree-{index}"))
        tree = trees.get()
        check_without_faults(tree, faults)
        trees.put(tree)

        def one(fault: Fault) -> Verdict:
            tree = trees.get()
            try:
                verdict = judge(tree, fault)
            finally:
                trees.put(tree)
            print(f"{verdict.word:<9}{verdict.seconds:5.0f} s  {fault}", flush=True)
            return verdict

        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(one, faults))


def table(verdicts: list[Verdict]) -> str:
    """Faults and those found by area, and what survived."""
    by_area: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_area[verdict.fault.area].append(verdict)
    lines = [f"{'area':<16}{'faults':>8}{'found':>8}"]
    for area, group in [*by_area.items(), ("all", verdicts)]:
        lines.append(f"{area:<16}{len(group):>8}{sum(v.word == 'found' for v in group):>8}")
    rest = [verdict for verdict in verdicts if verdict.word != "found"]
    return "\n".join(lines + [f"{verdict.word}: {verdict.fault}" for verdict in rest])


def main() -> int:
    parser = argparse.ArgumentParser(description="Put faults into the code; do tests notice?")
    parser.add_argument("areas", nargs="*")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    faults = read_faults(arguments.areas)
    if wrong := misfits(faults):
        print(f"{len(wrong)} faults do not fit the code; mend {FAULTS}:", *wrong, sep="\n  ")
        return 2
    if arguments.check:
        print(f"all {len(faults)} faults fit the code")
        return 0
    os.environ["OMP_NUM_THREADS"] = "1"
    FORKS.set_forkserver_preload(list(PRELOADED))
    verdicts = judge_all(faults, arguments.jobs)
    share = sum(verdict.word == "found" for verdict in verdicts) / len(verdicts)
    print(f"\n{table(verdicts)}\nfound: {share:.1%}")
    return 0 if share >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
