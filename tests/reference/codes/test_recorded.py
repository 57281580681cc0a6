"""Labels looked up in a file."""

import json

import numpy as np
import pytest

from activecharge.dataset.extxyz import write_labels
from activecharge.errors import UserError
from activecharge.records import Candidate, Label
from activecharge.reference.codes.recorded import RecordedOptions, label, settings
from activecharge.reference.reference_options import GateOptions
from activecharge.reference.run import label_candidate


@pytest.fixture
def pool(tmp_path, trimer, trimer_label, box):
    path = tmp_path / "pool.xyz"
    energy = {"energy": np.array(-1.5)}
    write_labels(
        path,
        [
            Label(Candidate(trimer, "a", "test"), trimer_label, "tblite", {}),
            Label(Candidate(box, "b", "test"), energy, "tblite", {}),
        ],
    )
    return RecordedOptions(file=path)


def test_labels_come_back_exactly(pool, trimer, trimer_label, box):
    found = label(trimer, pool)
    assert found.keys() == trimer_label.keys()
    for name, value in trimer_label.items():
        np.testing.assert_array_equal(found[name], value)
    assert label(box, pool)["energy"] == -1.5
    assert settings(pool) == {"file": "pool.xyz", "labels_made_by": ["tblite"]}


def test_through_a_worker(pool, trimer, trimer_label, fresh_workers):
    made = label_candidate(Candidate(trimer, "a", "test"), pool, GateOptions())
    assert isinstance(made, Label) and made.reference == "recorded"
    np.testing.assert_array_equal(made.values["bec"], trimer_label["bec"])
    assert json.dumps(made.settings)
    # An absent frame is an error that names it.
    moved = trimer.copy()
    moved.positions[0, 0] += 1e-6
    candidate = Candidate(moved, "0123", "file", {"file": "other.xyz", "frame": 7})
    with pytest.raises(UserError, match=r"no label of the frame 0123 \(file other\.xyz, frame 7\)"):
        label_candidate(candidate, pool, GateOptions())
    with pytest.raises(UserError, match="no label of the frame"):
        label(trimer[::-1], pool)


def test_a_new_file_is_read_anew(pool, trimer, box):
    assert label(box, pool)["energy"] == -1.5
    energy = {"energy": np.array(-2.5)}
    write_labels(pool.file, [Label(Candidate(box, "b", "test"), energy, "tblite", {})])
    assert label(box, pool)["energy"] == -2.5


def test_a_file_that_is_not_there(tmp_path, trimer):
    with pytest.raises(UserError, match=r"none\.xyz"):
        label(trimer, RecordedOptions(file=tmp_path / "none.xyz"))
