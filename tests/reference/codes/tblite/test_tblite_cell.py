"""Polarization and Born effective charges of cells in tblite, against free clusters and physics."""

import numpy as np
import pytest
from ase import Atoms
from reference_cases import boxed, ends, up_to_a_quantum, waters

from activecharge.reference.codes.tblite.tblite import label, settings
from activecharge.reference.codes.tblite.tblite_cell import born_effective_charges, polarization
from activecharge.reference.codes.tblite.tblite_run import calculator, electrons_only, run
from activecharge.reference.failure import Refusal
from activecharge.reference.gates import gate
from activecharge.reference.reference_options import GateOptions, TbliteOptions
from activecharge.reference.tight_binding import LARGEST_CELL, tight_binding_bec

pytestmark = pytest.mark.slow

METHODS = ("GFN2-xTB", "GFN1-xTB")
GFN1 = TbliteOptions(method="GFN1-xTB", periodic_bec=True)

NOISE = 1e-5
"""e. One-sided differences over 1e-5 Å are off by the step times half a second derivative, below
2 e/Å here, and self-consistency leaves 1e-6 e."""


def polarization_of(atoms: Atoms, options: TbliteOptions = GFN1) -> np.ndarray:
    return polarization(atoms, options, run(calculator(atoms, options), options))


def slope(atoms: Atoms, atom: int, axis: int) -> np.ndarray:
    """Z[atom, :, axis] by central differences of the polarization itself."""
    step, tight = 1e-3, GFN1.model_copy(update={"accuracy": 1e-5})
    plus, minus = (polarization_of(moved, tight) for moved in ends(atoms, atom, axis, step))
    return up_to_a_quantum(plus - minus, atoms.cell.array) / (2 * step)


@pytest.fixture(scope="module")
def box_bec(box: Atoms) -> np.ndarray:
    return born_effective_charges(box, GFN1)


@pytest.mark.parametrize(("count", "method"), [(1, "GFN2-xTB"), (2, "GFN1-xTB")])
def test_a_growing_box_tends_to_the_free_cluster(count, method):
    cluster = waters(np.array([[0.0, 0.0, 0.0], [0.4, 0.5, 2.9]])[:count], seed=3)
    options = TbliteOptions(method=method, periodic_bec=True)
    free = label(cluster, options)
    errors = []
    for edge in (10.0, 20.0):
        cell = boxed(cluster, edge)
        bec = born_effective_charges(cell, options)
        dipole = up_to_a_quantum(polarization_of(cell, options) - free["dipole"], cell.cell.array)
        errors.append([np.abs(bec - free["bec"]).max(), np.abs(dipole).max()])
    # The field of the images is 4π/3 P/V: a polarizability of 10 Å³ in 1000 Å³ changes Z, up
    # to 1 e, by a few 1e-3 e, and the dipole, up to 1 e·Å, alike.
    assert np.max(errors[0]) < 6e-3
    # 1/L³ makes an eighth of that. Without the second wavevector the law is 1/L², a quarter.
    assert errors[1][0] < errors[0][0] / 6 + 3 * NOISE
    assert errors[1][1] < errors[0][1] / 5 + 3e-5


def test_bec_is_the_derivative_of_the_polarization(box, box_bec):
    for atom, axis in ((0, 0), (1, 2), (5, 1)):
        # Central differences over 1e-3 Å add an error of 1e-6 e.
        np.testing.assert_allclose(box_bec[atom, :, axis], slope(box, atom, axis), atol=2 * NOISE)
    # Polarization and displacement must be distinguishable here, or the test says nothing.
    assert np.abs(box_bec - box_bec.transpose(0, 2, 1)).max() > 0.01


def test_acoustic_sum_rule(box_bec):
    assert np.abs(box_bec.sum(axis=0)).max() < len(box_bec) * NOISE


def test_place_and_wrapping_do_not_matter(box, box_bec):
    moved = box.copy()
    moved.positions -= moved.positions[0]  # the corner of the cell cuts a molecule now
    moved.wrap()
    assert np.linalg.norm(moved.positions[1:3] - moved.positions[0], axis=1).max() > 2
    # Noise of self-consistency alone: the error of the step is the same. An atom stands on the
    # faces, where tblite's charges jump by 3e-7 e when it is wrapped.
    np.testing.assert_allclose(born_effective_charges(moved, GFN1), box_bec, atol=NOISE / 2)
    difference = polarization_of(moved) - polarization_of(box)
    # tblite's lattice sums depend on where atoms stand: its charges change by 2e-6 e.
    np.testing.assert_allclose(up_to_a_quantum(difference, box.cell.array), 0, atol=2e-5)


def test_a_doubled_cell_has_the_same_response():
    cell = waters(np.array([[0.0, 0, 0], [2.9, 0.3, 0.2], [5.8, -0.2, 0], [8.8, 0, 0.3]]), seed=4)
    cell.set_cell([[11.8, 0, 0], [0.5, 6.0, 0], [0, -0.4, 6.0]])
    cell.pbc = True
    double = cell.repeat((2, 1, 1))
    for atom, axis in ((0, 0), (4, 1)):
        # What a row of four molecules lacks for want of k-points along it; it was 1e-2 e for two.
        np.testing.assert_allclose(slope(double, atom, axis), slope(cell, atom, axis), atol=2e-3)
    difference = polarization_of(double) - 2 * polarization_of(cell)
    np.testing.assert_allclose(up_to_a_quantum(difference, cell.cell.array), 0, atol=5e-3)


def test_labels_of_cells_pass_the_gates(box):
    values = label(box, GFN1)
    assert values["dipole"].shape == (3,)
    assert values["bec"].shape == (6, 3, 3)
    assert gate(box, values, GateOptions(acoustic_sum_rule=1e-4)) is None
    plain = label(box, GFN1.model_copy(update={"periodic_bec": False}))
    assert values.keys() - plain.keys() == {"dipole", "bec"}
    assert settings(GFN1)["step_A"] == 1e-5


@pytest.mark.parametrize("method", METHODS)
def test_leaving_out_what_electrons_do_not_feel_leaves_them_alone(box, method):
    options = TbliteOptions(method=method)
    whole = run(calculator(box, options), options)
    lean = run(calculator(box, options, electrons_only(method, box.numbers)), options)
    for quantity in ("charges", "orbital-energies", "density-matrix"):
        np.testing.assert_array_equal(lean[quantity], whole[quantity])
    assert lean["energy"] != whole["energy"]


def test_fractional_occupations_are_refused(box):
    hot = GFN1.model_copy(update={"electronic_temperature": 2e4})
    with pytest.raises(Refusal, match=r"occupation is .* off from 0 or 2"):
        label(box, hot)


def test_tight_binding_to_compare_with(trimer, trimer_label, box, fresh_workers):
    np.testing.assert_array_equal(tight_binding_bec(trimer), trimer_label["bec"])
    uranium = trimer.copy()
    uranium.numbers[0] = 92
    assert tight_binding_bec(uranium) is None
    large = box.repeat((3, 3, 1))
    assert len(large) > LARGEST_CELL
    assert tight_binding_bec(large) is None
