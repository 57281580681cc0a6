"""Radial basis of the edges, and the perceptron that makes weights of it."""

import itertools

import torch

from activecharge.model.layers.mace_blocks import RadialEmbeddingBlock

RADIAL_HIDDEN = (32, 32)

SILU_SCALE = 1.6791767
"""Inverse root mean square of SiLU of a standard normal variable."""


class RadialBasis(torch.nn.Module):
    """MACE's Bessel functions and its polynomial cutoff of order 5, written without powers."""

    def __init__(self, cutoff: float, size: int):
        super().__init__()
        block = RadialEmbeddingBlock(r_max=cutoff, num_bessel=size, num_polynomial_cutoff=5)
        # Checkpoints hold both under these names.
        self.bessel_fn: torch.nn.Module = block.bessel_fn
        self.cutoff_fn: torch.nn.Module = block.cutoff_fn
        self._cutoff = cutoff

    def forward(self, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Bessel functions times the envelope, and the envelope.

        Parameters
        ----------
        lengths : (E, 1) Å

        Returns
        -------
        basis : (E, B)
        envelope : (E, 1)
            1 at zero distance; 0 at the cutoff with its first two derivatives.
        """
        x = (lengths / self._cutoff).clamp(max=1.0)
        square = x * x
        envelope = 1 - square * square * x * (21 - 35 * x + 15 * square)
        waves = torch.sin(lengths * self.bessel_fn.get_buffer("bessel_weights"))
        return waves * (envelope / lengths * self.bessel_fn.get_buffer("prefactor")), envelope


class RadialNetwork(torch.nn.Module):
    """From a radial basis to the weights of a convolution: MACE's perceptron, without biases.

    Scaled as e3nn's, so that every layer's outputs have unit variance, but with the scales put
    into the matrices rather than applied to the values of every edge.
    """

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        sizes = (inputs, *RADIAL_HIDDEN, outputs)
        self.weights = torch.nn.ParameterList(
            torch.randn(a, b) for a, b in itertools.pairwise(sizes)
        )

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Weights (E, outputs) from the radial basis (E, inputs)."""
        first, *others = self.weights
        values = values @ (first / first.shape[0] ** 0.5)
        for matrix in others:
            scaled = matrix * (SILU_SCALE / matrix.shape[0] ** 0.5)
            values = torch.nn.functional.silu(values) @ scaled
        return values
