"""Spherical harmonics by recursion."""

import torch

from activecharge.model.layers.mace_blocks import o3


class Harmonics(torch.nn.Module):
    """Real spherical harmonics of unit vectors up to `largest` ℓ, of squared norm 2ℓ + 1.

    Each ℓ follows from the one below and the vector by Clebsch–Gordan coefficients. Same order
    and signs as e3nn's, whose compiled function is slow where shapes change and for small frames.
    """

    def __init__(self, largest: int):
        super().__init__()
        self.largest = largest
        pole = torch.tensor([0.0, 1.0, 0.0])
        one = pole * 3**0.5
        self.register_buffer("scale", torch.tensor([1.0, *[3**0.5] * 3]), persistent=False)
        for ell in range(1, largest):
            step = o3.wigner_3j(ell, 1, ell + 1)
            above = torch.einsum("a,b,abc->c", one, pole, step)
            step = step * ((2 * ell + 3) ** 0.5 / above.norm())
            self.register_buffer(f"step_{ell}", step.flatten(0, 1), persistent=False)
            one = above / above.norm() * (2 * ell + 3) ** 0.5

    def forward(self, directions: torch.Tensor) -> torch.Tensor:
        """Values (..., (largest + 1)²) at directions (..., 4), each 1 and a unit vector.

        Where all four are zero, as in a table's empty places, so are the values.
        """
        values = [directions * self.get_buffer("scale")]
        unit = directions[..., 1:]
        last = values[0][..., 1:]
        for ell in range(1, self.largest):
            product = (last[..., :, None] * unit[..., None, :]).flatten(-2)
            last = product @ self.get_buffer(f"step_{ell}")
            values.append(last)
        return torch.cat(values, dim=-1)
