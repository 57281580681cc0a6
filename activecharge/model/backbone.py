"""The MACE backbone: equivariant features of every atom's environment.

MACE: Batatia et al., NeurIPS 2022 (https://doi.org/10.48550/arXiv.2206.07697). The blocks are
those of mace-torch; their composition is ours, so that even a single interaction keeps the
vector and tensor channels which the charge heads need.
"""

from dataclasses import dataclass

import torch

from activecharge.model.layers.harmonics import Harmonics
from activecharge.model.layers.interaction import Interaction
from activecharge.model.layers.mace_blocks import LinearNodeEmbeddingBlock, o3
from activecharge.model.layers.product import HIDDEN_ELL, Product
from activecharge.model.layers.radial import RadialBasis
from activecharge.model.model_options import ModelOptions
from activecharge.model.neighbors import Neighbors


@dataclass(frozen=True)
class Features:
    """What the heads read. C channels; K interactions.

    Attributes
    ----------
    scalars : (N, K·C)
        Invariant channels of every interaction.
    vectors : (N, C, 3)
        Odd vectors (1o) of the last interaction, Cartesian x, y, z.
    tensors : (N, C, 3, 3)
        Even traceless symmetric tensors (2e) of the last interaction, Cartesian.
    radial : (E, B)
        Radial basis of each edge, already times the envelope.
    envelope : (E, 1)
        Smooth cutoff: 1 at zero distance; 0 at the cutoff with its first two derivatives.
    """

    scalars: torch.Tensor
    vectors: torch.Tensor
    tensors: torch.Tensor
    radial: torch.Tensor
    envelope: torch.Tensor


class Backbone(torch.nn.Module):
    """Node embedding, then `interactions` times (interaction, product basis)."""

    to_cartesian: torch.Tensor

    def __init__(self, options: ModelOptions, n_elements: int, avg_neighbors: float):
        super().__init__()
        channels, max_ell = options.channels, options.max_ell
        attributes = o3.Irreps(f"{n_elements}x0e")
        embedded = o3.Irreps(f"{channels}x0e")
        self.hidden = o3.Irreps(f"{channels}x0e + {channels}x1o + {channels}x2e")
        harmonics = o3.Irreps.spherical_harmonics(max_ell)
        messages = (harmonics * channels).sort()[0].simplify()
        self.channels = channels
        self.embedding = LinearNodeEmbeddingBlock(attributes, embedded)
        self.radial = RadialBasis(options.cutoff, options.radial)
        self.harmonics = Harmonics(max_ell)
        self.interactions = torch.nn.ModuleList()
        self.products = torch.nn.ModuleList()
        incoming = embedded
        for _ in range(options.interactions):
            interaction = Interaction(
                nodes=incoming,
                node_attrs_irreps=attributes,
                edge_attrs_irreps=harmonics,
                edge_feats_irreps=o3.Irreps(f"{options.radial}x0e"),
                target_irreps=messages,
                hidden_irreps=self.hidden,
                avg_num_neighbors=avg_neighbors,
            )
            self.interactions.append(interaction)
            self.products.append(Product(messages, self.hidden, options.correlation, n_elements))
            incoming = self.hidden
        # <2m|1a 1b>, scaled so that a tensor's Frobenius norm is its spherical norm.
        self.register_buffer("to_cartesian", o3.wigner_3j(2, 1, 1) * 5**0.5, persistent=False)

    def forward(
        self,
        attributes: torch.Tensor,
        lengths: torch.Tensor,
        neighbors: Neighbors,
    ) -> Features:
        """Features from one-hot elements (N, Z), edge lengths (E,) Å and neighbours."""
        harmonics = self.harmonics(neighbors.directions)
        radial, envelope = self.radial(lengths[:, None])
        nodes = self.embedding(attributes)[None]
        scalars = []
        for interaction, product in zip(self.interactions, self.products, strict=True):
            message, skip = interaction(attributes, nodes, harmonics, radial, neighbors)
            nodes = product(message, skip, attributes)
            scalar, odd, even = nodes.split([2 * ell + 1 for ell in range(HIDDEN_ELL + 1)])
            scalars.append(scalar[0])
        tensors = torch.einsum("mnc,mab->ncab", even, self.to_cartesian)
        return Features(torch.cat(scalars, dim=1), odd.permute(1, 2, 0), tensors, radial, envelope)
