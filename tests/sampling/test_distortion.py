"""Frames under compression, and protons on their way."""

import numpy as np
import pytest
from ase.build import molecule

from activecharge.sampling.molecules import find_molecules
from activecharge.sampling.sanity import check
from activecharge.sampling.sieve import Sieve, draw
from activecharge.sampling.source_options import (
    BoxesOptions,
    ClustersOptions,
    CompressedOptions,
    DissociatedOptions,
    SanityOptions,
)

LOOSE = SanityOptions(allow_dissociated=True)


def drawn(options, known=(), sanity=LOOSE, seed=0):
    rng, sieve = np.random.default_rng(seed), Sieve(sanity)
    return list(draw(options, rng, elements=("H", "O"), known=known, sieve=sieve))


def bonds(atoms):
    """O-H distances of molecules O, H, H, (M, 2) Å."""
    molecules = find_molecules(atoms)
    return np.linalg.norm(molecules.offsets, axis=1).reshape(-1, 3)[:, 1:]


def test_compressed_bonds_are_in_range_and_others_as_they_were(clusters, boxes):
    known = [*clusters[:20], *boxes[:3]]
    by_size = {len(a): [b for b in known if len(b) == len(a)] for a in known}
    options = CompressedOptions(count=40, bonds=(0.80, 0.85), share=0.5, spacing=(0.9, 0.95))
    shortened = total = 0
    for candidate in drawn(options, known, SanityOptions()):
        found, factor = bonds(candidate.atoms), candidate.origin["spacing"]
        assert 0.9 <= factor <= 0.95
        parents = by_size[len(candidate.atoms)]
        changed = min(
            (np.abs(found - bonds(parent)).max(axis=1) > 1e-6 for parent in parents), key=np.sum
        )
        assert changed.sum() == candidate.origin["compressed"]
        assert ((found[changed] >= 0.80 - 1e-6) & (found[changed] <= 0.85 + 1e-6)).all()
        shortened, total = shortened + changed.sum(), total + len(found)
    # Binomial: five standard deviations.
    assert shortened / total == pytest.approx(0.5, abs=5 * np.sqrt(0.25 / total))


def test_molecules_come_nearer_by_the_factor(boxes):
    options = CompressedOptions(count=3, spacing=(0.93, 0.93), share=0)
    for candidate in drawn(options, boxes[:1], seed=1)[:1]:
        assert candidate.atoms.cell.lengths() == pytest.approx(
            0.93 * boxes[0].cell.lengths(), abs=1e-6
        )
        assert bonds(candidate.atoms) == pytest.approx(bonds(boxes[0]), abs=1e-6)


def test_a_lone_molecule_comes_apart_along_its_bond():
    water = molecule("H2O")
    options = DissociatedOptions(count=5, distance=(1.3, 1.6))
    for candidate in drawn(options, [water]):
        distances = candidate.atoms.get_distances(0, [1, 2])
        moved = int(np.argmax(distances))
        assert 1.3 <= distances[moved] <= 1.6
        assert distances[1 - moved] == pytest.approx(water.get_distance(0, 1), abs=1e-6)
        before = water.positions[1 + moved] - water.positions[0]
        after = candidate.atoms.positions[1 + moved] - candidate.atoms.positions[0]
        assert np.linalg.norm(np.cross(before, after)) < 1e-6


@pytest.mark.parametrize("of", [ClustersOptions(molecules=(2, 6)), BoxesOptions()])
def test_protons_leave_towards_a_neighbour(of):
    options = DissociatedOptions(count=8, of=of, distance=(1.3, 1.8))
    for candidate in drawn(options):
        atoms = candidate.atoms
        hydrogens = np.flatnonzero(atoms.numbers == 1)
        oxygens = np.flatnonzero(atoms.numbers == 8)
        distances = atoms.get_all_distances(mic=True)
        own = distances[hydrogens, hydrogens // 3 * 3]
        # Bonds of the builder are within three standard deviations of 0.04 Å from 0.957 Å.
        [gone] = np.flatnonzero(own > 1.1)
        assert own[gone] <= 1.8 + 1e-6
        others = oxygens[oxygens != hydrogens[gone] // 3 * 3]
        assert distances[hydrogens[gone], others].min() >= 0.95 - 1e-6
        assert check(atoms, LOOSE) is None
        if own[gone] > 1.25 and distances[hydrogens[gone], others].min() > 1.25:
            assert check(atoms, SanityOptions()).startswith("broken molecule")


def test_several_protons():
    options = DissociatedOptions(
        count=4, of=ClustersOptions(molecules=(5, 5)), protons=(2, 2), distance=(1.25, 1.3)
    )
    for candidate in drawn(options):
        own = candidate.atoms.get_all_distances()[np.arange(15), np.arange(15) // 3 * 3]
        assert candidate.origin["protons"] == 2 and (own > 1.1).sum() == 2
