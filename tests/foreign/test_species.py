"""What files call their atoms."""

import numpy as np
import pytest
from ase import Atoms
from foreign_cases import PLAIN, text

from activecharge.dataset.extxyz import read_labels
from activecharge.dataset.frames import read_frames
from activecharge.dataset.identity import content_hash
from activecharge.errors import UserError
from activecharge.sampling.pool import read_pool

WATER = Atoms("OHH", positions=[[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])


@pytest.mark.parametrize(("name", "mass"), [("D", 2.014), ("T", 3.016), ("2H", 2.014)])
def test_heavy_hydrogen_is_hydrogen_with_its_mass(take, write, tmp_path, name, mass):
    path = write(text(WATER, f"energy=-14.5 {PLAIN}", names=["O", name, "H"]))
    (label,) = take(path).imported.labels
    (back,) = read_labels(tmp_path / "ours.xyz")
    (pooled,) = read_pool(path)
    for atoms in (label.candidate.atoms, back.candidate.atoms, pooled):
        assert list(atoms.symbols) == ["O", "H", "H"]
        # Three decimals of the isotope's mass; hydrogen's and oxygen's are ASE's.
        np.testing.assert_allclose(atoms.get_masses(), [15.999, mass, 1.008], atol=5e-4)
    # The electrons are the same, and so are the labels.
    assert back.candidate.hash == content_hash(WATER)


def test_natural_masses_are_not_kept(tmp_path):
    from ase.io import write

    atoms = WATER.copy()
    atoms.set_masses([15.9994, 1.00794, 1.00794])  # other programs' tables
    write(tmp_path / "a.traj", atoms)
    (pooled,) = read_pool(tmp_path / "a.traj")
    assert not pooled.has("masses")


@pytest.mark.parametrize("name", ["X", "M", "MW", "EP"])
def test_sites_without_electrons_are_refused(write, name):
    four = WATER + Atoms("H", positions=[[0.1, 0.1, 0]])
    path = write(text(four, PLAIN, names=["O", "H", "H", name]))
    with pytest.raises(UserError, match=rf"1 of 4 atoms are called {name}, .*no element but a si"):
        list(read_frames(path))


def test_sites_of_other_formats_are_refused(tmp_path):
    from ase.io import write

    write(tmp_path / "a.traj", WATER + Atoms("X", positions=[[0.1, 0.1, 0]]))
    with pytest.raises(UserError, match="atom 3 is X, which is no element"):
        read_pool(tmp_path / "a.traj")


@pytest.mark.parametrize(
    ("names", "symbols"),
    [("8 1 1", "OHH"), ("o h h", "OHH"), ("O H H", "OHH")],
)
def test_numbers_and_small_letters(write, names, symbols):
    ((_, atoms),) = read_frames(write(text(WATER, PLAIN, names=names.split())))
    assert "".join(atoms.symbols) == symbols
    assert not atoms.has("masses")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("1 2 2", "called 1, 2, which may be atomic numbers or the types of a force field"),
        ("OW HW1 HW2", "called HW1, HW2, OW; expected chemical symbols"),
        ("O H 0", "called 0; expected chemical symbols"),
    ],
)
def test_names_that_are_no_elements(write, names, said):
    with pytest.raises(UserError, match=rf"frame 0 .*{said}"):
        list(read_frames(write(text(WATER, PLAIN, names=names.split()))))


def test_a_column_of_atomic_numbers(write):
    path = write(text(WATER, "Properties=Z:I:1:pos:R:3", names=["8", "1", "1"]))
    ((_, atoms),) = read_frames(path)
    assert list(atoms.symbols) == ["O", "H", "H"]
