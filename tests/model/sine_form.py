"""Born effective charges by the sine form of latent Ewald summation, to compare with.

Zhong, Kim, King, Cheng, arXiv:2504.05169 (https://doi.org/10.48550/arXiv.2504.05169): in a cell of
length L the polarization is written P_a = Re Σ_j q_j L/(2πi) exp(2πi r_ja/L), and derivatives by
atom i are turned back by its own phase. Distances r_j − r_i become L/2π sin(2π (r_j − r_i)/L).
"""

import math

import torch

from activecharge.model.geometry import trace_geometry
from activecharge.model.graph import Graph
from activecharge.model.neighbors import tabulate
from activecharge.model.network import ChargeModel


def sine_form(model: ChargeModel, graph: Graph) -> torch.Tensor:
    """Z (N, 3, 3) of the model's unscreened charges in one cubic frame."""
    geometry = trace_geometry(graph, displacement=True, strain=False)
    neighbors = tabulate(graph, geometry.unit)
    kinds = torch.nn.functional.one_hot(graph.species, len(model.architecture.elements))
    features = model.backbone(kinds.to(geometry.unit), geometry.lengths, neighbors)
    charges = neighbors.antisymmetric_sum(model.pair_charges(features, neighbors)[0])
    length = graph.cell[0, 0, 0]
    phases = 2 * math.pi * graph.positions / length
    result = torch.zeros(len(charges), 3, 3, dtype=charges.dtype)
    for a in range(3):
        sines, cosines = torch.sin(phases[:, a]), torch.cos(phases[:, a])
        by_sine, by_cosine = (
            torch.autograd.grad(charges, geometry.leaf, wave, retain_graph=True)[0]
            for wave in (sines, cosines)
        )
        # Σ_j sin(φ_j − φ_i) ∂q_j/∂R_i
        transfer = cosines[:, None] * by_sine - sines[:, None] * by_cosine
        result[:, a] = transfer * length / (2 * math.pi)
        result[:, a, a] += charges.detach()
    return result
