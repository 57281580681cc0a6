"""Near duplicates."""

import numpy as np
import pytest
from ase import Atoms
from ase.geometry import get_distances
from scipy.spatial.transform import Rotation

from activecharge.dataset.identity import canonical
from activecharge.sampling.duplicates import NearDuplicates, fingerprint


def shaken(atoms: Atoms, amplitude: float, rng: np.random.Generator) -> Atoms:
    """Every atom moved by exactly `amplitude` Å."""
    copy = atoms.copy()
    steps = rng.standard_normal((len(atoms), 3))
    copy.positions += amplitude * steps / np.linalg.norm(steps, axis=1, keepdims=True)
    return copy


def test_moving_atoms_moves_no_entry_by_more_than_twice(clusters, boxes):
    rng = np.random.default_rng(0)
    for atoms in clusters[:50] + boxes:
        for amplitude in (0.1, 1e-3):
            change = fingerprint(shaken(atoms, amplitude, rng)).values - fingerprint(atoms).values
            # Two atoms moved by a change their distance by 2a at most; round-off aside.
            assert np.abs(change).max() <= 2 * amplitude + 1e-12


def test_the_same_for_any_order_motion_and_image(clusters, boxes):
    rng = np.random.default_rng(0)
    for atoms in clusters[:20] + boxes[:5]:
        copy = atoms[rng.permutation(len(atoms))]
        if atoms.pbc.all():
            copy.positions += rng.integers(-2, 3, (len(atoms), 3)) @ atoms.cell.array
        else:
            copy.positions = Rotation.random(rng=rng).apply(copy.positions)
        copy.positions += 3.0
        # Round-off of coordinates of some 50 Å.
        np.testing.assert_allclose(
            fingerprint(copy).values, fingerprint(atoms).values, atol=1e-12, rtol=0
        )


def test_distances_of_a_skewed_cell_are_to_the_nearest_image():
    rng = np.random.default_rng(4)
    cell = np.array([[6, 0, 0], [2.9, 5.5, 0], [-2.5, 2.6, 7]])
    atoms = Atoms("O9", positions=rng.uniform(-9, 9, (9, 3)), cell=cell, pbc=True)
    expected = get_distances(atoms.positions, cell=cell, pbc=True)[1]
    ours = fingerprint(atoms).values[9:]
    # Both sum three squares in double precision.
    np.testing.assert_allclose(ours, np.sort(expected[np.triu_indices(9, 1)]), atol=1e-12)


@pytest.mark.parametrize("kind", ["clusters", "boxes"])
def test_finds_near_ones_and_only_those(kind, request):
    frames = [a for a in request.getfixturevalue(kind) if len(a) > 3]
    rng = np.random.default_rng(1)
    seen = NearDuplicates(0.02)
    for atoms in frames:
        assert not seen.near(fingerprint(atoms))
        seen.add(fingerprint(atoms))
    for atoms in frames:
        # Moved by less than half the tolerance: always near. By 0.1 Å: never seen to be.
        assert seen.near(fingerprint(shaken(atoms, 0.0099, rng)))
        assert not seen.near(fingerprint(shaken(atoms, 0.1, rng)))


def test_other_composition_periodicity_or_cell_is_not_near(boxes):
    seen = NearDuplicates(0.02)
    box = canonical(boxes[0])
    seen.add(fingerprint(box))
    free = box.copy()
    free.pbc = False
    wider = box.copy()
    wider.cell[0, 0] += 0.03
    fewer = box[:-3]
    assert seen.near(fingerprint(box))
    assert not any(seen.near(fingerprint(a)) for a in (free, wider, fewer))


def test_a_lone_atom_has_a_fingerprint():
    seen = NearDuplicates()
    seen.add(fingerprint(Atoms("O")))
    assert seen.near(fingerprint(Atoms("O", positions=[[4, 4, 4]])))
    assert not seen.near(fingerprint(Atoms("H")))
