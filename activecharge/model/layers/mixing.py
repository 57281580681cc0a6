"""Linear maps of channels, the same for every component of one ℓ.

Values of atoms are held by component: (L, N, C) with L = (largest ℓ + 1)², where a map of channels
is one batched matrix product. Weights stay those of e3nn's modules, under their names.
"""

import torch
from e3nn import o3
from torch import nn


def degrees(largest: int) -> torch.Tensor:
    """ℓ of each component, (L,) int64."""
    ells = torch.arange(largest + 1)
    return ells.repeat_interleave(2 * ells + 1)


def path_scales(module: o3.TensorProduct) -> torch.Tensor:
    """What e3nn multiplies the weights of each of a module's paths with, (P, 1, 1)."""
    return torch.tensor([path.path_weight for path in module.instructions])[:, None, None]


def matrices(weight: torch.Tensor, scales: torch.Tensor, channels: int) -> torch.Tensor:
    """Weights of P paths as matrices (P, C, K), K other channels (times elements)."""
    return weight.view(len(scales), channels, -1) * scales


class Mixing(nn.Module):
    """What an e3nn `Linear` does that maps each ℓ of the first so many to itself.

    Parameters
    ----------
    linear : e3nn.o3.Linear
        Not a part of this module: its weights are given to `forward`.
    largest : int
    """

    scales: torch.Tensor
    degrees: torch.Tensor

    def __init__(self, linear: o3.Linear, largest: int):
        super().__init__()
        self.register_buffer("scales", path_scales(linear), persistent=False)
        self.register_buffer("degrees", degrees(largest), persistent=False)

    def forward(self, weight: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Mixed values (L, N, C')."""
        mixed = matrices(weight, self.scales, values.shape[2])
        return torch.bmm(values, mixed.index_select(0, self.degrees))


class ElementMixing(Mixing):
    """What an e3nn `FullyConnectedTensorProduct` with one-hot elements (N, Z) does."""

    def __init__(self, product: o3.FullyConnectedTensorProduct, largest: int):
        super().__init__(product, largest)
        # Its Clebsch-Gordan coefficients with a scalar, which its scales make up for.
        self.scales /= (2 * torch.arange(len(self.scales)) + 1)[:, None, None] ** 0.5

    def forward(
        self, weight: torch.Tensor, values: torch.Tensor, attributes: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Mixed values (L, N, C'), by matrices of each atom's element."""
        assert attributes is not None
        every = super().forward(weight, values)
        return (every.unflatten(2, (attributes.shape[1], -1)) * attributes[:, :, None]).sum(2)
