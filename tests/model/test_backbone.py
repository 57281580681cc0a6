"""The backbone's faster forms equal those of mace-torch and e3nn."""

import pytest
import torch
from e3nn import nn, o3
from model_cases import CUTOFF, ELEMENTS, FRAMES, make_model, waters

from activecharge.model.geometry import trace_geometry
from activecharge.model.graph import build_graph
from activecharge.model.layers.harmonics import Harmonics
from activecharge.model.layers.radial import RADIAL_HIDDEN, RadialNetwork
from activecharge.model.neighbors import tabulate


def test_harmonics_are_those_of_e3nn():
    torch.manual_seed(0)
    unit = torch.nn.functional.normalize(torch.randn(50, 3, dtype=torch.float64), dim=1)
    directions = torch.cat([torch.ones_like(unit[:, :1]), unit], dim=1)
    expected = o3.spherical_harmonics(list(range(5)), unit, True, "component")
    # Rounding only.
    torch.testing.assert_close(Harmonics(4).double()(directions), expected, atol=1e-6, rtol=0)
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        torch.testing.assert_close(Harmonics(4)(directions), expected, atol=1e-13, rtol=0)
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


def settled(name: str, **options):
    """A backbone, its graph's one-hot elements, harmonics, radial basis and neighbours."""
    backbone = make_model("independent", **options).backbone
    graph = build_graph(FRAMES[name], ELEMENTS, CUTOFF)
    geometry = trace_geometry(graph, displacement=False, strain=False)
    neighbors = tabulate(graph, geometry.unit)
    kinds = torch.nn.functional.one_hot(graph.species, 2).double()
    harmonics = backbone.harmonics(neighbors.directions)
    return backbone, kinds, harmonics, backbone.radial(geometry.lengths[:, None])[0], neighbors


def by_channel(nodes: torch.Tensor) -> torch.Tensor:
    """Components (K, N, C) in e3nn's layout, (N, channel, component) by ℓ, all joined."""
    counts = [2 * ell + 1 for ell in range(int(len(nodes) ** 0.5))]
    return torch.cat([part.permute(1, 2, 0).flatten(1) for part in nodes.split(counts)], dim=1)


def test_the_radial_basis_is_that_of_mace():
    basis = make_model("independent").backbone.radial
    lengths = torch.linspace(0.3, CUTOFF + 0.2, 50, dtype=torch.float64)[:, None]
    expected, envelope = basis.bessel_fn(lengths), basis.cutoff_fn(lengths)
    found, ours = basis(lengths)
    # Powers in another order; the envelope is a small difference of large terms near the cutoff.
    torch.testing.assert_close(ours, envelope, atol=1e-12, rtol=0)
    torch.testing.assert_close(found, expected * envelope, atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("max_ell", [2, 3])
def test_messages_are_those_of_mace(name, max_ell):
    found = settled(name, max_ell=max_ell, interactions=2)
    backbone, kinds, harmonics, radial, neighbors = found
    nodes, edges = backbone.embedding(kinds)[None], neighbors.at_edges(harmonics)
    for interaction, product in zip(backbone.interactions, backbone.products, strict=True):
        message, skip = interaction(kinds, nodes, harmonics, radial, neighbors)
        expected = interaction.block(kinds, by_channel(nodes), edges, radial, neighbors.edges)
        # Sums in another order.
        torch.testing.assert_close(message.mT, expected[0], atol=1e-12, rtol=1e-12)
        padded = torch.zeros_like(expected[1])  # the first one's skip has no vectors nor tensors
        padded[:, : skip[:, 0].numel()] = by_channel(skip)
        torch.testing.assert_close(padded, expected[1], atol=1e-12, rtol=1e-12)
        nodes = product(message, skip, kinds)


@pytest.mark.parametrize("max_ell", [2, 3])
@pytest.mark.parametrize("correlation", [1, 2, 3])
def test_products_are_those_of_mace(correlation, max_ell):
    backbone, kinds, *_ = settled("free", max_ell=max_ell, correlation=correlation)
    torch.manual_seed(0)
    message = torch.randn(len(kinds), (max_ell + 1) ** 2, 4, dtype=torch.float64)
    product = backbone.products[0]
    contracted = product.symmetric_contractions(message.mT, kinds)
    skip = torch.randn(1, len(kinds), 4, dtype=torch.float64)
    expected = product.linear(contracted)
    expected[:, :4] += skip[0]
    found = by_channel(product(message, skip, kinds))
    # Sums in another order.
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=1e-12)


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
