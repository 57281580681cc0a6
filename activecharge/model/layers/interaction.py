"""Messages between atoms."""

from dataclasses import dataclass
from typing import Any

import torch

from activecharge.model.layers.mace_blocks import RealAgnosticResidualInteractionBlock, o3
from activecharge.model.layers.mixing import ElementMixing, Mixing, degrees, matrices, path_scales
from activecharge.model.layers.radial import RADIAL_HIDDEN, RadialNetwork
from activecharge.model.neighbors import Neighbors


class Interaction(torch.nn.Module):
    """MACE's residual interaction, its sums over neighbours taken as matrix products.

    Where nodes hold scalars only, as in the first one, the message
    A_i,clm = Σ_j R_cl(r_ij) h_jc Y_lm(r_ij) is one matrix product an atom; else it is one for each
    path (ℓ of nodes, of harmonics, of the message). Both equal the block's own tensor product,
    which writes out every term of the sum.
    """

    scales: torch.Tensor
    own_degree: torch.Tensor
    couplings: torch.Tensor

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
        if not self.scalar:
            self.up = Mixing(block.linear_up, self.largest)
            self.paths = _paths(block.conv_tp)
            self.register_buffer("couplings", _couplings(block.conv_tp), persistent=False)

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
            return self._by_paths(nodes, harmonics, radial, neighbors), skip
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

    def _by_paths(
        self,
        nodes: torch.Tensor,
        harmonics: torch.Tensor,
        radial: torch.Tensor,
        neighbors: Neighbors,
    ) -> torch.Tensor:
        """The message of nodes that hold vectors and tensors, too."""
        block, channels, rows = self.block, nodes.shape[2], neighbors.rows
        weights = block.conv_tp_weights(radial).unflatten(1, (-1, 1, channels)).unbind(1)
        up = self.up(block.linear_up.weight, nodes).transpose(0, 1)
        senders = neighbors.at_sender(up).split(_sizes(self.largest), dim=1)
        coupled = (harmonics @ self.couplings).split([p.size for p in self.paths], dim=2)
        sums: list[list[torch.Tensor]] = [[] for _ in range(1 + max(p.message for p in self.paths))]
        for path, weight, coupling in zip(self.paths, weights, coupled, strict=True):
            terms = neighbors.table((weight * senders[path.nodes]).flatten(1))
            left = coupling.reshape(rows, -1, 2 * path.message + 1)
            sums[path.message].append(torch.bmm(left.mT, terms.view(rows, -1, channels)))
        mixed = matrices(block.linear.weight, self.scales / block.avg_num_neighbors, channels)
        parts = mixed.split([len(paths) for paths in sums])
        return torch.cat(
            [torch.cat(paths, 2) @ m.flatten(0, 1) for paths, m in zip(sums, parts, strict=True)],
            dim=1,
        )


@dataclass(frozen=True)
class Path:
    """One way to couple nodes with harmonics.

    Attributes
    ----------
    nodes, harmonics, message : int
        ℓ of each.
    """

    nodes: int
    harmonics: int
    message: int

    @property
    def size(self) -> int:
        """Components of the nodes times those of the message."""
        return (2 * self.nodes + 1) * (2 * self.message + 1)


def _sizes(largest: int) -> list[int]:
    return [2 * ell + 1 for ell in range(largest + 1)]


def _paths(product: o3.TensorProduct) -> list[Path]:
    """Those of an e3nn `TensorProduct`, in its order, which goes by ℓ of the message."""
    return [
        Path(
            product.irreps_in1[i.i_in1].ir.l,
            product.irreps_in2[i.i_in2].ir.l,
            product.irreps_out[i.i_out].ir.l,
        )
        for i in product.instructions
    ]


def _couplings(product: o3.TensorProduct) -> torch.Tensor:
    """Scaled Clebsch–Gordan coefficients of all paths, (L of harmonics, Σ path sizes)."""
    columns = []
    for path, instruction in zip(_paths(product), product.instructions, strict=True):
        one = o3.wigner_3j(path.harmonics, path.nodes, path.message) * instruction.path_weight
        whole = one.new_zeros(product.irreps_in2.dim, path.size)
        whole[path.harmonics**2 : (path.harmonics + 1) ** 2] = one.flatten(1)
        columns.append(whole)
    return torch.cat(columns, dim=1)
