"""The label command with other references than the campaign's."""

import ase.io
import numpy as np
import pytest

from activecharge.dataset.extxyz import read_labels
from activecharge.sampling.builders.liquid import build_clusters
from activecharge.sampling.source_options import ClustersOptions

pytestmark = pytest.mark.slow


@pytest.fixture
def data(finished_once):
    return finished_once / "dataset" / "data.xyz"


def test_recorded_labels(call, tmp_path, data):
    frames = ase.io.read(data, index=":2")
    ase.io.write(tmp_path / "two.xyz", frames, format="extxyz")
    code, _, err = call(
        "label", "two.xyz", "-o", "out.xyz", "--reference", "recorded", "--set", f"file={data}"
    )
    assert code == 0, err
    ours = read_labels(tmp_path / "out.xyz")
    assert [x.reference for x in ours] == ["recorded"] * 2
    for label, known in zip(ours, read_labels(data), strict=False):
        assert label.values["energy"] == known.values["energy"]


def test_a_code_that_fails_too_often_is_stopped(call, tmp_path):
    """Before it has wasted time on all; what the failed runs left is kept."""
    options = ClustersOptions(count=24, molecules=(1, 1))
    frames = list(build_clusters(options, np.random.default_rng(0)))
    ase.io.write(tmp_path / "many.xyz", frames, format="extxyz")
    settings = ("--set", "command=['false']", "--set", "retries=0")
    code, _, err = call("label", "many.xyz", "-o", "out.xyz", "--reference", "command", *settings)
    assert code == 2
    assert "20 of 20 reference runs failed, more than the share of 0.5" in err
    assert "false ended with exit code 1" in err
    assert len(list(tmp_path.glob("out.xyz.failed/*/attempt-0/frame.extxyz"))) == 20
    assert not (tmp_path / "out.xyz").exists()


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (("--reference", "recorded"), "the key 'reference.file' is missing"),
        (("--reference", "cp2kk"), "did you mean 'cp2k'?"),
        (("--set", "timeout"), "expected NAME=VALUE, such as timeout=3600"),
        (("--set", "tiemout=3"), "did you mean 'timeout'?"),
        (("--set", "timeout=soon"), "reference.timeout"),
    ],
)
def test_mistakes(call, tmp_path, data, arguments, expected):
    code, out, err = call("label", data, "-o", "out.xyz", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and err.count("\n") == 1
    assert expected in err
    assert not list(tmp_path.glob("out*"))
