"""What counts as a sane configuration."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from activecharge.sampling.sanity import check
from activecharge.sampling.source_options import SanityOptions

DEFAULT = SanityOptions()


def water(x: float = 0.0) -> Atoms:
    atoms = molecule("H2O")
    atoms.positions += [x, 0, 0]
    return atoms


def kind(atoms: Atoms, options: SanityOptions = DEFAULT) -> str | None:
    reason = check(atoms, options)
    return None if reason is None else reason.split(":")[0]


def test_what_the_builders_make_is_sane(clusters, boxes):
    assert [check(a, DEFAULT) for a in clusters + boxes] == [None] * (len(clusters) + len(boxes))


def test_wrapped_boxes_are_as_sane_as_whole_ones(boxes):
    box = boxes[0].copy()
    box.wrap()
    assert check(box, DEFAULT) is None


@pytest.mark.parametrize(
    ("first", "second", "limit"), [("O", "H", 0.7), ("O", "O", 1.8), ("H", "H", 0.9)]
)
@pytest.mark.parametrize("periodic", [False, True])
def test_overlap_limits(first, second, limit, periodic):
    options = SanityOptions(allow_dissociated=True)
    for distance, expected in ((limit - 0.01, "overlap"), (limit + 0.01, None)):
        atoms = Atoms([first, second], positions=[[0, 0, 0.1], [0, 0, 0.1 - distance]])
        if periodic:
            atoms.set_cell([8, 8, 8])
            atoms.pbc = True
            atoms.wrap()
        assert kind(atoms, options) == expected


def test_overlap_names_the_atoms():
    atoms = water() + water(1.0)
    assert check(atoms, DEFAULT) == "overlap: O0 and O3 are 1.00 Å apart, less than 1.80 Å"


def test_an_atom_may_overlap_with_its_own_image():
    atoms = Atoms("O", cell=[1.5, 9, 9], pbc=True)
    assert kind(atoms, SanityOptions(allow_dissociated=True)) == "overlap"


def test_coincident_atoms_overlap():
    assert kind(water() + water()) == "overlap"


def test_broken_molecules():
    stretched = water()
    stretched.positions[1] = stretched.positions[0] + [0, 0, 1.3]
    assert "H1 is over 1.25 Å from any O" in (check(stretched, DEFAULT) or "")
    ions = water() + water(2.4)
    ions.positions[1] = ions.positions[3] + [-0.97, 0, 0]
    assert "O0 holds 1 H, not 2" in (check(ions, DEFAULT) or "")
    assert check(ions, SanityOptions(allow_dissociated=True)) is None
    assert kind(Atoms("O")) == "broken molecule"
    assert kind(Atoms("H")) == "broken molecule"


def test_a_shared_proton_belongs_to_the_nearer_oxygen():
    pair = water() + water(2.4)
    pair.positions[1] = [1.19, 0, pair.positions[0, 2]]
    assert np.allclose(pair.get_distances(1, [0, 3]), [1.19, 1.21])
    assert check(pair, DEFAULT) is None


def test_evaporated_clusters():
    assert check(water() + water(5.9), DEFAULT) is None
    # Nearest atoms are the oxygens, 6.1 Å apart.
    assert kind(water() + water(6.1)) == "evaporated"
    split = water() + water(3) + water(20) + water(23)
    assert "2 parts" in (check(split, DEFAULT) or "")
    assert check(split, SanityOptions(max_gap=20.0)) is None
    split.set_cell([40, 40, 40])
    split.pbc = True
    assert check(split, DEFAULT) is None


def test_other_elements_are_only_checked_for_overlap():
    assert check(water() + Atoms("Ar", positions=[[3.5, 0, 0]]), DEFAULT) is None
    # 0.7 times the covalent radii 1.06 + 0.66 Å is 1.20 Å.
    assert kind(water() + Atoms("Ar", positions=[[1.19, 0, 0.12]])) == "overlap"
    assert check(Atoms("C2", positions=[[0, 0, 0], [0, 0, 1.42]]), DEFAULT) is None


def test_not_finite():
    atoms = water()
    atoms.positions[2, 1] = np.inf
    assert kind(atoms) == "not finite"
