"""PySCF labels against displaced dipoles, sum rules and PySCF's own numbers."""

import subprocess
import sys

import ase.units
import numpy as np
import pytest
from cases import message_without, rotational_breach
from water_cases import waters

pytest.importorskip("pyscf", reason="PySCF is not installed (pip install 'activecharge[pyscf]')")

from activecharge.errors import UserError
from activecharge.reference.codes.pyscf import label, remedies, settings
from activecharge.reference.failure import ReferenceFailure, Refusal
from activecharge.reference.reference_options import PyscfOptions

SMALL = PyscfOptions(functional="PBE", basis="6-31g", grid_level=1)


@pytest.fixture(scope="module")
def dimer():
    return waters(np.array([[0.0, 0.0, 0.0], [2.9, 0.2, 0.0]]), seed=1)


@pytest.fixture(scope="module")
def monomer(dimer):
    return dimer[:3]


def direct(atoms, options: PyscfOptions):
    """Ask PySCF itself, in the simplest way."""
    from pyscf import dft, gto

    molecule = gto.M(
        atom=list(zip(atoms.symbols, atoms.positions.tolist(), strict=True)),
        basis=options.basis,
        verbose=0,
    )
    run = dft.RKS(molecule, xc=options.functional)
    run.disp, run.grids.level, run.conv_tol = options.dispersion, options.grid_level, 1e-10
    run.conv_tol_grad = 1e-6
    run.kernel()
    return run


@pytest.mark.parametrize("which", ["monomer", "dimer"])
def test_bec_is_the_derivative_of_the_dipole(request, which):
    atoms = request.getfixturevalue(which)
    bec, atom, axis = label(atoms, SMALL)["bec"], len(atoms) - 1, 2
    dipoles, step = [], 2e-3
    for sign in (step, -step):
        moved = atoms.copy()
        moved.positions[atom, axis] += sign
        dipoles.append(direct(moved, SMALL).dip_moment(unit="AU", verbose=0))
    expected = (dipoles[0] - dipoles[1]) * ase.units.Bohr / (2 * step)
    # The fitted and the direct integrals, and grids that move and do not: measured 3e-4 e.
    np.testing.assert_allclose(bec[atom, :, axis], expected, rtol=0, atol=2e-3)


def test_sum_rules(dimer):
    values = label(dimer, SMALL)
    # Forces contain the grid's motion, so translation holds to rounding (6 values of 5e-9).
    np.testing.assert_allclose(values["bec"].sum(axis=0), 0, atol=1e-7)
    np.testing.assert_allclose(values["forces"].sum(axis=0), 0, atol=1e-6)
    # The angular grids are fixed in space: breaches of 1e-4 e·Å with the finer grid, and ten
    # times that with this coarse one.
    assert rotational_breach(dimer, values) < 2e-3


def test_energy_and_dipole_are_pyscfs_own(monomer):
    options = SMALL.model_copy(update={"density_fitting": False})
    values, run = label(monomer, options), direct(monomer, options)
    # PySCF's bohr and hartree are CODATA 2010 to 2022, 1e-8 apart, of 2000 eV.
    np.testing.assert_allclose(values["energy"], run.e_tot * ase.units.Hartree, rtol=1e-7)
    dipole = run.dip_moment(unit="AU", verbose=0) * ase.units.Bohr
    np.testing.assert_allclose(values["dipole"], dipole, atol=1e-5)


def test_forces_are_the_derivative_of_the_energy(monomer):
    options = SMALL.model_copy(update={"density_fitting": False})
    force, step = label(monomer, options)["forces"][1, 0], 1e-3
    energies = []
    for sign in (step, -step):
        moved = monomer.copy()
        moved.positions[1, 0] += sign
        energies.append(direct(moved, options).e_tot * ase.units.Hartree)
    # Third derivatives of OH bonds (300 eV/Å³) times step²/6.
    np.testing.assert_allclose(force, (energies[1] - energies[0]) / (2 * step), atol=2e-4)


def test_charges(monomer):
    intrinsic = label(monomer, SMALL)["charges"]
    mulliken = label(monomer, SMALL.model_copy(update={"charges": "mulliken"}))["charges"]
    for charges in (intrinsic, mulliken):
        assert abs(charges.sum()) < 1e-6
        assert charges[0] < 0 < charges[1]
    np.testing.assert_allclose(
        mulliken, direct(monomer, SMALL).mulliken_pop(verbose=0)[1], atol=1e-3
    )
    # Intrinsic orbitals hardly depend on the basis set, Mulliken's populations do.
    larger = label(monomer, SMALL.model_copy(update={"basis": "def2-svpd"}))["charges"]
    assert np.abs(larger - intrinsic).max() < 0.1


def test_remedy_converges_to_the_same_label(monomer):
    first = label(monomer, SMALL)
    (second_order,) = remedies(SMALL)
    second = label(monomer, second_order)
    for name, tolerance in {"energy": 1e-6, "forces": 1e-4, "dipole": 1e-5, "bec": 2e-4}.items():
        # Both stop at 1e-6 of the orbital gradient; halved fields of 1e-3 make 1e-4 e of it.
        np.testing.assert_allclose(first[name], second[name], atol=tolerance, err_msg=name)


@pytest.mark.filterwarnings("ignore:Basis may be available:UserWarning")
def test_faults(monomer, box):
    with pytest.raises(ReferenceFailure, match=r"PBE/6-31g\) did not converge in 2 cycles"):
        label(monomer, SMALL.model_copy(update={"max_iterations": 2}))
    with pytest.raises(Refusal, match="free clusters only"):
        label(box, SMALL)
    with pytest.raises(UserError, match=r"reference\.functional: .* 'no-such'"):
        label(monomer, SMALL.model_copy(update={"functional": "no-such"}))
    with pytest.raises(UserError, match=r"reference\.basis: .* 'no-such'"):
        label(monomer, SMALL.model_copy(update={"basis": "no-such"}))


def test_settings():
    given = settings(SMALL)
    assert (given["functional"], given["basis"], given["charges"]) == ("PBE", "6-31g", "iao")


@pytest.mark.parametrize("module", ["pyscf", "pyscf.dispersion"])
def test_missing_package_says_how_to_install_it(module):
    code = message_without(module, "pyscf")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'activecharge[pyscf]'" in done.stdout
