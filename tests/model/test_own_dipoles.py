"""The dipole of the independent coupling: what it is made of, and what does not see it."""

import copy
import json

import numpy as np
import pytest
import torch
from model_cases import COUPLINGS, FRAMES, make_model, moved, predict, waters
from safetensors.torch import load_file, save_file

from activecharge.model.checkpoint import load_model, save_model
from activecharge.model.derivatives import born_effective_charges
from activecharge.model.geometry import trace_geometry
from activecharge.model.graph import build_graph, join
from activecharge.model.taught import UNRECORDED

pytestmark = pytest.mark.slow

OTHERS = ("energy", "forces", "stress", "charges", "bec")


def test_nothing_but_the_dipole_sees_its_own_head():
    model = copy.deepcopy(make_model())
    before = predict(model, *FRAMES.values())
    with torch.no_grad():
        for weight in model.own_dipoles.parameters():
            weight.mul_(2.0)
    after = predict(model, *FRAMES.values())
    assert not torch.equal(before["dipole"], after["dipole"])
    for name in OTHERS:
        assert torch.equal(before[name].nan_to_num(), after[name].nan_to_num()), name


def test_the_dipole_is_that_of_charges_edges_and_atoms():
    """Edges have both directions: f_ij R_ij and f_ji R_ji add up."""
    model, atoms = make_model(), waters(3, seed=6)
    graph = build_graph(atoms, ("H", "O"), 3.5).to("cpu", torch.float64)
    encoded = model.encode(graph, trace_geometry(graph, False, False))
    along, atomic = model.own_dipoles(
        encoded.features,
        model.pair_charges.pair.hidden(encoded.features, encoded.neighbors),
    )
    found = predict(model, atoms)
    own = (along[:, None] * encoded.geometry.vectors).sum(0) + atomic.sum(0)
    expected = found["charges"].numpy() @ atoms.positions + own.detach().numpy()
    np.testing.assert_allclose(found["dipole"][0].numpy(), expected, atol=1e-10)
    assert own.norm() > 0.01


@pytest.mark.parametrize("coupling", COUPLINGS)
@pytest.mark.parametrize("charges", ["reference", "latent"])
@pytest.mark.parametrize("training", [False, True])
def test_forces_in_a_field_are_those_without_and_the_dipole_s_slope(coupling, charges, training):
    """F + ℰ·∂μ/∂R, each frame in its own field; the energy and all else stay as they are."""
    model, frames = make_model(coupling, charges=charges), [waters(2, seed=3), waters(1, seed=4)]
    graph = join([build_graph(a, ("H", "O"), 3.5) for a in frames]).to("cpu", torch.float64)
    geometry = trace_geometry(graph, True, False)
    dipole = model(graph, {"dipole"}, training=True, geometry=geometry)["dipole"]
    slopes = born_effective_charges(dipole, geometry.leaf, training=False)
    field = torch.randn(2, 3, dtype=torch.float64)
    names = {"energy", "forces", "charges", "bec"}
    plain, pulled = (model(graph, names, training, field=f) for f in (None, field))
    expected = plain["forces"] + torch.einsum("na,nab->nb", field[graph.frame], slopes)
    torch.testing.assert_close(pulled["forces"], expected, atol=1e-10, rtol=1e-10)
    for name in names - {"forces"}:
        assert torch.equal(plain[name], pulled[name])
    # Central differences as in test_derivatives.py.
    pair = [predict(model, moved(frames[0], 4, 1, s * 1e-4), outputs=("dipole",)) for s in (1, -1)]
    numeric = (pair[0]["dipole"][0] - pair[1]["dipole"][0]) / 2e-4
    torch.testing.assert_close(slopes[4, :, 1], numeric, atol=2e-6, rtol=2e-6)


def as_former_versions_wrote(model, folder):
    """A checkpoint without the head and without a word on what was taught."""
    save_model(model, folder)
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.startswith("own_dipoles.")}
    save_file(kept, folder / "model.safetensors")
    data = json.loads((folder / "model.json").read_text())
    del data["taught"], data["own_dipoles"]
    (folder / "model.json").write_text(json.dumps(data))


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_checkpoints_of_former_versions_predict_as_they_did(coupling, tmp_path):
    model = make_model(coupling)
    as_former_versions_wrote(model, tmp_path)
    old = load_model(tmp_path)
    assert old.architecture.taught == UNRECORDED
    before, after = (predict(m, *FRAMES.values()) for m in (model, old))
    for name in OTHERS:
        assert torch.equal(before[name].nan_to_num(), after[name].nan_to_num()), name
    atoms = waters(3, seed=6)
    if coupling == "independent":  # the first moment of its charges, as it was
        found = predict(old, atoms)
        moment = found["charges"].numpy() @ atoms.positions
        np.testing.assert_allclose(found["dipole"][0].numpy(), moment, atol=1e-10)
    again = load_model(save_model(old, tmp_path / "again"))
    assert again.architecture == old.architecture
