"""The index order of Born effective charges, told from real labels, and refused where it hides."""

import numpy as np
import pytest
from born_cases import DCDR_DIPOLE_DEBYE, DCDR_FILE, DCDR_WATER, labelled

from activecharge.dataset.importing.born_files import read_born
from activecharge.dataset.importing.index_order import Tensors, detect, rotation_matrix, verdict
from activecharge.dataset.importing.unit_names import DEBYE


def tensors(molecules, seed=0, transposed=False, dipole=True, noise=0.0):
    atoms, values = labelled(molecules, seed)
    bec = values["bec"] + noise * np.random.default_rng(seed).normal(size=values["bec"].shape)
    return Tensors(
        atoms, bec.swapaxes(1, 2) if transposed else bec, values["dipole"] if dipole else None
    )


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dipole", [False, True])
@pytest.mark.parametrize("molecules", [1, 2, 6])
def test_one_free_cluster_tells(molecules, dipole, transposed):
    (evidence,) = detect([tensors(molecules, 3, transposed, dipole)])
    assert verdict([evidence]) == ("disp_pol" if transposed else "pol_disp")
    small, large = sorted((evidence.pol_disp, evidence.disp_pol))
    assert small < 1e-5  # noise of tblite's Z, 1e-6 e, times levers of a few Å
    assert large > 5e-3  # the least that was seen is 0.012 e·Å, for one molecule


def test_rigid_rotation_turns_the_dipole():
    frame = tensors(3)
    turned = np.cross(np.eye(3), frame.dipole).T
    # As above; the rule is exact.
    assert np.allclose(rotation_matrix(frame.atoms.positions, frame.bec), turned, atol=1e-5)


@pytest.mark.parametrize("transposed", [False, True])
def test_noise_is_averaged_over_frames_and_weakens_the_evidence(transposed):
    quiet = [tensors(4, seed, transposed, noise=1e-3) for seed in range(4)]
    assert verdict(detect(quiet)) == ("disp_pol" if transposed else "pol_disp")
    # 0.05 e on each component is as large as the antisymmetric parts themselves.
    loud = [tensors(4, seed, transposed, noise=0.05) for seed in range(4)]
    assert verdict(detect(loud)) is None


def test_symmetric_tensors_tell_nothing():
    atoms, values = labelled(1)
    charges = values["charges"][:, None, None] * np.eye(3)
    dipole = values["charges"] @ atoms.positions
    (evidence,) = detect([Tensors(atoms, charges, dipole)])
    assert evidence.order is None
    assert "symmetric" in str(evidence)
    symmetrised = (values["bec"] + values["bec"].swapaxes(1, 2)) / 2
    assert verdict(detect([Tensors(atoms, symmetrised, values["dipole"])])) is None


@pytest.mark.parametrize(("factor", "said"), [(1 / DEBYE, "0.2"), (-1.0, "-1")])
def test_a_dipole_in_other_units_or_of_other_sign_is_not_believed(factor, said):
    frame = tensors(3)
    (evidence,) = detect([Tensors(frame.atoms, frame.bec, factor * frame.dipole)])
    assert evidence.order is None
    assert f"imply dipoles about {said} times" in str(evidence)


def test_frames_that_disagree_leave_it_open():
    frames = [tensors(3), tensors(3, dipole=False, transposed=True)]
    evidence = detect(frames)
    assert [item.order for item in evidence] == ["pol_disp", "disp_pol"]
    assert verdict(evidence) is None


def test_frames_with_missing_tensors_are_left_out():
    frame = tensors(2)
    bec = frame.bec.copy()
    bec[0] = np.nan
    assert detect([Tensors(frame.atoms, bec, frame.dipole)]) == ()


def test_condensed_phases_need_a_second_calculation():
    """A second Z of like method decides; one that differs by more than the asymmetry does not."""
    frame = tensors(4)
    atoms = frame.atoms.copy()
    atoms.cell, atoms.pbc = np.eye(3) * 8, True  # images of the cluster touch
    given = Tensors(atoms, frame.bec.swapaxes(1, 2))
    assert detect([given]) == ()
    noise = np.random.default_rng(0).normal(size=frame.bec.shape)
    (near,) = detect([given], lambda _: frame.bec + 1e-3 * noise)
    assert near.order == "disp_pol"
    assert near.unit == "e"
    (far,) = detect([given], lambda _: frame.bec + 0.06 * noise)
    assert far.order is None
    assert detect([given], lambda _: None) == ()


@pytest.mark.parametrize("transposed", [False, True])
def test_a_cluster_in_a_large_cell_is_nearly_free(transposed):
    frame = tensors(2, transposed=transposed)
    atoms = frame.atoms.copy()
    atoms.cell, atoms.pbc = np.eye(3) * 14, True
    (evidence,) = detect([Tensors(atoms, frame.bec, np.zeros(3))])  # such dipoles do not count
    assert evidence.order == ("disp_pol" if transposed else "pol_disp")
    wrapped = atoms.copy()
    wrapped.positions[0] += atoms.cell.array[0]
    assert detect([Tensors(wrapped, frame.bec)]) == ()


def test_the_second_calculation_is_not_asked_in_vain():
    def unwanted(atoms):
        raise AssertionError("the sum rule had decided")

    assert verdict(detect([tensors(2)], unwanted)) == "pol_disp"


def test_what_cp2k_prints_obeys_the_rule_with_displacement_first(tmp_path):
    """The source of the order that `born_files` states for DCDR."""
    (tmp_path / "apt.data").write_text(DCDR_FILE)
    born = read_born(tmp_path / "apt.data")
    (evidence,) = detect([Tensors(DCDR_WATER, born.frames[0], DCDR_DIPOLE_DEBYE * DEBYE)])
    assert evidence.order == born.order == "disp_pol"
