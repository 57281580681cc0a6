"""Labels through isolated processes: reproducible, and no fault of a code gets out."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import ase.io
import numpy as np
import pytest

from activecharge.errors import UserError
from activecharge.records import Candidate, Failure, Label
from activecharge.reference.failure import ReferenceFailure
from activecharge.reference.isolation.isolate import Worker, close_workers, shared_worker
from activecharge.reference.reference_options import CommandOptions, GateOptions, TbliteOptions
from activecharge.reference.run import label_candidate

pytestmark = pytest.mark.usefixtures("fresh_workers")
FOREVER = 1000
"""Seconds that something sleeps which only a signal will end."""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Scratch folders are made here, and none may be left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    close_workers()
    assert list(folder.iterdir()) == []


def shell(script: str, timeout: float = 600.0) -> CommandOptions:
    return CommandOptions(command=("sh", "-c", script), timeout=timeout)


def reason(candidate: Candidate, reference) -> str:
    result = label_candidate(candidate, reference, GateOptions())
    assert isinstance(result, Failure)
    assert result.candidate is candidate
    return result.reason


def request(candidate: Candidate, reference) -> dict:
    atoms = candidate.atoms
    return {
        "numbers": atoms.numbers.tolist(),
        "positions": atoms.positions.tolist(),
        "cell": atoms.cell.array.tolist(),
        "pbc": atoms.pbc.tolist(),
        "name": candidate.hash,
        "reference": reference.model_dump(mode="json"),
        "gates": {},
        "attempt": 0,
    }


def wait_until(true) -> None:
    """Signals arrive a little later; a minute only bounds a test that fails."""
    for _ in range(6000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("still not so after a minute")


def is_dead(pid: int) -> bool:
    """Gone, or a zombie that nobody collects."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return done.stdout.strip()[:1] in ("", "Z")


def test_label_carries_values_and_provenance(candidate, trimer_label):
    label = label_candidate(candidate, TbliteOptions(), GateOptions())
    assert isinstance(label, Label)
    assert label.candidate is candidate
    assert label.reference == "tblite"
    assert label.settings["method"] == "GFN2-xTB"
    for name, value in trimer_label.items():
        np.testing.assert_array_equal(label.values[name], value, strict=True)


def test_fresh_and_used_workers_give_the_same_bits(candidate, box):
    first = label_candidate(candidate, TbliteOptions(), GateOptions())
    label_candidate(Candidate(box, "box", "test"), TbliteOptions(), GateOptions())
    used = label_candidate(candidate, TbliteOptions(), GateOptions())
    close_workers()
    fresh = label_candidate(candidate, TbliteOptions(), GateOptions())
    for other in (used, fresh):
        assert other.settings == first.settings
        for name, value in first.values.items():
            assert value.tobytes() == other.values[name].tobytes()


def test_one_process_serves_many_labels(candidate):
    label_candidate(candidate, TbliteOptions(), GateOptions())
    process = shared_worker(1)._process
    label_candidate(candidate, TbliteOptions(), GateOptions())
    assert shared_worker(1)._process is process


def test_failures_of_the_code_and_of_the_gates(candidate):
    assert "not converged" in reason(candidate, TbliteOptions(max_iterations=1))
    strict = GateOptions(max_force=1e-3)
    refused = label_candidate(candidate, TbliteOptions(), strict)
    assert isinstance(refused, Failure)
    assert refused.reason.startswith("largest force")


def test_nan_is_refused(tmp_path, candidate, trimer_label):
    frame = candidate.atoms.copy()
    frame.arrays["REF_forces"] = trimer_label["forces"].copy()
    frame.arrays["REF_forces"][2, 1] = np.nan
    prepared = tmp_path / "nan.extxyz"
    ase.io.write(prepared, frame)
    given = reason(candidate, shell(f"cp {prepared} output.extxyz"))
    assert given == "forces has 1 of 27 values that are not finite numbers"


def test_a_code_that_cannot_start_is_the_users_mistake(candidate):
    with pytest.raises(UserError, match="cannot start"):
        label_candidate(candidate, CommandOptions(command=("no-such-program",)), GateOptions())


def test_a_hung_code_is_killed_with_its_children(tmp_path, candidate):
    pid = tmp_path / "pid"
    # Three seconds for a shell to write a file before the kill.
    script = f"sleep {FOREVER} & echo $! > {pid}; wait"
    assert reason(candidate, shell(script, timeout=3)) == "timed out after 3 s"
    wait_until(lambda: is_dead(int(pid.read_text())))


def test_tblite_is_killed_in_the_middle_of_its_work(candidate):
    # Far less than any label needs.
    assert (
        reason(candidate, TbliteOptions(timeout=1e-4)) == "timed out after 0.0001 s (tried 2 times)"
    )
    assert isinstance(label_candidate(candidate, TbliteOptions(), GateOptions()), Label)


def test_what_a_program_leaves_running_is_killed(tmp_path, candidate):
    pid = tmp_path / "pid"
    given = reason(candidate, shell(f"sleep {FOREVER} & echo $! > {pid}; exit 1"))
    assert "exit code 1" in given
    wait_until(lambda: is_dead(int(pid.read_text())))


def test_a_crash_is_a_failure_and_the_next_label_goes_well(candidate):
    given = reason(candidate, shell("kill -KILL $PPID"))
    assert given == "the reference process was killed by SIGKILL"
    assert isinstance(label_candidate(candidate, TbliteOptions(), GateOptions()), Label)


def test_a_worker_killed_while_idle_is_replaced(candidate):
    label_candidate(candidate, TbliteOptions(), GateOptions())
    process = shared_worker(1)._process
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert isinstance(label_candidate(candidate, TbliteOptions(), GateOptions()), Label)


def test_a_fault_inside_the_worker_shows_its_last_line():
    worker = Worker(threads=1)
    with pytest.raises(ReferenceFailure, match="exit code 1; its last line was: KeyError"):
        worker.ask({"nonsense": 1}, timeout=60)
    worker.close()


def test_an_interrupt_leaves_no_answer_behind(candidate):
    def interrupt(*_):
        raise KeyboardInterrupt

    worker = shared_worker(1)
    worker.ask(request(candidate, TbliteOptions()), timeout=60)
    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            worker.ask(request(candidate, shell(f"sleep {FOREVER}")), timeout=600)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert isinstance(label_candidate(candidate, TbliteOptions(), GateOptions()), Label)


def test_the_worker_dies_with_its_owner(tmp_path, temporary):
    pid = tmp_path / "pid"
    code = (
        "import tempfile\n"
        f"tempfile.tempdir = {str(temporary)!r}\n"
        "from ase.build import molecule\n"
        "from activecharge.records import Candidate\n"
        "from activecharge.reference.reference_options import CommandOptions, GateOptions\n"
        "from activecharge.reference.run import label_candidate\n"
        f"command = ('sh', '-c', 'echo $$ > {pid}.new; mv {pid}.new {pid}; sleep {FOREVER}')\n"
        "candidate = Candidate(molecule('H2O'), 'water', 'test')\n"
        "label_candidate(candidate, CommandOptions(command=command), GateOptions())\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", code])
    wait_until(pid.exists)
    owner.kill()
    owner.wait()
    wait_until(lambda: is_dead(int(pid.read_text())))
    wait_until(lambda: list(temporary.iterdir()) == [])


def test_noise_on_standard_output_does_not_disturb_the_protocol(tmp_path, candidate):
    (tmp_path / "noisy.py").write_text(
        "import os, numpy\n"
        "def label(atoms, options):\n"
        "    os.write(1, b'{\"values\": 1}\\n'); print('noise', flush=True)\n"
        "    return {'energy': numpy.array(0.1)}\n"
        "def settings(options): return {}\n"
    )
    code = (
        "import activecharge.reference.isolation.worker as worker\n"
        "worker.CODES['tblite'] = 'noisy'\n"
        "worker.main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        start_new_session=True,
        text=True,
    )
    process.stdin.write(json.dumps(request(candidate, TbliteOptions()) | {"folder": "."}) + "\n")
    process.stdin.flush()
    lines = [process.stdout.readline() for _ in range(2)]
    process.kill()
    process.communicate()
    assert [json.loads(line) for line in lines] == [
        {"ready": True},
        {"values": {"energy": 0.1}, "settings": {}},
    ]


def test_threads_and_working_folder_of_the_code(tmp_path, candidate):
    seen = tmp_path / "seen"
    label_candidate(
        candidate, shell(f"(echo $OMP_NUM_THREADS; pwd) > {seen}"), GateOptions(), threads=2
    )
    threads, folder = seen.read_text().split()
    assert threads == "2"
    assert not Path(folder).exists()
