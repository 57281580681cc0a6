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
}


@pytest.mark.parametrize("name", REFUSED)
def test_frames_without_meaning_are_refused(name):
    atoms, message = REFUSED[name]
    with pytest.raises(UserError, match=message):
        build_graph(atoms, ELEMENTS, 5.0)


def test_edges_point_from_sender_to_receiver():
    atoms = FRAMES["triclinic"]
    graph = build_graph(atoms, ELEMENTS, 5.0)
    sender, receiver = graph.edges
    vectors = graph.positions[receiver] - graph.positions[sender] + graph.shifts @ graph.cell[0]
    lengths = vectors.norm(dim=1)
    assert lengths.max() <= 5.0
    # Both directions of every pair: the set of edges is its own reverse.
    edges = torch.cat([graph.edges.T.double(), graph.shifts], dim=1)
    reverse = torch.cat([graph.edges.flip(0).T.double(), -graph.shifts], dim=1)
    torch.testing.assert_close(torch.unique(edges, dim=0), torch.unique(reverse, dim=0))
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
