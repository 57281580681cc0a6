"""Labels through isolated processes: no fault of a code gets out, and nothing outlives it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from reference_cases import FOREVER, is_dead, reason, shell, wait_until

from activecharge.records import Label
from activecharge.reference.failure import Mishap
from activecharge.reference.isolation.child import Child
from activecharge.reference.isolation.isolate import shared_worker
from activecharge.reference.isolation.messages import Labelled, Request, Run, read_answer
from activecharge.reference.reference_options import GateOptions, TbliteOptions
from activecharge.reference.run import label_candidate

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("scratch_root")]


def goes_well(candidate) -> bool:
    return isinstance(label_candidate(candidate, TbliteOptions(), GateOptions()), Label)


def test_one_process_serves_many_labels_and_is_replaced_when_it_dies(candidate):
    assert goes_well(candidate)
    process = shared_worker(1)._child.process
    assert goes_well(candidate)
    assert shared_worker(1)._child.process is process
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert goes_well(candidate)


def test_a_hung_code_is_killed_with_its_children_and_its_files_are_kept(tmp_path, candidate):
    pid = tmp_path / "pid"
    # Three seconds for a shell to write a file before the kill.
    hung = shell(f"sleep {FOREVER} & echo $! > {pid}; echo x > trace; wait", timeout=3)
    assert reason(candidate, hung, failed=tmp_path / "failed") == "timed out after 3 s"
    wait_until(lambda: is_dead(int(pid.read_text())))
    assert list((tmp_path / "failed" / candidate.hash / "attempt-0").glob("*/trace"))


def test_what_a_program_leaves_running_is_killed(tmp_path, candidate):
    pid = tmp_path / "pid"
    given = reason(candidate, shell(f"sleep {FOREVER} & echo $! > {pid}; exit 1"))
    assert "exit code 1" in given
    wait_until(lambda: is_dead(int(pid.read_text())))


def test_a_crash_is_a_failure_its_files_are_kept_and_the_next_label_goes_well(tmp_path, candidate):
    crash = shell("echo x > trace; kill -KILL $PPID")
    given = reason(candidate, crash, failed=tmp_path / "failed")
    assert given == "the reference process was killed by SIGKILL"
    assert list((tmp_path / "failed" / candidate.hash / "attempt-0").glob("*/trace"))
    assert goes_well(candidate)


def test_a_fault_inside_the_worker_shows_its_last_line():
    child = Child(threads=1)
    try:
        with pytest.raises(Mishap, match=r"exit code 1; its last line was: .*pydantic"):
            child.exchange(b'{"nonsense": 1}', timeout=60)
        assert child.process.returncode == 1
    finally:
        child.remove()


def test_an_interrupt_leaves_no_answer_behind(candidate):
    def interrupt(*_):
        raise KeyboardInterrupt

    assert goes_well(candidate)  # the worker has started
    sleeping = Request.of(candidate, shell(f"sleep {FOREVER}"), GateOptions())
    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(KeyboardInterrupt):
            shared_worker(1).ask(sleeping)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert goes_well(candidate)


def test_the_worker_dies_with_its_owner(tmp_path, scratch_root):
    pid = tmp_path / "pid"
    code = (
        "import tempfile\n"
        f"tempfile.tempdir = {str(scratch_root)!r}\n"
        "from ase.build import molecule\n"
        "from activecharge.records import Candidate\n"
        "from activecharge.reference.codes.command import CommandOptions\n"
        "from activecharge.reference.reference_options import GateOptions\n"
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
    wait_until(lambda: list(scratch_root.iterdir()) == [])


def test_noise_on_standard_output_does_not_disturb_the_answers(tmp_path, candidate):
    code = (
        "import os, numpy\n"
        "import activecharge.reference.isolation.worker as worker\n"
        "def label(atoms, options):\n"
        "    os.write(1, b'noise\\n'); print('noise', flush=True)\n"
        "    return {'energy': numpy.array(0.1)}\n"
        "worker.CODES['tblite'].label = label\n"
        "worker.main()\n"
    )
    request = Request.of(candidate, TbliteOptions(), GateOptions())
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        start_new_session=True,
    )
    process.stdin.write(Run(request=request, folder=tmp_path).model_dump_json().encode() + b"\n")
    process.stdin.flush()
    lines = [process.stdout.readline() for _ in range(2)]
    process.kill()
    process.communicate()
    assert lines[0] == b"ready\n"
    answer = read_answer(lines[1])
    assert isinstance(answer, Labelled) and answer.values() == {"energy": 0.1}


def test_threads_and_working_folder_of_the_code(tmp_path, candidate):
    seen = tmp_path / "seen"
    asking = shell(f"(echo $OMP_NUM_THREADS; pwd) > {seen}")
    label_candidate(candidate, asking, GateOptions(), threads=2)
    threads, folder = seen.read_text().split()
    assert threads == "2"
    assert not Path(folder).exists()
