"""tblite labels against finite differences and against tblite's own numbers."""

import subprocess
import sys

import ase.units
import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from activecharge.reference.codes.tblite.tblite import label, settings
from activecharge.reference.failure import ReferenceFailure
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


def displaced(atoms: Atoms, atom: int, axis: int, step: float) -> Atoms:
    moved = atoms.copy()
    moved.positions[atom, axis] += step
    return moved


@pytest.mark.parametrize("method", METHODS)
def test_bec_is_the_derivative_of_the_dipole(trimer, method):
    bec = label(trimer, TbliteOptions(method=method))["bec"]
    step = 1e-3
    expected = np.empty_like(bec)
    for atom in range(len(trimer)):
        for axis in range(3):
            plus, minus = (
                direct(displaced(trimer, atom, axis, s), method, "dipole") for s in (step, -step)
            )
            expected[atom, :, axis] = (plus - minus) * ase.units.Bohr / (2 * step)
    # Second-order errors of both differences: about 1e-6 e from the field (halving it
    # quarters that) and 3e-6 e from the displacement.
    np.testing.assert_allclose(bec, expected, rtol=0, atol=1e-5)
    # Polarization and displacement must be distinguishable here, or the test says nothing.
    assert np.abs(bec - bec.transpose(0, 2, 1)).max() > 0.01


@pytest.mark.parametrize("method", METHODS)
def test_sum_rules(trimer, method):
    values = label(trimer, TbliteOptions(method=method))
    # Self-consistent gradients sum to zero up to 1e-13; 9 values rounded at 5e-9 remain.
    np.testing.assert_allclose(values["bec"].sum(axis=0), 0, atol=1e-7)
    np.testing.assert_allclose(values["charges"].sum(), 0, atol=1e-7)
    np.testing.assert_allclose(values["forces"].sum(axis=0), 0, atol=1e-7)
    for axis in np.eye(3):
        turned = np.einsum("iab,ib->a", values["bec"], np.cross(axis, trimer.positions))
        # Error of Z (1e-6 e) times a lever of a few Å.
        np.testing.assert_allclose(turned, np.cross(axis, values["dipole"]), atol=2e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("which", ["trimer", "box"])
def test_forces_are_the_derivative_of_the_energy(request, which, method):
    atoms = request.getfixturevalue(which)
    forces = label(atoms, TbliteOptions(method=method))["forces"]
    step = 5e-4
    for atom, axis in ((0, 0), (1, 1), (5, 2)):
        plus, minus = (
            direct(displaced(atoms, atom, axis, s), method, "energy") for s in (step, -step)
        )
        expected = -(plus - minus) * ase.units.Hartree / (2 * step)
        # Third derivatives of OH bonds (about 300 eV/Å³) times step²/6, doubled for stretched
        # bonds; the periodic integrals add a few 1e-5 by their cutoffs.
        np.testing.assert_allclose(forces[atom, axis], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_stress_is_the_derivative_by_strain_and_positive_under_tension(box, method):
    stress = label(box, TbliteOptions(method=method))["stress"]
    step = 1e-4
    for strain in (np.diag([1.0, 0, 0]), np.diag([0, 0, 1.0]), [[0, 0.5, 0], [0.5, 0, 0], [0] * 3]):
        strain = np.array(strain)
        energies = []
        for sign in (step, -step):
            strained = box.copy()
            strained.set_cell(box.cell.array @ (np.eye(3) + sign * strain), scale_atoms=True)
            energies.append(direct(strained, method, "energy") * ase.units.Hartree)
        expected = (energies[0] - energies[1]) / (2 * step) / box.get_volume()
        # Measured differences are below 2e-6 eV/Å³, from lattice sums cut at finite radius.
        np.testing.assert_allclose((stress * strain).sum(), expected, rtol=0, atol=1e-5)


def test_units():
    water = molecule("H2O")
    values = label(water, TbliteOptions())
    # The two sets of physical constants differ by 1e-8 relative, of 138 eV.
    np.testing.assert_allclose(
        values["energy"], direct(water, "GFN2-xTB", "energy") * ase.units.Hartree, rtol=1e-7
    )
    dipole = direct(water, "GFN2-xTB", "dipole") * ase.units.Bohr
    np.testing.assert_allclose(values["dipole"], dipole, atol=1e-6)  # convergence and rounding
    # GFN2-xTB overestimates the experimental 1.85 D a little.
    assert 1.8 < np.linalg.norm(values["dipole"]) / ase.units.Debye < 2.4
    assert values["charges"][0] < 0 < values["charges"][1]


def test_shapes(trimer_label, box):
    assert {name: value.shape for name, value in trimer_label.items()} == {
        "energy": (),
        "forces": (9, 3),
        "charges": (9,),
        "dipole": (3,),
        "bec": (9, 3, 3),
    }
    assert {name: value.shape for name, value in label(box, TbliteOptions()).items()} == {
        "energy": (),
        "forces": (6, 3),
        "charges": (6,),
        "stress": (3, 3),
    }


def test_values_survive_eight_decimals(trimer_label):
    for value in trimer_label.values():
        text = [f"{x:.8f}" for x in value.ravel()]
        np.testing.assert_array_equal([float(t) for t in text], value.ravel())


def test_settings_name_what_fixes_the_values():
    given = settings(TbliteOptions(method="GFN1-xTB"))
    assert given["method"] == "GFN1-xTB"
    assert given["version"].count(".") == 2
    assert "timeout" not in given


def test_no_convergence_is_a_failure(trimer):
    with pytest.raises(ReferenceFailure, match="SCF not converged in 2 cycles"):
        label(trimer, TbliteOptions(max_iterations=2))


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
    with pytest.raises(ReferenceFailure, match=words):
        label(Atoms(**fields), TbliteOptions())


def test_missing_tblite_says_how_to_install_it():
    code = (
        "import sys; sys.modules['tblite'] = None\n"
        "from ase.build import molecule\n"
        "from activecharge.errors import UserError\n"
        "from activecharge.reference.reference_options import TbliteOptions\n"
        "from activecharge.reference.codes.tblite.tblite import label\n"
        "try: label(molecule('H2O'), TbliteOptions())\n"
        "except UserError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install tblite" in done.stdout
