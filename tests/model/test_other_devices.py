"""That a model runs on any device, told without one.

On torch's `meta` device tensors have shapes and no values. There, an operation fails that is given
a tensor of the CPU, as it would fail on a graphics card; and so does whatever asks for a value, for
which a card would have to be waited for. Nothing else is special about it.
"""

import pytest
import torch
from model_cases import ALL, COUPLINGS, CUTOFF, ELEMENTS, FRAMES, boxed, make_model

from activecharge.model.coulomb.splitting import Split
from activecharge.model.geometry import trace_geometry
from activecharge.model.graph import Graph, build_graph, join, summed_by
from activecharge.model.network import ChargeModel
from activecharge.model.shared import SharedBackbone

SCHEMES = [*((coupling, "reference") for coupling in COUPLINGS), ("independent", "latent")]


def elsewhere(model: ChargeModel) -> ChargeModel:
    """A copy on the device that has no values."""
    return ChargeModel(model.architecture).to("meta")


def mixed(model: ChargeModel) -> Graph:
    """Free and periodic frames, one of these with pairs of its own."""
    graphs = [build_graph(atoms, ELEMENTS, CUTOFF) for atoms in FRAMES.values()]
    dilute = build_graph(boxed(2, seed=3, cell=[9.0] * 3), ELEMENTS, CUTOFF)
    graphs.append(summed_by(dilute, Split(2.0, False), CUTOFF))
    return model.plan(join(graphs)).to("meta", model.dtype)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("coupling", "charges"), SCHEMES)
def test_predictions_and_their_gradients_stay_on_the_device(coupling, charges, training):
    model = elsewhere(make_model(coupling, charges=charges))
    graph = mixed(model)
    field = torch.zeros(len(graph.counts), 3, dtype=model.dtype, device="meta")
    result = model(graph, ALL, training=training, field=field)
    assert {tensor.device.type for tensor in result.values()} == {"meta"}
    if training:
        sum(tensor.sum() for tensor in result.values()).backward()
        assert any(weight.grad is not None for weight in model.parameters())


def test_only_frames_on_meshes_are_waited_for():
    """torch-pme reads the size of its mesh back, whose type it wants on the device."""
    model = elsewhere(make_model("local"))
    frame = build_graph(boxed(2, seed=3, cell=[9.0] * 3), ELEMENTS, CUTOFF)
    graph = model.plan(summed_by(frame, Split(1.0, True), CUTOFF)).to("meta", model.dtype)
    with pytest.raises(RuntimeError, match="item"):
        model(graph, ALL)


def test_heads_on_one_backbone_stay_on_the_device():
    model = SharedBackbone([elsewhere(make_model("dipolar")) for _ in range(2)])
    results = model(mixed(model.models[0]), [ALL, ("charges",)])
    assert results[0]["bec"].device.type == results[1]["charges"].device.type == "meta"


def test_a_bias_by_spread_stays_on_the_device():
    """What pushes walkers: the variance over members, and its slope."""
    members = [elsewhere(make_model("independent")) for _ in range(2)]
    graph = mixed(members[0])
    geometry = trace_geometry(graph, displacement=True, strain=False)
    said = [m(graph, {"charges"}, training=True, geometry=geometry)["charges"] for m in members]
    torch.autograd.grad(torch.stack(said).var(dim=0).sum(), geometry.leaf)


def test_a_tensor_of_another_device_is_told():
    """What the tests above rest on."""
    model = elsewhere(make_model("independent"))
    graph = mixed(model)
    with pytest.raises(RuntimeError, match="device"):
        model(graph, ALL, field=torch.zeros(len(graph.counts), 3, dtype=model.dtype))
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        float(model(graph, {"charges"})["charges"].sum())
