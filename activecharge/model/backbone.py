"""The MACE backbone: equivariant features of every atom's environment.

MACE: Batatia et al., NeurIPS 2022 (https://doi.org/10.48550/arXiv.2206.07697). The blocks are
those of mace-torch; their composition is ours, so that even a single interaction keeps the
vector and tensor channels which the charge heads need.
"""

import contextlib
import io
import os
import warnings
from dataclasses import dataclass

import torch

from activecharge.model.options import ModelOptions

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
        self.radial = RadialEmbeddingBlock(
            r_max=options.cutoff,
            num_bessel=options.radial,
            num_polynomial_cutoff=5,
            apply_cutoff=False,
        )
        self.harmonics = o3.SphericalHarmonics(harmonics, normalize=True, normalization="component")
        self.interactions = torch.nn.ModuleList()
        self.products = torch.nn.ModuleList()
        incoming = embedded
        for _ in range(options.interactions):
            interaction = RealAgnosticResidualInteractionBlock(
                node_attrs_irreps=attributes,
                node_feats_irreps=incoming,
                edge_attrs_irreps=harmonics,
                edge_feats_irreps=o3.Irreps(f"{options.radial}x0e"),
                target_irreps=messages,
                hidden_irreps=self.hidden,
                avg_num_neighbors=avg_neighbors,
                radial_MLP=[32, 32],
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
        vectors: torch.Tensor,
        lengths: torch.Tensor,
        edges: torch.Tensor,
    ) -> Features:
        """Features from one-hot elements (N, Z), edge vectors (E, 3), lengths (E,) Å, edges."""
        harmonics = self.harmonics(vectors)
        basis, envelope = self.radial(lengths[:, None], attributes, edges, None)
        radial = basis * envelope
        nodes = self.embedding(attributes)
        scalars = []
        for interaction, product in zip(self.interactions, self.products, strict=True):
            message, skip = interaction(attributes, nodes, harmonics, radial, edges)
            nodes = product(message, skip, attributes)
            scalars.append(nodes[:, : self.channels])
        c = self.channels
        odd = nodes[:, c : 4 * c].reshape(-1, c, 3)
        even = nodes[:, 4 * c :].reshape(-1, c, 5)
        tensors = torch.einsum("ncm,mab->ncab", even, self.to_cartesian)
        return Features(torch.cat(scalars, dim=1), odd, tensors, radial, envelope)
