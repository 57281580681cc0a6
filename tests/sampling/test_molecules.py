"""Molecules across periodic boundaries, and frames brought to a density."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from activecharge.sampling.builders.liquid import build_boxes
from activecharge.sampling.molecules import at_density, find_molecules, mass_density, scaled
from activecharge.sampling.source_options import BoxesOptions


def wrapped(atoms):
    """Every atom in the cell, so that molecules are cut in two."""
    copy = atoms.copy()
    copy.wrap()
    return copy


def shapes(atoms):
    """O-H and H-H distances of molecules O, H, H at nearest images, (M, 3) Å."""
    triples = np.arange(len(atoms)).reshape(-1, 3)
    return np.array(
        [
            [atoms.get_distance(a, b, mic=True) for a, b in ((i, j), (i, k), (j, k))]
            for i, j, k in triples
        ]
    )


def test_hydrogens_find_their_oxygen_through_the_boundary(boxes):
    for atoms in boxes[:5]:
        molecules = find_molecules(wrapped(atoms))
        assert np.array_equal(molecules.owner, np.arange(len(atoms)) // 3)
        assert molecules.are_water(atoms)
        whole = atoms.positions - np.repeat(atoms.positions[::3], 3, axis=0)
        assert np.abs(molecules.offsets - whole).max() < 1e-9


def test_what_is_not_whole_water_is_told():
    water = molecule("H2O")
    assert find_molecules(water).are_water(water)
    stretched = water.copy()
    stretched.positions[1] *= 2
    for atoms in (stretched, water[:2], Atoms("NaH2", water.positions), Atoms("H2", np.eye(3)[:2])):
        assert not find_molecules(atoms).are_water(atoms)


@pytest.mark.parametrize("density", [0.8, 0.997, 1.3])
def test_density_is_hit_and_molecules_stay_rigid(boxes, density):
    for atoms in boxes[:3]:
        frame = at_density(wrapped(atoms), density)
        assert mass_density(frame) == pytest.approx(density, rel=1e-12)
        assert shapes(frame) == pytest.approx(shapes(atoms), abs=1e-9)
        assert np.array_equal(frame.numbers, atoms.numbers) and frame.pbc.all()


def test_clusters_scale_about_their_oxygens(clusters):
    atoms = next(a for a in clusters if len(a) == 12)
    small = scaled(atoms, 0.9)
    between = [a.get_all_distances()[::3, ::3] for a in (small, atoms)]
    assert between[0] == pytest.approx(0.9 * between[1], abs=1e-9)
    assert shapes(small) == pytest.approx(shapes(atoms), abs=1e-9)


def test_boxes_take_densities_in_turn():
    options = BoxesOptions(count=5, molecules=(16, 18), density=(0.8, 0.9), density_spread=0)
    found = [mass_density(a) for a in build_boxes(options, np.random.default_rng(0))]
    # ASE's mass of water differs from ours by 2e-6 of it.
    assert found == pytest.approx([0.8, 0.9, 0.8, 0.9, 0.8], rel=1e-5)
