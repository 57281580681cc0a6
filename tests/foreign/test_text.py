"""extxyz as programs and editors write it: read as it is meant, or refused in one sentence."""

import bz2
import gzip
import lzma

import numpy as np
import pytest
from ase import Atoms
from foreign_cases import CELL, PLAIN, text

from activecharge.dataset.frames import read_frames, write_frames
from activecharge.errors import UserError
from activecharge.sampling.pool import read_pool

WATER = Atoms("OHH", positions=[[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])


def only(path):
    ((_, atoms),) = read_frames(path)
    return atoms


@pytest.mark.parametrize(
    ("before", "encoding", "after"),
    [
        ("", "utf-8-sig", "energy"),  # a byte order mark
        ("author=Müller ", "latin-1", "author"),
        ('note="a\u2028b\x0cc\x85d\x1ce" ', "utf-8", "note"),  # other characters that end lines
        ("author=Müller ", "utf-8", "author"),
    ],
)
def test_encodings_and_odd_characters(write, before, encoding, after):
    path = write(text(WATER, f"{before}energy=-14.5 {PLAIN}"), encoding=encoding)
    atoms = only(path)
    assert atoms.get_potential_energy() == -14.5
    assert after == "energy" or atoms.info[after] in before


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(write, end):
    frame = text(WATER, f"energy=-14.5 {PLAIN}").replace("\n", end)
    assert len(list(read_frames(write(2 * frame + end)))) == 2


def test_utf16_is_refused(write):
    with pytest.raises(UserError, match="is not a text file"):
        only(write(text(WATER, ""), encoding="utf-16"))


@pytest.mark.parametrize(
    ("end", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_compressed_files_are_read_and_written(tmp_path, end, pack):
    packed = tmp_path / f"a.xyz{end}"
    packed.write_bytes(pack(text(WATER, "").encode()))
    (atoms,) = read_pool(packed)
    again = write_frames(tmp_path / f"b.xyz{end}", [atoms])
    assert np.array_equal(only(again).positions, atoms.positions)
    assert again.read_bytes() == write_frames(tmp_path / f"c.xyz{end}", [atoms]).read_bytes()
    packed.write_bytes(b"not packed at all")
    with pytest.raises(UserError, match="cannot be unpacked"):
        only(packed)


def test_a_quote_that_swallows_keys_is_refused(write):
    with pytest.raises(UserError, match=r"' in the comment line is never closed and hides"):
        only(write(text(WATER, f"by=O'Brien energy=-14.5 {PLAIN}")))
    assert len(only(write(text(WATER, "it's water, no more")))) == 3


def test_a_key_given_twice_is_refused(write):
    with pytest.raises(UserError, match=r"frame 0 .*energy is given twice"):
        only(write(text(WATER, f"energy=-14.5 note='energy=1 energy=2' energy=-14.6 {PLAIN}")))
    assert only(write(text(WATER, f"energy=-14.5 note='a=1 a=2' free_energy=-14.5 {PLAIN}")))
    assert only(write(text(WATER, "a plain remark: x = 1, y = 2, x = 3")))


def test_a_folder_of_anything_is_refused(tmp_path):
    with pytest.raises(UserError, match="is a folder, but not a system of DeePMD-kit"):
        list(read_frames(tmp_path))


def test_brackets_and_json_in_comments(write):
    comment = f'meta={{"a": [1, 2]}} list=[1,2,3] note="x [y] {{z}}" energy=-14.5 {PLAIN}'
    atoms = only(write(text(WATER, comment)))
    assert atoms.get_potential_energy() == -14.5
    assert atoms.info["list"].tolist() == [1, 2, 3] and atoms.info["note"] == "x [y] {z}"


def test_words_of_the_format_in_other_capitals(write):
    """As GPUMD writes them; a frame of bulk would pass for a free cluster."""
    forces = np.arange(9.0).reshape(3, 3)
    atoms = only(
        write(
            text(
                WATER,
                f"{CELL} {PLAIN}:force:R:3".lower().replace(":s:", ":S:").replace(":r:", ":R:"),
                forces,
            )
        )
    )
    assert atoms.pbc.all() and atoms.cell.lengths().tolist() == [12, 12, 12]
    assert np.array_equal(atoms.arrays["force"], forces)


def test_the_cell_of_ipi_is_not_overlooked(write):
    comment = "# CELL(abcABC): 12 12 12 90 90 90 Step: 0 Bead: 0 positions{angstrom}"
    with pytest.raises(UserError, match=r"states its cell as i-PI does .*write Lattice"):
        only(write(text(WATER, comment)))


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ('stress="1 2 3 4 5 6"', r"stress .*nine numbers.*--key stress=voigt_stress"),
        ('virial="1 2 3 4 5 6"', r"virial .*nine numbers.*--key virial=voigt_virial"),
        ('Lattice="12 12 12"', "Lattice .*must be nine numbers"),
    ],
)
def test_matrices_that_are_not_nine_numbers(write, comment, said):
    with pytest.raises(UserError, match=rf"frame 0 .*{said}"):
        only(write(text(WATER, f"{comment} {PLAIN}")))


def test_six_numbers_under_another_name_are_a_stress(take, write):
    comment = f'{CELL} voigt_stress="1e-3 2e-3 3e-3 4e-3 5e-3 6e-3" {PLAIN}'
    (label,) = take(write(text(WATER, comment)), keys={"stress": "voigt_stress"}).imported.labels
    # xx yy zz yz xz xy; rounding to the eight decimals of files.
    expected = [[1e-3, 6e-3, 5e-3], [6e-3, 2e-3, 4e-3], [5e-3, 4e-3, 3e-3]]
    np.testing.assert_allclose(label.values["stress"], expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("number", ["0.9D+00", "******", "1.0-0.5"])
def test_numbers_that_are_none_are_named(write, number):
    broken = text(WATER, PLAIN).replace("0.96000000", number)
    with pytest.raises(UserError, match=r"frame 0 .*not valid extxyz"):
        only(write(broken))


@pytest.mark.parametrize("cell", ["12 0 0 3 12 0 2 1 12", "0 12 0 12 0 0 0 0 12"])
def test_skewed_and_left_handed_cells_are_kept_and_atoms_may_lie_outside(take, write, cell):
    far = WATER.copy()
    far.positions[1:] += [1200, 0, 0]
    path = write(text(far, f'Lattice="{cell}" energy=-14.5 {PLAIN}'))
    (label,) = take(path).imported.labels
    assert label.candidate.atoms.cell.array.ravel().tolist() == [float(x) for x in cell.split()]
    assert np.array_equal(label.candidate.atoms.positions, far.positions)
