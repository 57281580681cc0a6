"""Born effective charges read from files of VASP and CP2K."""

import os
import shutil
import subprocess

import numpy as np
import pytest
from born_cases import DCDR_FILE, DCDR_WATER, apt_differences, labelled, outcar

from activecharge.dataset.importing.born_files import read_born
from activecharge.errors import UserError

FIVE = 6e-6
"""Half a unit of the fifth decimal, which OUTCARs print, and a little for binary rounding."""


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "born.txt"
        path.write_text(text)
        return path

    return write


def in_cell():
    atoms, values = labelled(2)
    by_species = np.argsort(atoms.numbers, kind="stable")[::-1]
    atoms = atoms[by_species]
    atoms.cell, atoms.pbc = np.eye(3) * 15, True
    return atoms, values["bec"][by_species]


def test_outcar_of_field_response_has_polarization_first(written):
    atoms, bec = in_cell()
    born = read_born(written(outcar(atoms, bec)))
    assert born.order == "pol_disp"
    assert len(born.frames) == 1
    np.testing.assert_allclose(born.frames[0], bec, rtol=0, atol=FIVE)


def test_outcar_of_unclear_routine_leaves_the_order_open(written):
    atoms, bec = in_cell()
    text = outcar(atoms, bec, head="BORN EFFECTIVE CHARGES (in e, cummulative output)")
    assert read_born(written(text)).order is None


def test_the_last_block_of_an_outcar_counts_unless_it_leaves_out_local_fields(written):
    atoms, bec = in_cell()
    one = outcar(atoms, 2 * bec)
    block, poorer = outcar(atoms, bec), outcar(atoms, 3 * bec).replace("including", "excluding")
    block, poorer = (text[text.index(" BORN") :] for text in (block, poorer))
    born = read_born(written(one + block + poorer))
    assert born.order == "pol_disp"
    np.testing.assert_allclose(born.frames[0], bec, rtol=0, atol=FIVE)


def test_cp2k_response_file(written):
    born = read_born(written(DCDR_FILE))
    assert born.order == "disp_pol"
    (bec,) = born.frames
    assert bec.shape == (3, 3, 3)
    assert bec[1, 0].tolist() == [0.288192, 0.188817, -0.143891]
    assert bec[2, 2, 2] == 0.045301


def test_atoms_that_cp2k_was_not_asked_for_are_missing(written):
    lines = DCDR_FILE.splitlines()
    lines[7:10] = ["APT |        0.000000       0.000000       0.000000"] * 3
    (bec,) = read_born(written("\n".join(lines))).frames
    assert np.isnan(bec).all(axis=(1, 2)).tolist() == [False, True, False]


def test_cp2k_finite_differences_of_several_frames(written):
    frames = [labelled(2, seed) for seed in (0, 1)]
    text = "".join(apt_differences(atoms.symbols, values["bec"]) for atoms, values in frames)
    born = read_born(written(text))
    assert born.order == "pol_disp"
    for bec, (_, values) in zip(born.frames, frames, strict=True):
        np.testing.assert_allclose(bec, values["bec"], rtol=0, atol=1e-9)  # ten decimals


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing here\n", "holds no Born effective charges"),
        ("\n".join(DCDR_FILE.splitlines()[:12]), "atom 3 is cut short"),
        ("\n".join(DCDR_FILE.splitlines()[:14]), "are cut short"),
        (DCDR_FILE.replace("-0.482451", "*********"), "atom 1 is cut short or not numeric"),
    ],
)
def test_what_is_missing_or_cut_short_is_said(written, text, said):
    with pytest.raises(UserError, match=said):
        read_born(written(text))


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_born(tmp_path / "OUTCAR")


INPUT = """\
&GLOBAL
  PROJECT water
  RUN_TYPE ENERGY_FORCE
&END GLOBAL
&FORCE_EVAL
  METHOD Quickstep
  &PROPERTIES
    &LINRES
      PRECONDITIONER FULL_SINGLE_INVERSE
      EPS 1E-7
      &DCDR
        &PRINT
          &APT
          &END APT
        &END PRINT
      &END DCDR
    &END LINRES
  &END PROPERTIES
  &DFT
    BASIS_SET_FILE_NAME GTH_BASIS_SETS
    POTENTIAL_FILE_NAME POTENTIAL
    &MGRID
      NGRIDS 1
      CUTOFF 200
    &END MGRID
    &SCF
      SCF_GUESS ATOMIC
      EPS_SCF 1E-7
      &OT
        PRECONDITIONER FULL_SINGLE_INVERSE
      &END OT
    &END SCF
    &PRINT
      &MOMENTS
        PERIODIC FALSE
      &END MOMENTS
    &END PRINT
    &POISSON
      POISSON_SOLVER ANALYTIC
      PERIODIC NONE
    &END POISSON
    &XC
      &XC_FUNCTIONAL LDA
      &END XC_FUNCTIONAL
    &END XC
  &END DFT
  &SUBSYS
    &CELL
      PERIODIC NONE
      ABC 6 6 6
    &END CELL
    &KIND DEFAULT
      BASIS_SET SZV-GTH
      POTENTIAL GTH-LDA
    &END KIND
    &COORD
COORDINATES
    &END COORD
  &END SUBSYS
&END FORCE_EVAL
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cp2k.psmp") is None, reason="CP2K (cp2k.psmp) is not installed")
def test_the_file_is_what_cp2k_writes(tmp_path):
    rows = zip(DCDR_WATER.symbols, DCDR_WATER.positions, strict=True)
    coordinates = "\n".join(f"{s} {x:.8f} {y:.8f} {z:.8f}" for s, (x, y, z) in rows)
    (tmp_path / "water.inp").write_text(INPUT.replace("COORDINATES", coordinates))
    subprocess.run(
        ["cp2k.psmp", "-i", "water.inp", "-o", "water.out"],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (tmp_path / "known.data").write_text(DCDR_FILE)
    known, fresh = read_born(tmp_path / "known.data"), read_born(tmp_path / "water-dcdr-1_0.data")
    # The linear solver stops at 1e-7, printed are six decimals; other versions and compilers
    # differ by less than 1e-3 e.
    np.testing.assert_allclose(fresh.frames[0], known.frames[0], rtol=0, atol=1e-3)
