"""Messages between atoms."""

from typing import Any

import torch

from activecharge.model.layers.mace_blocks import RealAgnosticResidualInteractionBlock, o3
from activecharge.model.layers.mixing import ElementMixing, degrees, matrices, path_scales
from activecharge.model.layers.radial import RADIAL_HIDDEN, RadialNetwork
from activecharge.model.neighbors import Neighbors


class Interaction(torch.nn.Module):
    """MACE's residual interaction; faster where nodes hold scalars only, as in the first one.

    There the message A_i,clm = Σ_j R_cl(r_ij) h_jc Y_lm(r_ij) is one matrix product an atom. It
    equals the block's own tensor product, which writes out every term of the sum.
    """

    scales: torch.Tensor
    own_degree: torch.Tensor

    def __init__(self, *, nodes: o3.Irreps, **settings: Any):
        super().__init__()
        block: Any = RealAgnosticResidualInteractionBlock(
            node_feats_irreps=nodes, radial_MLP=list(RADIAL_HIDDEN), **settings
        )
        inputs, outputs = settings["edge_feats_irreps"].dim, block.conv_tp.weight_numel
        block.conv_tp_weights = RadialNetwork(inputs, outputs)
        self.block = block
        self.scalar = nodes.lmax == 0
        self.largest = nodes.lmax
        self.skip = ElementMixing(block.skip_tp, self.largest)
        self.register_buffer("scales", path_scales(block.linear), persistent=False)
        above = degrees(settings["edge_attrs_irreps"].lmax)
        one_hot = torch.nn.functional.one_hot(above).to(self.scales.dtype)
        self.register_buffer("own_degree", one_hot[:, :, None], persistent=False)

    def forward(
        self,
        attributes: torch.Tensor,
        nodes: torch.Tensor,
        harmonics: torch.Tensor,
        radial: torch.Tensor,
        neighbors: Neighbors,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Message and skip connection.

        Parameters
        ----------
        attributes : (N, Z)
            One-hot elements.
        nodes : (K, N, C)
            By component.
        harmonics : (N, M, L)
            In the table of neighbours.
        radial : (E, B)
        neighbors : Neighbors

        Returns
        -------
        message : (N, L, C)
        skip : (K, N, C)
        """
        block = self.block
        skip = self.skip(block.skip_tp.weight, nodes, attributes)
        if not self.scalar:
            return self._by_block(attributes, nodes, harmonics, radial, neighbors), skip
        channels = nodes.shape[2]
        weights = block.conv_tp_weights(radial).unflatten(1, (-1, channels))
        up = nodes[0] @ (block.linear_up.weight.view(channels, -1) / channels**0.5)
        weights = (weights * neighbors.at_sender(up)[:, None, :]).flatten(1)
        # In this order the gradient of the larger table comes out contiguous.
        message = torch.bmm(harmonics.mT, neighbors.table(weights))
        # Of each component's sums over all ℓ of the weights, those of its own ℓ count.
        message = message.unflatten(2, (-1, channels)) * self.own_degree
        mixed = matrices(block.linear.weight, self.scales / block.avg_num_neighbors, channels)
        return message.flatten(2) @ mixed.flatten(0, 1), skip

    def _by_block(
        self,
        attributes: torch.Tensor,
        nodes: torch.Tensor,
        harmonics: torch.Tensor,
        radial: torch.Tensor,
        neighbors: Neighbors,
    ) -> torch.Tensor:
        """The message by MACE's own block, whose layout is (N, channel, component) by ℓ."""
        counts = [2 * ell + 1 for ell in range(self.largest + 1)]
        flat = torch.cat([part.permute(1, 2, 0).flatten(1) for part in nodes.split(counts)], dim=1)
        edges = neighbors.at_edges(harmonics)
        return self.block(attributes, flat, edges, radial, neighbors.edges)[0].mT
