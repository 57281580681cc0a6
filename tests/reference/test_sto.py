"""The basis of GFN1-xTB and GFN2-xTB against tblite's own overlap matrices."""

import numpy as np
import pytest
from ase import Atoms

from activecharge.reference.codes.tblite.basis import element
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
@pytest.mark.parametrize("which", ["trimer", "box"])
def test_the_overlap_of_water_is_that_of_tblite(request, which, method):
    atoms = request.getfixturevalue(which)
    # Both leave out Gaussian products below exp(-25) = 1e-11; the rest are rounding errors.
    expected = tblite_overlap(atoms, method)
    np.testing.assert_allclose(integrals(atoms, method).overlap(), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_the_overlap_of_every_element_is_that_of_tblite(method):
    for number in range(1, HEAVIEST + 1):
        atoms = Atoms([number, 8, 1], [[0, 0, 0], [1.3, 1.1, 1.7], [-1.2, 1.9, -0.4]])
        expected = tblite_overlap(atoms, method)
        found = integrals(atoms, method).overlap()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10, err_msg=str(number))


def test_a_plane_wave_shifts_its_phase_with_the_origin(box):
    wave = 2 * np.pi * np.linalg.inv(box.cell.array / BOHR)[:, 1]
    shift = np.array([0.3, -4.0, 7.0])
    moved = box.copy()
    moved.positions += shift
    expected = integrals(box, "GFN2-xTB").matrix(wave) * np.exp(1j * wave @ shift / BOHR)
    # The cutoff at 1e-11 sees the same distances, so only rounding errors are left.
    np.testing.assert_allclose(integrals(moved, "GFN2-xTB").matrix(wave), expected, atol=1e-12)


@pytest.mark.parametrize("numbers", [[8, 1, 1], [17, 30, 1]])
def test_a_small_plane_wave_measures_the_dipole(numbers):
    """The derivative by k of <exp(ik·r)> is i times the mean position."""
    atoms = Atoms(numbers, [[0, 0, 0], [0.8, 0.1, 0.7], [-0.6, 0.8, 0.3]])
    made = integrals(atoms, "GFN2-xTB")
    step = 1e-4
    for axis in np.eye(3):
        derivative = (made.matrix(step * axis) - made.matrix(-step * axis)) / (2 * step)
        # <i|x|i> of any s orbital, and of p and d by parity, is the place of its atom; the
        # third derivative times step² / 6 is below 1e-6 bohr.
        places = np.repeat(atoms.positions @ axis / BOHR, [counted(n) for n in numbers])
        np.testing.assert_allclose(derivative.imag.diagonal(), places, atol=1e-6)


def counted(number: int) -> int:
    return sum(2 * shell.angular + 1 for shell in element("GFN2-xTB", number).shells)


@pytest.mark.parametrize("method", METHODS)
def test_one_moved_atom_is_put_into_the_old_matrix(box, method):
    wave = 2 * np.pi * np.linalg.inv(box.cell.array / BOHR)[:, 0]
    moved = box.copy()
    moved.positions[4] += [0.2, -0.1, 5.0]
    rest = integrals(box, method).matrix(wave)
    part = integrals(moved, method, atom=4).matrix(wave, rest)
    # Rounding errors of sums in another order.
    np.testing.assert_allclose(part, integrals(moved, method).matrix(wave), atol=1e-13)
