"""Ice: the lattice, the ice rules, no net dipole."""

import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list

from activecharge.sampling.builders.ice import build_ice, oxygen_lattice
from activecharge.sampling.molecules import mass_density
from activecharge.sampling.source_options import IceOptions

CELLS = [
    ("Ih", (1, 1, 1)),
    ("Ih", (2, 1, 1)),
    ("Ih", (2, 2, 2)),
    ("Ic", (1, 1, 1)),
    ("Ic", (2, 1, 2)),
]


def ideal(structure, repeats, count=4, seed=0, **options):
    """Ice whose molecules are all alike and stand exactly on the lattice."""
    settings = {"shift": 0, "bond_spread": 0, "angle_spread": 0, **options}
    options = IceOptions(structure=structure, repeats=repeats, count=count, **settings)
    return list(build_ice(options, np.random.default_rng(seed)))


def hydrogen_bonds(atoms):
    """Hydrogen bonds as (giver, taker), molecules counted as they stand: O, H, H each."""
    hydrogen, oxygen, distance = neighbor_list("ijd", atoms, {("H", "O"): 2.1})
    giver, taker = hydrogen // 3, oxygen // 3
    pairs = (atoms.numbers[hydrogen] == 1) & (distance > 1.2)
    return giver[pairs], taker[pairs]


@pytest.mark.parametrize(("structure", "repeats"), CELLS)
def test_every_molecule_gives_two_hydrogen_bonds_and_takes_two(structure, repeats):
    for atoms in ideal(structure, repeats):
        molecules = len(atoms) // 3
        giver, taker = hydrogen_bonds(atoms)
        assert (np.bincount(giver, minlength=molecules) == 2).all()
        assert (np.bincount(taker, minlength=molecules) == 2).all()


@pytest.mark.parametrize(("structure", "repeats"), CELLS)
def test_the_cell_has_no_dipole(structure, repeats):
    for atoms in ideal(structure, repeats):
        vectors = atoms.positions.reshape(-1, 3, 3)
        moments = vectors[:, 1:].sum(axis=1) - 2 * vectors[:, 0]
        # All are of one length, 1.2 Å; sums of them round at 1e-15 each.
        assert np.ptp(np.linalg.norm(moments, axis=1)) < 1e-9
        assert np.abs(moments.sum(axis=0)).max() < 1e-9


@pytest.mark.parametrize("structure", ["Ih", "Ic"])
def test_oxygen_has_four_neighbours_at_one_distance_and_tetrahedral_angles(structure):
    places, cell = oxygen_lattice(structure, (2, 1, 2), 0.92)
    lattice = Atoms(f"O{len(places)}", positions=places, cell=cell, pbc=True)
    first, _, vectors = neighbor_list("ijD", lattice, 3.2)
    assert (np.bincount(first) == 4).all()
    lengths = np.linalg.norm(vectors, axis=1)
    # Ice Ih at 0.92 g/cm³ has O-O distances of 2.76 Å (Röttger et al., Acta Cryst. B50, 644, 1994).
    assert lengths == pytest.approx(np.full(len(lengths), 2.764), abs=1e-3)
    for atom in range(len(places)):
        unit = vectors[first == atom] / lengths[first == atom, None]
        cosines = (unit @ unit.T)[np.triu_indices(4, 1)]
        assert cosines == pytest.approx(np.full(6, -1 / 3), abs=1e-9)


def test_hexagonal_is_not_cubic():
    """They differ in their third neighbours, at 5/3 of the first distance in Ih alone."""
    counts = {}
    for structure in ("Ih", "Ic"):
        [atoms] = ideal(structure, (2, 2, 2), count=1)
        _, distance = neighbor_list("id", atoms[atoms.numbers == 8], 4.75)
        counts[structure] = (distance > 4.55).any()
    assert counts == {"Ih": True, "Ic": False}


def test_protons_are_disordered():
    bonds = {
        tuple(sorted(zip(*map(tuple, hydrogen_bonds(a)), strict=True)))
        for a in ideal("Ih", (2, 1, 1), count=10)
    }
    assert len(bonds) == 10


def test_density_ladder_and_origin():
    frames = ideal("Ih", (1, 1, 1), count=5, density=(0.88, 0.94))
    found = [mass_density(atoms) for atoms in frames]
    # ASE's and our mass of water differ by 2e-6 of it, our and CODATA's dalton by less.
    assert found == pytest.approx([0.88, 0.94, 0.88, 0.94, 0.88], rel=1e-5)
    assert frames[1].info == {"structure": "Ih", "molecules": 8, "density": 0.94}


def test_distortion_and_seeds():
    options = IceOptions(count=3)
    first, again, other = (
        [a.positions for a in build_ice(options, np.random.default_rng(seed))] for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    places, _ = oxygen_lattice("Ih", options.repeats, 0.92)
    shifts = np.array(first)[:, ::3] - places
    # 144 coordinates: their standard deviation is known to 6 %; four such errors.
    assert shifts.std() == pytest.approx(options.shift, rel=0.24)
