"""Products of messages, from which bodies of higher order come."""

from typing import Any

import torch

from activecharge.model.layers.mace_blocks import EquivariantProductBasisBlock, o3
from activecharge.model.layers.mixing import Mixing

HIDDEN_ELL = 2
"""Largest ℓ of what comes out."""


class Product(torch.nn.Module):
    """MACE's product basis; faster up to correlation 2.

    There B_m = Σ_k w_k (Σ_ij U_mijk A_i A_j + Σ_i V_mik A_i), with weights w of each channel and
    element, is linear in the products A_i A_j of a channel. So for each channel and element, its
    matrix is made once, and one matrix product serves all atoms. It equals the block's own
    contractions, which apply U to every atom's message.

    The block's weights keep their names, which checkpoints have.

    Parameters
    ----------
    messages, hidden : e3nn.o3.Irreps
    correlation : int
    elements : int
        Z.
    """

    def __init__(self, messages: o3.Irreps, hidden: o3.Irreps, correlation: int, elements: int):
        super().__init__()
        block: Any = EquivariantProductBasisBlock(
            node_feats_irreps=messages,
            target_irreps=hidden,
            correlation=correlation,
            num_elements=elements,
            use_sc=True,
        )
        self.symmetric_contractions, self.linear = block.symmetric_contractions, block.linear
        self.mixing = Mixing(block.linear, HIDDEN_ELL)
        self.correlation = correlation
        if correlation <= 2:
            for order in range(1, correlation + 1):
                couplings = [self._couplings(c, order) for c in self._contractions()]
                self.register_buffer(f"couplings_{order}", _stacked(couplings), persistent=False)

    def forward(
        self, message: torch.Tensor, skip: torch.Tensor, attributes: torch.Tensor
    ) -> torch.Tensor:
        """Features by component.

        Parameters
        ----------
        message : (N, L, C)
        skip : (K, N, C)
            Of the first K components.
        attributes : (N, Z)
            One-hot elements.

        Returns
        -------
        torch.Tensor
            (9, N, C).
        """
        if self.correlation > 2:
            basis = self._by_block(message, attributes)
        else:
            basis = self._contract(message.permute(2, 0, 1).contiguous(), attributes)
        mixed = self.mixing(self.linear.weight, basis)
        if len(skip) == len(mixed):
            return mixed + skip
        return torch.cat([mixed[: len(skip)] + skip, mixed[len(skip) :]])

    def _contract(self, message: torch.Tensor, attributes: torch.Tensor) -> torch.Tensor:
        """B (9, N, C) of messages (C, N, L)."""
        found = torch.bmm(message, self._matrices(1))
        if self.correlation == 2:
            pairs = (message[:, :, :, None] * message[:, :, None, :]).flatten(2)
            found = torch.baddbmm(found, pairs, self._matrices(2))
        # Of the matrices of all elements, that of its own counts for each atom.
        found = found.unflatten(2, (attributes.shape[1], -1))
        return (found * attributes[:, :, None]).sum(2).permute(2, 1, 0)

    def _matrices(self, order: int) -> torch.Tensor:
        """Matrices (C, Lᵒ, Z·9) from products of components of one order, by channel."""
        weights = torch.cat([self._weights(c, order) for c in self._contractions()], dim=1)
        elements, paths, channels = weights.shape
        couplings = self.get_buffer(f"couplings_{order}")
        made = couplings @ weights.transpose(0, 1).reshape(paths, elements * channels)
        made = made.view(-1, couplings.shape[1], elements, channels)
        return made.permute(3, 0, 2, 1).flatten(2)

    def _contractions(self) -> list[Any]:
        return list(self.symmetric_contractions.contractions)

    def _weights(self, contraction: Any, order: int) -> torch.Tensor:
        """Weights (Z, paths, C)."""
        if order == self.correlation:
            return contraction.weights_max
        return contraction.weights[self.correlation - 1 - order]

    def _couplings(self, contraction: Any, order: int) -> torch.Tensor:
        """U (Lᵒ, 2ℓ + 1, paths) of one ℓ."""
        tensor = contraction.U_tensors(order)
        if tensor.dim() == order + 1:  # ℓ = 0 has no axis of components
            tensor = tensor[None]
        return tensor.flatten(1, order).transpose(0, 1)

    def _by_block(self, message: torch.Tensor, attributes: torch.Tensor) -> torch.Tensor:
        """B (9, N, C) by MACE's own contractions, which come as (N, channel, component) by ℓ."""
        found = self.symmetric_contractions(message.mT, attributes)
        channels = message.shape[2]
        counts = [2 * ell + 1 for ell in range(HIDDEN_ELL + 1)]
        parts = found.split([channels * count for count in counts], dim=1)
        parts = [part.unflatten(1, (channels, -1)) for part in parts]
        return torch.cat(parts, dim=2).permute(2, 0, 1)


def _stacked(couplings: list[torch.Tensor]) -> torch.Tensor:
    """Couplings of every ℓ as one (Lᵒ, 9, all paths), which do not mix them."""
    blocks = [torch.block_diag(*rows) for rows in zip(*couplings, strict=True)]
    return torch.stack(blocks)
