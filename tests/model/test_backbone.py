"""The backbone's faster forms equal those of mace-torch and e3nn."""

import pytest
import torch
from e3nn import nn, o3
from model_cases import CUTOFF, ELEMENTS, FRAMES, make_model, waters

from activecharge.model.backbone import RADIAL_HIDDEN, Harmonics, RadialNetwork
from activecharge.model.geometry import trace_geometry
from activecharge.model.graph import build_graph
from activecharge.model.neighbors import tabulate


def test_harmonics_are_those_of_e3nn():
    torch.manual_seed(0)
    unit = torch.nn.functional.normalize(torch.randn(50, 3, dtype=torch.float64), dim=1)
    expected = o3.spherical_harmonics(list(range(5)), unit, True, "component")
    # Rounding only.
    torch.testing.assert_close(Harmonics(4).double()(unit), expected, atol=1e-6, rtol=0)
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        torch.testing.assert_close(Harmonics(4)(unit), expected, atol=1e-13, rtol=0)
    finally:
        torch.set_default_dtype(previous)


def test_the_radial_network_is_that_of_e3nn():
    torch.manual_seed(0)
    expected = nn.FullyConnectedNet([8, *RADIAL_HIDDEN, 48], torch.nn.functional.silu).double()
    network = RadialNetwork(8, 48).double()
    with torch.no_grad():
        for ours, layer in zip(network.weights, expected, strict=True):
            ours.copy_(layer.weight)
    values = torch.randn(20, 8, dtype=torch.float64)
    # e3nn draws random numbers to find the activation's scale: 3e-4, twice.
    torch.testing.assert_close(network(values), expected(values), rtol=3e-3, atol=3e-3)


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("max_ell", [2, 3])
def test_first_messages_are_those_of_mace(name, max_ell):
    backbone = make_model("independent", max_ell=max_ell).backbone
    graph = build_graph(FRAMES[name], ELEMENTS, CUTOFF)
    geometry = trace_geometry(graph, displacement=False, strain=False)
    neighbors = tabulate(graph, geometry.unit)
    kinds = torch.nn.functional.one_hot(graph.species, 2).double()
    basis, envelope = backbone.radial(geometry.lengths[:, None], kinds, graph.edges, None)
    inputs = (kinds, backbone.embedding(kinds), backbone.harmonics(geometry.unit), basis * envelope)
    interaction = backbone.interactions[0]
    found, expected = interaction(*inputs, neighbors), interaction.block(*inputs, graph.edges)
    for ours, theirs in zip(found, expected, strict=True):
        # Sums in another order.
        torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=1e-12)


def test_every_edge_stands_once_in_the_table():
    atoms = waters(3, seed=2)
    graph = build_graph(atoms, ELEMENTS, CUTOFF)
    vectors = trace_geometry(graph, displacement=False, strain=False).vectors
    neighbors = tabulate(graph, vectors)
    assert neighbors.columns == torch.bincount(graph.edges[1]).max()
    table = neighbors.table(vectors)
    assert torch.equal(neighbors.at_edges(table), vectors)
    assert torch.equal(neighbors.at_reverse(table), -vectors)
    assert torch.count_nonzero(table.abs().sum(-1)) == len(vectors)
    assert torch.equal(neighbors.at_sender(graph.positions), graph.positions[graph.edges[0]])
