"""PySCF labels against displaced dipoles, sum rules and PySCF's own numbers."""

import ase.units
import numpy as np
import pytest
from reference_cases import ends, rotational_breach, waters

pytest.importorskip("pyscf", reason="PySCF is not installed (pip install 'activecharge[pyscf]')")

from activecharge.errors import UserError
from activecharge.reference.codes import pyscf
from activecharge.reference.codes.pyscf import PyscfOptions, label, settings
from activecharge.reference.failure import ReferenceFailure, Refusal

pytestmark = pytest.mark.slow

FITTED = PyscfOptions(functional="PBE", basis="6-31g", grid_level=1)
EXACT = FITTED.model_copy(update={"density_fitting": False})


@pytest.fixture(scope="module")
def monomer():
    return waters(np.zeros((1, 3)), seed=1)


@pytest.fixture(scope="module")
def fitted(monomer):
    return label(monomer, FITTED)


@pytest.fixture(scope="module")
def exact(monomer):
    return label(monomer, EXACT)


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


def test_bec_is_the_derivative_of_the_dipole(monomer, fitted):
    step = 2e-3
    dipoles = [
        direct(m, FITTED).dip_moment(unit="AU", verbose=0) for m in ends(monomer, 2, 1, step)
    ]
    expected = (dipoles[0] - dipoles[1]) * ase.units.Bohr / (2 * step)
    # The fitted and the direct integrals, and grids that move and do not: measured 3e-4 e.
    np.testing.assert_allclose(fitted["bec"][2, :, 1], expected, rtol=0, atol=2e-3)


def test_sum_rules(monomer, fitted):
    # Forces contain the grid's motion, so translation holds to convergence.
    np.testing.assert_allclose(fitted["bec"].sum(axis=0), 0, atol=1e-7)
    np.testing.assert_allclose(fitted["forces"].sum(axis=0), 0, atol=1e-6)
    # The angular grids are fixed in space: breaches of 1e-4 e·Å with the finer grid, and ten
    # times that with this coarse one.
    assert rotational_breach(monomer, fitted) < 2e-3


def test_energy_dipole_and_forces_are_pyscfs_own(monomer, exact):
    run, step = direct(monomer, EXACT), 1e-3
    # PySCF's bohr and hartree are CODATA 2010 to 2022, 1e-8 apart, of 2000 eV.
    np.testing.assert_allclose(exact["energy"], run.e_tot * ase.units.Hartree, rtol=1e-7)
    dipole = run.dip_moment(unit="AU", verbose=0) * ase.units.Bohr
    np.testing.assert_allclose(exact["dipole"], dipole, atol=1e-5)
    plus, minus = (direct(m, EXACT).e_tot * ase.units.Hartree for m in ends(monomer, 1, 0, step))
    # Third derivatives of OH bonds (300 eV/Å³) times step²/6.
    expected = (minus - plus) / (2 * step)
    np.testing.assert_allclose(exact["forces"][1, 0], expected, atol=2e-4)


def test_charges(monomer, exact):
    def populations(**change):
        options = EXACT.model_copy(update=change)
        run = pyscf._converge(pyscf._molecule(monomer, options), options, np.zeros(3))
        return pyscf._charges(run, options)

    intrinsic, mulliken = exact["charges"], populations(charges="mulliken")
    assert abs(intrinsic.sum()) < 1e-6
    assert intrinsic[0] < 0 < intrinsic[1]
    expected = direct(monomer, EXACT).mulliken_pop(verbose=0)[1]
    np.testing.assert_allclose(mulliken, expected, atol=1e-5)  # convergence
    # Intrinsic orbitals hardly depend on the basis set; Mulliken's populations do, by 0.2 e.
    assert np.abs(populations(basis="def2-svpd") - intrinsic).max() < 0.1
    changed = populations(basis="def2-svpd", charges="mulliken") - mulliken
    assert np.abs(changed).max() > 0.1


def test_the_remedy_converges_to_the_same_label(monomer, exact):
    (second_order,) = EXACT.remedies()
    assert second_order.solver == "newton"
    second = label(monomer, second_order)
    for name, tolerance in {"energy": 1e-6, "forces": 1e-4, "dipole": 1e-5, "bec": 2e-4}.items():
        # Both stop at 1e-6 of the orbital gradient; halved fields of 1e-3 make 1e-4 e of it.
        np.testing.assert_allclose(second[name], exact[name], atol=tolerance, err_msg=name)


@pytest.mark.filterwarnings("ignore:Basis may be available:UserWarning")
def test_faults(monomer, box):
    with pytest.raises(ReferenceFailure, match=r"PBE/6-31g\) did not converge in 2 cycles"):
        label(monomer, FITTED.model_copy(update={"max_iterations": 2}))
    with pytest.raises(Refusal, match="free clusters only"):
        label(box, FITTED)
    with pytest.raises(UserError, match=r"reference\.functional: .* 'no-such'"):
        label(monomer, FITTED.model_copy(update={"functional": "no-such"}))
    with pytest.raises(UserError, match=r"reference\.basis: .* 'no-such'"):
        label(monomer, FITTED.model_copy(update={"basis": "no-such"}))


def test_settings():
    given = settings(FITTED)
    assert (given["functional"], given["basis"], given["charges"]) == ("PBE", "6-31g", "iao")
