"""Graphs: what they refuse, and that joining changes nothing."""

import numpy as np
import pytest
import torch
from ase import Atoms
from model_cases import ELEMENTS, FRAMES, predict, waters

from activecharge.errors import UserError
from activecharge.model.graph import build_graph


def broken(**changes) -> Atoms:
    atoms = waters(1, seed=1)
    for name, value in changes.items():
        setattr(atoms, name, value)
    return atoms


def with_nan() -> Atoms:
    atoms = waters(1, seed=1)
    atoms.positions[1, 2] = np.nan
    return atoms


REFUSED = {
    "empty": (Atoms(), "without atoms"),
    "element": (Atoms("NaCl", [[0, 0, 0], [0, 0, 2]]), "knows H, O, not Cl, Na"),
    "slab": (
        broken(cell=[5, 5, 20], pbc=[True, True, False]),
        r"pbc=\[True, True, False\]: give a slab",
    ),
    "NaN": (with_nan(), "not finite"),
    "no cell": (broken(pbc=True), "needs a cell with volume"),
    "NaN cell": (broken(cell=[np.nan, 5, 5], pbc=True), "not finite"),
    "far": (broken(positions=np.full((3, 3), 1e10)), "beyond 1e\\+09 Å"),
    "vast cell": (broken(cell=[5, 5, 2e4], pbc=True), "20000 Å long.* make it free"),
    "one place": (
        Atoms("OHOH", [[0, 0, 0], [0, 0, 1], [0, 0, 3], [0, 0, 1]]),
        "atoms H1 and H3 are 0 Å apart, less than 0.1 Å: remove one of them",
    ),
    "one place in the next cell": (
        Atoms("OH", [[0, 0, 0], [0, 0, 4.95]], cell=[5, 5, 5], pbc=True),
        "atoms O0 and H1 are 0.05 Å apart",
    ),
    "thin cell": (
        Atoms("O", cell=[0.05, 50, 50], pbc=True),
        "atoms O0 and an image of it in the next cell are 0.05 Å apart",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_frames_without_meaning_are_refused(name):
    atoms, message = REFUSED[name]
    with pytest.raises(UserError, match=message):
        build_graph(atoms, ELEMENTS, 5.0)


def test_positions_in_single_precision_are_taken():
    atoms = waters(2, seed=1)
    rough = atoms.copy()
    rough.arrays["positions"] = atoms.positions.astype(np.float32)
    vectors = [build_graph(frame, ELEMENTS, 5.0).vectors for frame in (atoms, rough)]
    # Rounding of positions of up to 4 Å.
    torch.testing.assert_close(*vectors, atol=5e-7, rtol=0)


def test_edges_point_from_sender_to_receiver():
    atoms = FRAMES["triclinic"]
    graph = build_graph(atoms, ELEMENTS, 5.0)
    sender, receiver = graph.edges
    assert graph.vectors.norm(dim=1).max() <= 5.0
    shifts = graph.vectors - graph.positions[receiver] + graph.positions[sender]
    steps = shifts @ torch.linalg.inv(graph.cell[0])
    # Lattice vectors, but for rounding.
    torch.testing.assert_close(steps, steps.round(), atol=1e-13, rtol=0)
    assert torch.equal(graph.edges[:, graph.reverse], graph.edges.flip(0))
    assert torch.equal(graph.vectors[graph.reverse], -graph.vectors)
    # As many as an explicit sum over images finds.
    images = [np.array(step) @ atoms.cell.array for step in np.ndindex(9, 9, 9)]
    offset = 4 * atoms.cell.array.sum(0)
    difference = atoms.positions[:, None, None] - atoms.positions[None, :, None]
    distances = np.linalg.norm(difference + np.array(images) - offset, axis=-1)
    assert np.sum((distances <= 5.0) & (distances > 0)) == graph.edges.shape[1]


def test_batches_equal_single_frames(model):
    frames = [*FRAMES.values(), Atoms("O"), waters(2, seed=8)]
    batch = predict(model, *frames)
    single = [predict(model, atoms) for atoms in frames]
    for name, values in batch.items():
        expected = torch.cat([result[name] for result in single])
        # Sums in another order.
        torch.testing.assert_close(values, expected, atol=1e-10, rtol=1e-12, equal_nan=True)


@pytest.mark.parametrize("periodic", [False, True])
def test_a_single_atom_has_no_charges_or_forces(model, periodic):
    """In the box, wide enough to see none of its images."""
    atoms = Atoms("O", positions=[[1.0, 2.0, 3.0]], cell=[20, 20, 20] if periodic else None)
    atoms.pbc = periodic
    result = predict(model, atoms)
    for name in ("charges", "forces", "dipole", "bec"):
        assert not result[name].any(), name
    assert torch.isfinite(result["energy"]).all()


def test_only_what_is_asked_for_is_computed(model):
    result = predict(model, FRAMES["free"], outputs=("charges",))
    assert set(result) == {"charges", "descriptor"}
    assert not any(value.requires_grad for value in result.values())
