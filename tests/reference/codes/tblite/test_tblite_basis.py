"""The basis of GFN1-xTB and GFN2-xTB against tblite's overlaps and PySCF's plane waves."""

import numpy as np
import pytest
from ase import Atoms
from ase.data import chemical_symbols

from activecharge.reference.codes.tblite.basis import Shell, element
from activecharge.reference.codes.tblite.plane_wave import PlaneWaves
from activecharge.reference.codes.tblite.tblite import HEAVIEST
from activecharge.reference.codes.tblite.tblite_run import calculator, run
from activecharge.reference.reference_options import TbliteOptions
from activecharge.units import BOHR

METHODS = ("GFN2-xTB", "GFN1-xTB")


def integrals(atoms: Atoms, method: str, atom: int | None = None) -> PlaneWaves:
    cell = atoms.cell.array / BOHR if atoms.pbc.any() else None
    elements = [element(method, int(number)) for number in atoms.numbers]
    return PlaneWaves(elements, atoms.positions / BOHR, cell, atom)


def tblite_overlap(atoms: Atoms, method: str) -> np.ndarray:
    # Warm electrons let any element converge, odd electrons included.
    options = TbliteOptions(method=method, electronic_temperature=6000, accuracy=1.0)
    made = calculator(atoms, options)
    made.set("save-integrals", 1)
    return run(made, options)["overlap-matrix"]


@pytest.mark.parametrize("method", METHODS)
def test_the_overlap_of_a_cell_is_that_of_tblite(box, method):
    # Both leave out Gaussian products below exp(-25) = 1e-11; the rest are rounding errors.
    expected = tblite_overlap(box, method)
    np.testing.assert_allclose(integrals(box, method).overlap(), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_the_overlap_of_every_element_is_that_of_tblite(method):
    for number in range(1, HEAVIEST + 1):
        atoms = Atoms([number, 8, 1], [[0, 0, 0], [1.3, 1.1, 1.7], [-1.2, 1.9, -0.4]])
        expected = tblite_overlap(atoms, method)
        found = integrals(atoms, method).overlap()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10, err_msg=str(number))


# -- plane waves -------------------------------------------------------------------------


def of_pyscf(atoms: Atoms, method: str, waves: np.ndarray) -> np.ndarray:
    """<μ|exp(ik·r)|ν> of PySCF in the same basis, orbitals in its own order."""
    gto = pytest.importorskip("pyscf.pbc.gto")
    from pyscf.pbc.df.ft_ao import ft_aopair

    cell = gto.Cell()
    cell.atom = [
        (chemical_symbols[number], position)
        for number, position in zip(atoms.numbers, atoms.positions / BOHR, strict=True)
    ]
    cell.basis = {
        chemical_symbols[n]: [primitives(shell) for shell in element(method, int(n)).shells]
        for n in set(atoms.numbers)
    }
    cell.unit, cell.a, cell.spin = "Bohr", atoms.cell.array / BOHR, None
    cell.precision, cell.verbose = 1e-12, 0
    cell.build()
    # It has exp(-ik·r).
    return ft_aopair(cell, -waves)


def primitives(shell: Shell) -> list:
    """A shell in PySCF's form, with coefficients of normalised primitives."""
    from pyscf.gto import gto_norm

    angle = np.sqrt((2 * shell.angular + 1) / (4 * np.pi))
    norms = [gto_norm(shell.angular, exponent) * angle for exponent in shell.exponents]
    pairs = np.stack([shell.exponents, shell.coefficients / norms], axis=1)
    return [shell.angular, *pairs.tolist()]


def pyscf_order(atoms: Atoms, method: str) -> list[int]:
    """Where PySCF's orbitals are in tblite's order: shells by l, and p as x, y, z."""
    places: list[int] = []
    begin = 0
    for number in atoms.numbers:
        shells = []
        for shell in element(method, int(number)).shells:
            count = 2 * shell.angular + 1
            own = [begin + m for m in ((2, 0, 1) if shell.angular == 1 else range(count))]
            shells.append((shell.angular, own))
            begin += count
        for _, own in sorted(shells, key=lambda pair: pair[0]):
            places += own
    return places


@pytest.mark.parametrize("method", METHODS)
def test_plane_waves_are_those_of_pyscf(monkeypatch, box, method):
    gto = pytest.importorskip("pyscf.gto")
    # Contracted functions as they are: those of tblite are not normalised to the last digit.
    monkeypatch.setattr(gto.mole, "NORMALIZE_GTO", False)
    cell = box.copy()
    cell.numbers[[0, 3]] = [17, 30]  # with d orbitals; zinc's shells are not in the order of l
    reciprocal = 2 * np.pi * np.linalg.inv(cell.cell.array / BOHR).T
    waves = np.array([[1, 0, 0], [0, 2, 0], [1, -1, 1]]) @ reciprocal
    order = pyscf_order(cell, method)
    made = integrals(cell, method)
    for wave, expected in zip(waves, of_pyscf(cell, method, waves), strict=True):
        found = made.matrix(wave)[np.ix_(order, order)]
        # Products below 1e-11 that are left out here, times the images of a small cell.
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)
        assert np.abs(expected.imag).max() > 0.1


@pytest.mark.parametrize("method", METHODS)
def test_one_moved_atom_is_put_into_the_old_matrix(box, method):
    wave = 2 * np.pi * np.linalg.inv(box.cell.array / BOHR)[:, 0]
    moved = box.copy()
    moved.positions[4] += [0.2, -0.1, 5.0]
    rest = integrals(box, method).matrix(wave)
    part = integrals(moved, method, atom=4).matrix(wave, rest)
    # Rounding errors of sums in another order.
    np.testing.assert_allclose(part, integrals(moved, method).matrix(wave), atol=1e-13)
