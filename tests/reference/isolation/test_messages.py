"""What crosses between processes comes back to the last bit, and gates see it rounded."""

import ase.io
import numpy as np
import pytest
from pydantic import ValidationError
from reference_cases import shell

from activecharge.records import Candidate
from activecharge.reference.failure import Retry
from activecharge.reference.isolation.messages import Failed, Labelled, Request, Run, read_answer
from activecharge.reference.isolation.worker import answer
from activecharge.reference.reference_options import GateOptions, TbliteOptions

STRICT = GateOptions(max_force=7.5)


def test_requests_keep_every_bit(tmp_path, box):
    atoms = box.copy()
    atoms.positions[0] = [1 / 3, np.nan, -1e-300]
    asked = Request.of(
        Candidate(atoms, "0123", "file", {"frame": 7}), TbliteOptions(field=1e-3), STRICT
    )
    got = Run.model_validate_json(Run(request=asked, folder=tmp_path).model_dump_json())
    assert (got.folder, got.request.name) == (tmp_path, "0123 (frame 7)")
    assert (got.request.reference, got.request.gates) == (TbliteOptions(field=1e-3), STRICT)
    back = got.request.atoms()
    assert back.positions.tobytes() == atoms.positions.tobytes()
    assert back.cell.array.tobytes() == atoms.cell.array.tobytes()
    assert list(back.pbc) == [True] * 3 and list(back.numbers) == list(atoms.numbers)


def test_answers_keep_every_bit():
    rng = np.random.default_rng(0)
    values = {
        "energy": np.array(1 / 3),
        "bec": rng.normal(size=(5, 3, 3)),
        "charges": rng.random(5),
    }
    sent = Labelled.of(values, {"step": 1e-5, "list": [1, "a", None]})
    got = read_answer(sent.model_dump_json().encode())
    assert got == sent
    for name, value in got.values().items():
        assert value.shape == values[name].shape and value.tobytes() == values[name].tobytes()
    failed = Failed(reason="sum of charges: ä", retry=Retry.OTHERWISE)
    assert read_answer(failed.model_dump_json().encode()) == failed
    with pytest.raises(ValidationError):
        read_answer(b'{"kind": "failed"}')


def test_a_worker_rounds_labels_as_files_store_them(tmp_path, monkeypatch, candidate, trimer_label):
    monkeypatch.chdir(tmp_path)
    run = Run(request=Request.of(candidate, TbliteOptions(), GateOptions()), folder=tmp_path)
    for name, value in answer(run).values().items():
        np.testing.assert_array_equal(value, trimer_label[name])
        text = [f"{x:.8f}" for x in value.ravel()]
        np.testing.assert_array_equal([float(t) for t in text], value.ravel())


def test_nan_is_refused_by_name(tmp_path, monkeypatch, candidate, trimer_label):
    monkeypatch.chdir(tmp_path)
    frame = candidate.atoms.copy()
    frame.arrays["REF_forces"] = trimer_label["forces"].copy()
    frame.arrays["REF_forces"][2, 1] = np.nan
    ase.io.write(tmp_path / "nan.extxyz", frame)
    copy = shell(f"cp {tmp_path / 'nan.extxyz'} output.extxyz")
    made = answer(Run(request=Request.of(candidate, copy, GateOptions()), folder=tmp_path))
    assert made.reason == "forces has 1 of 27 values that are not finite numbers"
