"""The MACE backbone: equivariant features of every atom's environment.

MACE: Batatia et al., NeurIPS 2022 (https://doi.org/10.48550/arXiv.2206.07697). The blocks are
those of mace-torch; their composition is ours, so that even a single interaction keeps the
vector and tensor channels which the charge heads need.
"""

import contextlib
import io
import itertools
import os
import warnings
from dataclasses import dataclass
from typing import Any

import torch

from activecharge.model.model_options import ModelOptions
from activecharge.model.neighbors import Neighbors

# mace switches torch's safe loading off for the whole process, so that e3nn can read its
# constants. We let e3nn do that, then switch safe loading on again. Both talk on import, which
# would spoil output that a program reads.
with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
    warnings.simplefilter("ignore")
    import mace  # noqa: F401  isort: skip
    import e3nn
    from e3nn import o3

    # Scripted code recompiles for each new shape, which costs more here than it saves.
    e3nn.set_optimization_defaults(jit_script_fx=False)

    from mace.modules.blocks import (
        EquivariantProductBasisBlock,
        LinearNodeEmbeddingBlock,
        RadialEmbeddingBlock,
        RealAgnosticResidualInteractionBlock,
    )

os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)


RADIAL_HIDDEN = (32, 32)

SILU_SCALE = 1.6791767
"""Inverse root mean square of SiLU of a standard normal variable."""


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


class Interaction(torch.nn.Module):
    """MACE's residual interaction; faster where nodes hold scalars only, as in the first one.

    There the message A_i,clm = Σ_j R_cl(r_ij) h_jc Y_lm(r_ij) is one matrix product an atom. It
    equals the block's own tensor product, which writes out every term of the sum.
    """

    def __init__(self, *, nodes: o3.Irreps, **settings):
        super().__init__()
        block: Any = RealAgnosticResidualInteractionBlock(
            node_feats_irreps=nodes, radial_MLP=list(RADIAL_HIDDEN), **settings
        )
        inputs, outputs = settings["edge_feats_irreps"].dim, block.conv_tp.weight_numel
        block.conv_tp_weights = RadialNetwork(inputs, outputs)
        self.block = block
        self.scalar = nodes.lmax == 0

    def forward(
        self,
        attributes: torch.Tensor,
        nodes: torch.Tensor,
        harmonics: torch.Tensor,
        radial: torch.Tensor,
        neighbors: Neighbors,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Message (N, C, L) and skip connection."""
        block = self.block
        if not self.scalar:
            return block(attributes, nodes, harmonics, radial, neighbors.edges)
        channels = nodes.shape[1]
        weights = block.conv_tp_weights(radial).unflatten(1, (-1, channels))
        weights = weights * neighbors.at_sender(block.linear_up(nodes))[:, None, :]
        # In this order the gradient of the larger table comes out contiguous.
        message = torch.bmm(neighbors.table(harmonics).mT, neighbors.table(weights.flatten(1)))
        message = message.unflatten(2, (-1, channels))
        parts = [
            message[:, ell**2 : (ell + 1) ** 2, ell].mT.flatten(1)
            for ell in range(message.shape[2])
        ]
        message = block.linear(torch.cat(parts, dim=1)) / block.avg_num_neighbors
        return block.reshape(message), block.skip_tp(nodes, attributes)


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
        for ell in range(1, largest):
            step = o3.wigner_3j(ell, 1, ell + 1)
            above = torch.einsum("a,b,abc->c", one, pole, step)
            step = step * ((2 * ell + 3) ** 0.5 / above.norm())
            self.register_buffer(f"step_{ell}", step.flatten(0, 1), persistent=False)
            one = above / above.norm() * (2 * ell + 3) ** 0.5

    def forward(self, unit: torch.Tensor) -> torch.Tensor:
        """Values (E, (largest + 1)²) at unit vectors (E, 3)."""
        values = [torch.ones_like(unit[:, :1]), 3**0.5 * unit]
        for ell in range(1, self.largest):
            product = (values[-1][:, :, None] * unit[:, None, :]).flatten(1)
            values.append(product @ self.get_buffer(f"step_{ell}"))
        return torch.cat(values, dim=1)


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
        self.radial = RadialEmbeddingBlock(
            r_max=options.cutoff,
            num_bessel=options.radial,
            num_polynomial_cutoff=5,
            apply_cutoff=False,
        )
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
            product = EquivariantProductBasisBlock(
                node_feats_irreps=messages,
                target_irreps=self.hidden,
                correlation=options.correlation,
                num_elements=n_elements,
                use_sc=True,
            )
            self.interactions.append(interaction)
            self.products.append(product)
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
        harmonics = self.harmonics(neighbors.unit)
        basis, envelope = self.radial(lengths[:, None], attributes, neighbors.edges, None)
        radial = basis * envelope
        nodes = self.embedding(attributes)
        scalars = []
        for interaction, product in zip(self.interactions, self.products, strict=True):
            message, skip = interaction(attributes, nodes, harmonics, radial, neighbors)
            nodes = product(message, skip, attributes)
            scalars.append(nodes[:, : self.channels])
        c = self.channels
        odd = nodes[:, c : 4 * c].reshape(-1, c, 3)
        even = nodes[:, 4 * c :].reshape(-1, c, 5)
        tensors = torch.einsum("ncm,mab->ncab", even, self.to_cartesian)
        return Features(torch.cat(scalars, dim=1), odd, tensors, radial, envelope)
