"""What a failed run leaves behind."""

import json
import resource
import shutil
import tempfile

import ase.io
import numpy as np
import pytest
from reference_cases import reason, shell

from activecharge.records import Label
from activecharge.reference.isolation.isolate import close_workers, shared_worker
from activecharge.reference.isolation.salvage import LARGEST
from activecharge.reference.reference_options import GateOptions, TbliteOptions
from activecharge.reference.run import label_candidate

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("scratch_root")]


def test_input_and_output_of_a_failed_run_are_kept_but_no_large_files(tmp_path, candidate):
    script = (
        "echo half > output.extxyz; echo words; mkdir sub; echo x > sub/y; "
        f"head -c {LARGEST + 1} /dev/zero > wavefunction; exit 3"
    )
    reason(candidate, shell(script), failed=tmp_path / "failed")
    kept = tmp_path / "failed" / candidate.hash / "attempt-0"
    (ran,) = kept.glob("command-*")
    assert (ran / "output.extxyz").read_text() == "half\n"
    assert (ran / "command.log").read_text() == "words\n"
    assert (ran / "sub" / "y").exists() and (ran / "input.extxyz").exists()
    assert not (ran / "wavefunction").exists()
    frame = ase.io.read(kept / "frame.extxyz")
    np.testing.assert_allclose(frame.positions, candidate.atoms.positions, atol=1e-8)
    assert json.loads((kept / "reference.json").read_text())["command"][0] == "sh"


def test_also_of_those_a_gate_refuses_and_nothing_of_good_ones(tmp_path, candidate):
    failed = tmp_path / "failed"
    given = reason(candidate, TbliteOptions(), GateOptions(max_force=1e-3), failed)
    assert given.startswith("largest force")
    assert (failed / candidate.hash / "attempt-0" / "printed.log").exists()
    shutil.rmtree(failed)
    made = label_candidate(candidate, TbliteOptions(), GateOptions(), failed=failed)
    assert isinstance(made, Label) and not failed.exists()


def test_full_disks_and_closed_folders_are_failures(tmp_path, candidate, monkeypatch):
    given = reason(candidate, shell("cat input.extxyz > /dev/full"), failed=tmp_path / "failed")
    assert "No space left on device" in given
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    assert "cannot be written (No such file" in reason(candidate, shell("true"))


def test_files_that_cannot_grow_are_a_failure(tmp_path, candidate):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    label_candidate(candidate, TbliteOptions(), GateOptions())  # the worker starts without limit
    worker = shared_worker(1)._child.process.pid
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (16, limits[1]))
    given = reason(candidate, shell("true"), failed=tmp_path / "failed")
    assert "the files of the run cannot be written" in given
    close_workers()
    assert isinstance(label_candidate(candidate, TbliteOptions(), GateOptions()), Label)
