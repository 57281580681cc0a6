"""Under which keys values lie, frame by frame, and what is not read."""

import numpy as np
import pytest
from ase import Atoms
from born_cases import labelled
from foreign_cases import CELL, PLAIN, text

from activecharge.errors import UserError

WATER = Atoms("OHH", positions=[[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
TURNED = Atoms("OHH", positions=[[0, 0, 0], [0.97, 0, 0], [-0.25, 0.93, 0]])


def test_keys_are_settled_frame_by_frame(take, write):
    frames = text(WATER, f"REF_energy=-1 {PLAIN}") + text(TURNED, f"energy=-1.1 {PLAIN}")
    intake = take(write(frames))
    energies = [float(label.values["energy"]) for label in intake.imported.labels]
    assert energies == [-1.0, -1.1]
    assert intake.facts()["keys"] == {"energy": {"REF_energy": 1, "energy": 1}}
    assert "energy from REF_energy in 1, energy in 1" in intake.text()


def test_a_key_that_was_named_is_the_only_one(take, write):
    frames = text(WATER, f"mine=-1 {PLAIN}") + text(TURNED, f"energy=-1.1 {PLAIN}")
    with pytest.raises(UserError, match=r"frame 1 .*no labels that are known, but energy"):
        take(write(frames), keys={"energy": "mine"})


@pytest.mark.parametrize(
    ("comment", "columns", "told"),
    [
        ("", {"force": 3}, "force (3 numbers an atom, in 1 frame): looks like forces"),
        ("", {"apt": 9}, "apt (9 numbers an atom, in 1 frame): looks like bec"),
        ("", {"tensors": 9}, "tensors (9 numbers an atom, in 1 frame): looks like bec"),
        ("", {"mulliken": 1}, "mulliken (1 number an atom, in 1 frame): looks like charges"),
        ("", {"gradient": 3}, "looks like forces; if so, give --key forces=gradient, with units"),
        ('mu="0 0 0.4"', {}, "mu (3 numbers, in 1 frame): looks like dipole"),
        ("free_energy=-15", {}, "looks like energy; if so, give --key energy=free_energy in place"),
        ('dft_stress="1 2 3 4 5 6"', {}, "dft_stress (6 numbers, in 1 frame): looks like stress"),
        ('virial="1 0 0 0 1 0 0 0 1"', {}, "virial (9 numbers without a cell, in 1 frame)"),
        ('cell="9 9 9"', {}, "if it is the cell of periodic frames, name it Lattice"),
        ("config_type=bulk", {}, "config_type (text, in 1 frame)"),
        ("step=7", {}, "step (1 number, in 1 frame)"),
    ],
)
def test_what_is_not_read_is_told(take, write, comment, columns, told):
    named = "".join(f":{name}:R:{width}" for name, width in columns.items())
    arrays = [np.full((3, width), 0.125) for width in columns.values()]
    path = write(text(WATER, f"energy=-14.5 {comment} {PLAIN}{named}", *arrays))
    intake = take(path)
    (found,) = intake.facts()["not_read"]
    assert told in found
    assert found in intake.text()


def test_columns_without_a_name_are_told(take, write):
    path = write(text(WATER, "energy=-14.5", np.ones((3, 3))))
    (found,) = take(path).facts()["not_read"]
    assert found.startswith("columns without a name (3 a row, in 1 frame): name them in Prop")


def test_a_trajectory_of_cp2k_names_the_key_of_its_energy(take, write):
    """Hartrees in a comment that is no extxyz, which reads as keys all the same."""
    path = write(text(WATER, " i =        0, time =        0.000, E =       -17.1641447"))
    with pytest.raises(UserError, match=r"no labels that are known, but E .*--key energy=E;"):
        take(path)
    keys, units = {"energy": "E"}, {"energy": "hartree"}
    (label,) = take(path, keys=keys, units=units).imported.labels
    assert float(label.values["energy"]) == pytest.approx(-17.1641447 * 27.211386, rel=1e-7)


def test_strict_refuses_numbers_that_are_not_read(take, write):
    path = write(text(WATER, f"energy=-14.5 {PLAIN}:force:R:3", np.ones((3, 3))))
    with pytest.raises(UserError, match=r"not read: force .*--key forces=force"):
        take(path, strict=True)
    harmless = write(text(WATER, f"energy=-14.5 step=3 config_type=bulk {PLAIN}"))
    assert take(harmless, strict=True).imported.frames == {"energy": 1}


def test_strict_refuses_remarks(take, write):
    path = write(text(WATER, f"energy=-76.4 {PLAIN}"))
    (remark,) = take(path).facts()["remarks"]
    assert "hartree" in remark
    with pytest.raises(UserError, match="hartree"):
        take(path, strict=True)


def test_data_are_not_replaced_by_what_is_made_of_them(tmp_path, take, write):
    path = write(text(WATER, f"energy=-14.5 {PLAIN}"), "ours.xyz")
    before = path.read_bytes()
    with pytest.raises(UserError, match="is a file to be read"):
        take(path)
    assert path.read_bytes() == before


# -- virials ------------------------------------------------------------------------------


def bulk(comment):
    return text(WATER, f"{CELL} energy=-14.5 {comment} {PLAIN}")


def test_a_virial_is_minus_the_stress_times_the_volume(take, write):
    """Of a box that is squeezed: its energy falls on expansion, its pressure is positive."""
    (label,) = take(write(bulk('virial="17.28 0 0 0 8.64 0 0 0 1.728"'))).imported.labels
    # 12³ Å³; eight decimals.
    np.testing.assert_allclose(
        label.values["stress"], np.diag([-0.01, -0.005, -0.001]), rtol=0, atol=1e-8
    )


def test_a_stress_and_a_virial_must_agree(take, write):
    virial = 'virial="17.28 0 0 0 8.64 0 0 0 1.728"'
    agreeing = take(write(bulk(f'{virial} stress="-0.01 0 0 0 -0.005 0 0 0 -0.001"')))
    assert agreeing.facts()["not_read"] == []
    with pytest.raises(UserError, match="stress and virial disagree"):
        take(write(bulk(f'{virial} stress="0.01 0 0 0 0.005 0 0 0 0.001"')))


def test_periodic_dipoles_and_free_stresses_are_said_not_to_teach(take, write):
    atoms, values = labelled(1)
    dipole = " ".join(map(str, values["dipole"]))
    stress = 'REF_stress="0 0 0 0 0 0 0 0 0"'
    frames = text(atoms, f'{CELL} energy=-14.5 dipole="{dipole}" {PLAIN}')
    frames += text(atoms, f"energy=-14.5 {stress} {PLAIN}")
    first, second = take(write(frames), strict=True).facts()["not_taught"]
    assert first.startswith("dipoles of 1 periodic frame do not teach")
    assert second.startswith("stresses of 1 free frame do not teach")
