"""Files that users bring."""

import numpy as np
import pytest
from ase.io import write

from activecharge.dataset.identity import canonical
from activecharge.errors import UserError
from activecharge.sampling.pool import read_pool


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pool.xyz"


def test_reads_frames_in_canonical_form(path, clusters, boxes):
    frames = clusters[:3] + boxes[:1]
    write(path, frames, format="extxyz")
    for given, back in zip(frames, read_pool(path, ["H", "O"]), strict=True):
        assert np.array_equal(back.positions, canonical(given).positions)
        assert np.array_equal(back.cell.array, canonical(given).cell.array)
        assert back.info == {}


def test_reads_plain_xyz(path):
    path.write_text("3\n\nO 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\n")
    (atoms,) = read_pool(path)
    assert not atoms.pbc.any()


def spoil_position(atoms):
    atoms.positions[1, 2] = np.nan


def spoil_charge(atoms):
    atoms.info["charge"] = -1


def spoil_total_charge(atoms):
    atoms.info["total_charge"] = 1.0


def spoil_periodicity(atoms):
    atoms.set_cell([20, 20, 20])
    atoms.pbc = [True, True, False]


def spoil_cell(atoms):
    atoms.set_cell([[20, 0, 0], [0, 20, 0], [20, 20, 1e-5]])
    atoms.pbc = True


def spoil_element(atoms):
    atoms.symbols[0] = "Na"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_position, "not finite"),
        (spoil_charge, "neutral"),
        (spoil_total_charge, "neutral"),
        (spoil_periodicity, "periodic in all three"),
        (spoil_cell, "flat"),
        (spoil_element, "Na"),
    ],
)
def test_names_file_and_frame_at_fault(path, clusters, spoil, words):
    frames = [a.copy() for a in clusters[:4]]
    spoil(frames[2])
    write(path, frames, format="extxyz")
    with pytest.raises(UserError, match=rf"pool\.xyz, frame 2.*{words}"):
        read_pool(path, ["H", "O"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no frames"),
        ("hello\nworld\n", "frame 0"),
        ("3\n\nO 0 0 0\nH 0.96 0 0\n", "frame 0"),
        ("1\n\nAr 0 0 0\n2\n\nAr 0 0 0\nAr 0 zero 4\n", "frame 1"),
        ("1\n\nAr 0 0 0\n1\n\nXy 0 0 0\n", "frame 1"),
        ("1\n\nAr 0 0 0\n\n1\n\nAr 0 0 3\n", "frame 1"),
    ],
)
def test_corrupt_files_are_refused(path, text, words):
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        read_pool(path)


def test_missing_and_binary_files_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"absent\.xyz"):
        read_pool(tmp_path / "absent.xyz")
    (tmp_path / "binary.xyz").write_bytes(bytes(range(256)))
    with pytest.raises(UserError, match=r"binary\.xyz"):
        read_pool(tmp_path / "binary.xyz")
