"""An exported dataset is complete, reproducible and can be verified."""

import hashlib
import json

import ase.io
import pytest

from activecharge.dataset.export import export
from activecharge.dataset.extxyz import read_labels
from activecharge.dataset.manifest import versions
from activecharge.errors import UserError

SPLITS = {"train": [0, 2, 3], "valid": [1], "test": []}


@pytest.fixture
def labels(make_label):
    return [make_label(seed, 1 + seed % 2) for seed in range(4)]


def run(labels, folder):
    return export(labels, [{"round": i} for i in range(4)], folder / "data.xyz", SPLITS)


def test_files_and_their_frames(tmp_path, labels):
    (tmp_path / "data.test.xyz").write_text("left by an earlier export")
    written = run(labels, tmp_path)
    names = ["data.xyz", "data.train.xyz", "data.valid.xyz", "data.manifest.json"]
    assert [path.name for path, _ in written] == names
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(names)
    assert all(meaning for _, meaning in written)
    frames = ase.io.read(tmp_path / "data.xyz", ":")
    assert [a.info["split"] for a in frames] == ["train", "valid", "train", "train"]
    assert [a.info["round"] for a in frames] == [0, 1, 2, 3]
    train = [label.candidate.hash for label in read_labels(tmp_path / "data.train.xyz")]
    assert train == [labels[i].candidate.hash for i in SPLITS["train"]]


def checked(manifest):
    """The manifest, whose checksums are those of the files beside it."""
    data = json.loads(manifest.read_text(encoding="utf-8"))
    for name, entry in data["files"].items():
        content = (manifest.parent / name).read_bytes()
        assert entry == {"sha256": hashlib.sha256(content).hexdigest()}, name
    return data


def test_manifest_counts(tmp_path, labels):
    run(labels, tmp_path)
    data = checked(tmp_path / "data.manifest.json")
    assert data["counts"] == {
        "frames": 4,
        "atoms": 18,
        "splits": {"train": 3, "valid": 1, "test": 0},
        "elements": {"H": 12, "O": 6},
        "sources": {"clusters": 4},
    }
    assert data["format_version"] == 1
    assert sorted(data["files"]) == ["data.train.xyz", "data.valid.xyz", "data.xyz"]
    assert data["bec_convention"] == "pol_disp"
    assert data["properties"]["bec"] == {
        "key": "REF_bec",
        "unit": "e",
        "shape": ["atoms", 3, 3],
        "frames": 4,
    }
    assert data["references"] == [
        {"name": "tblite", "settings": {"field": 5e-4, "method": "GFN2-xTB"}, "frames": 4}
    ]
    assert data["versions"] == versions()
    assert {"python", "activecharge", "ase", "numpy"} <= versions().keys()


def test_the_same_labels_give_the_same_files(tmp_path, labels):
    first, second = run(labels, tmp_path / "a"), run(labels, tmp_path / "b")
    for (one, _), (other, _) in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_nothing_to_export(tmp_path, labels):
    with pytest.raises(UserError, match="no labels to export"):
        export([], [], tmp_path / "data.xyz", {"train": []})
    with pytest.raises(ValueError, match="exactly one split"):
        export(labels, [{}] * 4, tmp_path / "data.xyz", {"train": [0, 1, 2]})


def test_compressed_parts_keep_both_ends(tmp_path, labels):
    written = export(labels, [{}] * 4, tmp_path / "data.xyz.gz", SPLITS)
    names = ["data.xyz.gz", "data.train.xyz.gz", "data.valid.xyz.gz", "data.manifest.json"]
    assert [path.name for path, _ in written] == names
    assert len(read_labels(tmp_path / "data.train.xyz.gz")) == 3
    checked(tmp_path / "data.manifest.json")
