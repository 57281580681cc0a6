"""tblite labels against finite differences and against tblite's own numbers."""

import ase.units
import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from reference_cases import ends, rotational_breach

from activecharge.reference.codes.tblite.tblite import label, settings
from activecharge.reference.failure import ReferenceFailure, Refusal
from activecharge.reference.reference_options import TbliteOptions

METHODS = ("GFN2-xTB", "GFN1-xTB")


def direct(atoms: Atoms, method: str, quantity: str) -> np.ndarray:
    """Ask tblite itself, tightly converged, in atomic units."""
    from tblite.interface import Calculator

    cell = {"lattice": atoms.cell.array / ase.units.Bohr, "periodic": atoms.pbc}
    calculator = Calculator(
        method,
        atoms.numbers,
        atoms.positions / ase.units.Bohr,
        **(cell if atoms.pbc.any() else {}),
    )
    calculator.set("verbosity", 0)
    calculator.set("accuracy", 1e-5)
    return calculator.singlepoint()[quantity]


@pytest.fixture(scope="module")
def box_labels(box):
    return {method: label(box, TbliteOptions(method=method)) for method in METHODS}


@pytest.mark.parametrize("method", METHODS)
def test_bec_is_the_derivative_of_the_dipole(trimer, tblite_labels, method):
    bec, step = tblite_labels[method]["bec"], 1e-3
    for atom, axis in ((0, 0), (4, 1), (8, 2)):
        plus, minus = (direct(moved, method, "dipole") for moved in ends(trimer, atom, axis, step))
        expected = (plus - minus) * ase.units.Bohr / (2 * step)
        # Second-order errors of both differences: about 1e-6 e from the field (halving it
        # quarters that) and 3e-6 e from the displacement.
        np.testing.assert_allclose(bec[atom, :, axis], expected, rtol=0, atol=1e-5)
        # Polarization and displacement must be distinguishable here, or the test says nothing.
        assert np.abs(bec[atom, :, axis] - bec[atom, axis]).max() > 0.01


@pytest.mark.parametrize("method", METHODS)
def test_sum_rules(trimer, tblite_labels, method):
    """They bind the components that the test above leaves out."""
    values = tblite_labels[method]
    # Self-consistent gradients sum to zero up to 1e-13; over a field of 5e-4, to 1e-9.
    np.testing.assert_allclose(values["bec"].sum(axis=0), 0, atol=1e-7)
    np.testing.assert_allclose(values["charges"].sum(), 0, atol=1e-7)
    np.testing.assert_allclose(values["forces"].sum(axis=0), 0, atol=1e-7)
    # Error of Z (1e-6 e) times a lever of a few Å.
    assert rotational_breach(trimer, values) < 2e-5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("which", ["trimer", "box"])
def test_forces_are_the_derivative_of_the_energy(request, tblite_labels, box_labels, which, method):
    atoms = request.getfixturevalue(which)
    labels = tblite_labels if which == "trimer" else box_labels
    forces, step = labels[method]["forces"], 5e-4
    for atom, axis in ((0, 0), (5, 2)):
        plus, minus = (direct(moved, method, "energy") for moved in ends(atoms, atom, axis, step))
        expected = -(plus - minus) * ase.units.Hartree / (2 * step)
        # Third derivatives of OH bonds (about 300 eV/Å³) times step²/6, doubled for stretched
        # bonds; the periodic integrals add a few 1e-5 by their cutoffs.
        np.testing.assert_allclose(forces[atom, axis], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_stress_is_the_derivative_by_strain_and_positive_under_tension(box, box_labels, method):
    stress, step = box_labels[method]["stress"], 1e-4
    for strain in (np.diag([1.0, 0, 0]), np.array([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]])):
        energies = []
        for sign in (step, -step):
            strained = box.copy()
            strained.set_cell(box.cell.array @ (np.eye(3) + sign * strain), scale_atoms=True)
            energies.append(direct(strained, method, "energy") * ase.units.Hartree)
        expected = (energies[0] - energies[1]) / (2 * step) / box.get_volume()
        # Measured differences are below 2e-6 eV/Å³, from lattice sums cut at finite radius.
        np.testing.assert_allclose((stress * strain).sum(), expected, rtol=0, atol=1e-5)


def test_units(trimer, tblite_labels):
    values = tblite_labels["GFN2-xTB"]
    # The two sets of physical constants differ by 1e-8 relative, of 400 eV.
    energy = direct(trimer, "GFN2-xTB", "energy") * ase.units.Hartree
    np.testing.assert_allclose(values["energy"], energy, rtol=1e-7)
    dipole = direct(trimer, "GFN2-xTB", "dipole") * ase.units.Bohr
    np.testing.assert_allclose(values["dipole"], dipole, atol=1e-6)  # convergence
    water = molecule("H2O")
    one = label(water, TbliteOptions())
    # GFN2-xTB overestimates the experimental 1.85 D a little.
    assert 1.8 < np.linalg.norm(one["dipole"]) / ase.units.Debye < 2.4
    assert one["charges"][0] < 0 < one["charges"][1]


def test_clusters_and_cells_have_what_the_page_says(trimer_label, box_labels):
    assert trimer_label.keys() == {"energy", "forces", "charges", "dipole", "bec"}
    assert box_labels["GFN2-xTB"].keys() == {"energy", "forces", "charges", "stress"}


def test_settings_name_what_fixes_the_values():
    given = settings(TbliteOptions(method="GFN1-xTB"))
    assert given["method"] == "GFN1-xTB"
    assert given["version"].count(".") == 2
    assert "timeout" not in given


def test_no_convergence_is_a_failure_and_has_a_remedy(trimer):
    few = TbliteOptions(max_iterations=2)
    with pytest.raises(ReferenceFailure, match="SCF not converged in 2 cycles"):
        label(trimer, few)
    (gentler,) = few.remedies()
    assert (gentler.max_iterations, gentler.damping) == (4, few.damping / 2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"numbers": [92, 1, 1]}, "elements 1 to 86, the frame has atomic number 92"),
        ({"numbers": [0, 1, 1]}, "atomic number 0"),
        ({"numbers": [8, 1, 2]}, "even number"),
        ({"positions": np.full((3, 3), np.nan)}, "not finite"),
        ({"positions": np.zeros((3, 3))}, "Too close"),
        ({"pbc": [True, True, False], "cell": [9, 9, 9]}, "some directions only"),
        ({"pbc": True}, "no volume"),
    ],
)
def test_refusals(change, words):
    water = molecule("H2O")
    fields = {"numbers": water.numbers, "positions": water.positions, **change}
    with pytest.raises(Refusal, match=words):
        label(Atoms(**fields), TbliteOptions())
