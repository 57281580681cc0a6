"""What a failed run leaves behind, when it is tried again, and when a campaign should stop."""

import json
import os
import resource
import shutil
import subprocess
import tempfile

import ase.io
import numpy as np
import pytest
from cases import needs_cp2k
from test_label_candidate import FOREVER, is_dead, wait_until

from activecharge.records import Candidate, Failure, Label
from activecharge.reference.failure import too_many
from activecharge.reference.isolation.isolate import close_workers
from activecharge.reference.isolation.salvage import LARGEST
from activecharge.reference.reference_options import (
    CommandOptions,
    Cp2kOptions,
    GateOptions,
    TbliteOptions,
    XtbOptions,
)
from activecharge.reference.run import label_candidate

pytestmark = pytest.mark.usefixtures("fresh_workers")


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Scratch folders are made here, and none may be left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    close_workers()
    assert list(folder.iterdir()) == []


def shell(script: str, **options) -> CommandOptions:
    return CommandOptions(command=("sh", "-c", script), **options)


def failure(candidate, reference, folder, gates=None) -> str:
    result = label_candidate(candidate, reference, gates or GateOptions(), failed=folder)
    assert isinstance(result, Failure)
    return result.reason


def test_input_and_output_of_a_failed_run_are_kept(tmp_path, candidate):
    script = "echo half > output.extxyz; echo words; mkdir sub; echo x > sub/y; exit 3"
    failure(candidate, shell(script), tmp_path / "failed")
    kept = tmp_path / "failed" / candidate.hash / "attempt-0"
    (ran,) = kept.glob("command-*")
    assert (ran / "output.extxyz").read_text() == "half\n"
    assert (ran / "command.log").read_text() == "words\n"
    assert (ran / "sub" / "y").exists() and (ran / "input.extxyz").exists()
    np.testing.assert_allclose(
        ase.io.read(kept / "frame.extxyz").positions, candidate.atoms.positions, atol=1e-8
    )
    assert json.loads((kept / "reference.json").read_text())["command"][0] == "sh"


@pytest.mark.parametrize(
    "script", [f"echo x > trace; sleep {FOREVER}", "echo x > trace; kill $PPID"]
)
def test_also_of_hung_and_killed_ones(tmp_path, candidate, script):
    # Three seconds for a shell to write a file before the kill.
    failure(candidate, shell(script, timeout=3), tmp_path / "failed")
    assert list((tmp_path / "failed" / candidate.hash / "attempt-0").glob("*/trace"))


def test_also_of_those_a_gate_refuses(tmp_path, candidate):
    reason = failure(
        candidate, TbliteOptions(retries=0), tmp_path / "failed", GateOptions(max_force=1e-3)
    )
    assert reason.startswith("largest force")
    assert (tmp_path / "failed" / candidate.hash / "attempt-0" / "printed.log").exists()


def test_large_files_and_good_runs_are_not_kept(tmp_path, candidate):
    script = f"head -c {LARGEST + 1} /dev/zero > wavefunction; exit 1"
    failure(candidate, shell(script), tmp_path / "failed")
    kept = list((tmp_path / "failed" / candidate.hash).rglob("*"))
    assert kept and "wavefunction" not in {path.name for path in kept}
    shutil.rmtree(tmp_path / "failed")
    label_candidate(candidate, TbliteOptions(), GateOptions(), failed=tmp_path / "failed")
    assert not (tmp_path / "failed").exists()


def test_a_run_is_tried_again_with_gentler_settings(tmp_path, candidate):
    # Enough for the second attempt, which has twice the cycles, but not for the first.
    for cycles in range(4, 20):
        made = label_candidate(
            candidate,
            TbliteOptions(max_iterations=cycles),
            GateOptions(),
            failed=tmp_path / str(cycles),
        )
        if isinstance(made, Label):
            break
    # The second attempt succeeded, and what the first one left was kept.
    kept = tmp_path / str(cycles) / candidate.hash
    assert [path.name for path in kept.iterdir()] == ["attempt-0"]
    expected = label_candidate(candidate, TbliteOptions(), GateOptions())
    for name, value in expected.values.items():
        # Converged to 1e-10 hartree along two ways; forces in a field of 5e-4 amplify it.
        np.testing.assert_allclose(made.values[name], value, atol=1e-5)


def test_attempts_are_counted(tmp_path, candidate):
    calls = tmp_path / "calls"
    reference = shell(f"echo x >> {calls}; exit 1", retries=2)
    assert "(tried 3 times)" in failure(candidate, reference, tmp_path / "failed")
    assert len(calls.read_text().split()) == 3
    kept = {path.name for path in (tmp_path / "failed" / candidate.hash).iterdir()}
    assert kept == {"attempt-0", "attempt-1", "attempt-2"}


def test_what_a_code_cannot_treat_is_not_tried_again(tmp_path, box):
    reason = failure(Candidate(box, "box", "test"), XtbOptions(retries=5), tmp_path / "failed")
    assert "free clusters only" in reason and "tried" not in reason


def test_a_full_disk_is_a_failure(tmp_path, candidate):
    reason = failure(candidate, shell("cat input.extxyz > /dev/full"), tmp_path / "failed")
    assert "No space left on device" in reason


def test_a_folder_that_cannot_be_written_is_a_failure(tmp_path, candidate, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    assert "cannot be written (No such file" in failure(candidate, shell("true"), None)


def test_files_that_cannot_grow_are_a_failure(tmp_path, candidate):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    label_candidate(candidate, TbliteOptions(), GateOptions())  # the worker starts without limit
    from activecharge.reference.isolation.isolate import shared_worker

    worker = shared_worker(1)._process.pid
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (16, limits[1]))
    reason = failure(candidate, shell("true"), tmp_path / "failed")
    assert "the files of the run cannot be written" in reason
    close_workers()
    assert isinstance(label_candidate(candidate, TbliteOptions(), GateOptions()), Label)


@needs_cp2k
def test_cp2k_dies_with_its_time_limit(tmp_path, candidate):
    pid = tmp_path / "pid"
    launch = ("sh", "-c", f'echo $$ > {pid}; sleep {FOREVER} & exec cp2k.psmp "$@"', "sh")
    reference = Cp2kOptions(command=launch, cutoff=2000, timeout=5, retries=0)
    assert failure(candidate, reference, tmp_path / "failed") == "timed out after 5 s"
    wait_until(lambda: is_dead(int(pid.read_text())))
    done = subprocess.run(["pgrep", "-f", f"sleep {FOREVER}"], capture_output=True, text=True)
    assert all(is_dead(int(line)) for line in done.stdout.split() if int(line) != os.getpid())
    kept = tmp_path / "failed" / candidate.hash / "attempt-0"
    assert (kept / "zero" / "cp2k.inp").exists() and (kept / "farm.inp").exists()


@needs_cp2k
def test_cp2k_through_a_worker(candidate):
    made = label_candidate(candidate, Cp2kOptions(method="GFN1-xTB"), GateOptions())
    assert isinstance(made, Label), made.reason
    assert made.settings["version"].startswith("20")


def test_share_of_failures(candidate):
    failures = [Failure(candidate, f"timed out: {i}") for i in range(8)]
    failures += [Failure(candidate, "crashed")]
    assert too_many(failures, 19, 0.1) is None
    assert too_many(failures, 30, 0.3) is None
    assert too_many(failures, 30, 0.25) == (
        "9 of 30 reference runs failed, more than the share of 0.25 accepted by "
        "reference.max_failed_share (8 x timed out; 1 x crashed); mend the reference"
    )
