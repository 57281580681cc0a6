"""Uncertainty of one network's charges and Born effective charges from its last layers.

Both properties are linear in the weights w of a last layer, y = f·w. With labels of noise α and
weights of prior deviation α/ζ, the posterior of the weights is Gaussian and

    σ² = α² fᵀ (FᵀF + ζ²)⁻¹ f

with F the features of all training labels: Bigi, Chong, Ceriotti, Grasselli, *A prediction
rigidity formalism for low-cost uncertainties in trained neural networks*, Mach. Learn.: Sci.
Technol. (2024), https://doi.org/10.1088/2632-2153/ad805f (arXiv 2403.02251).

Where a last layer has more weights than `DIRECTIONS`, features are projected on as many random
directions S, f → Sᵀf, which keeps their lengths and angles within some percent (Johnson,
Lindenstrauss, Contemp. Math. 26, 189 (1984), https://doi.org/10.1090/conm/026/737400).

N atoms, C components of a property, D weights of its last layer, R directions.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from activecharge.errors import UserError
from activecharge.files import write_atomic, write_json
from activecharge.model import LAST_LAYER, LAST_LAYER_FACTORS
from activecharge.model.encoded import Encoded
from activecharge.model.neighbors import Neighbors
from activecharge.model.network import ChargeModel

DIRECTIONS = 256
"""With all 832 weights of Born effective charges, spreads rank errors no better, at 1.6 times the
cost of a prediction; with 128, they grow too slowly far from the labels."""

_FORMAT = "activecharge last layer 1"


def last_layer_features(model: ChargeModel, encoded: Encoded, name: str) -> torch.Tensor:
    """Derivatives of a property by the weights of its last layer.

    Parameters
    ----------
    model : ChargeModel
        Of the coupling `independent`, the only one with a last layer for Born effective charges.
    encoded : Encoded
    name : {"charges", "bec"}

    Returns
    -------
    torch.Tensor
        (N, C, D) with C = 1 and D = 32 for charges, C = 9 and D = 832 for Born effective charges.
    """
    neighbors, features = encoded.neighbors, encoded.features
    if name == "charges":
        hidden = model.pair_charges.pair.hidden(features, neighbors) * features.envelope
        return neighbors.antisymmetric_sum(hidden)[:, None]
    hidden = neighbors.table(model.tensors.pair.hidden(features, neighbors) * features.envelope)
    vectors, tensors = model.tensors.channels(features)
    total = _own(neighbors, hidden, vectors, tensors) - _others(neighbors, hidden, vectors, tensors)
    return total.transpose(1, 2).flatten(2)


def _own(
    neighbors: Neighbors, hidden: torch.Tensor, vectors: torch.Tensor, tensors: torch.Tensor
) -> torch.Tensor:
    """Σ_j B_ij h_ij, (N, outputs, 9, HIDDEN), where T_ij = Σ_o w_o B_ij,o and w_o = W_o·h_ij.

    B_ij is as in `activecharge.model.heads.PairTensors`: of the atom's own vectors and tensors,
    which leave the sum over neighbours to h, to h r̂ and to h r̂ r̂.
    """
    unit = neighbors.directions[..., 1:]
    along, squares = unit.mT @ hidden, _squares(unit).mT @ hidden
    left = vectors[:, :, :, None, None] * along[:, None, None]
    one = _identity(unit).expand(len(unit), 1, 9)
    constant = torch.cat([one, _dyads(vectors), tensors], dim=1)
    rest = constant[..., None] * hidden.sum(1)[:, None, None]
    return _in_order(rest, squares, left)


def _others(
    neighbors: Neighbors, hidden: torch.Tensor, vectors: torch.Tensor, tensors: torch.Tensor
) -> torch.Tensor:
    """Σ_j B_ji h_ji likewise, of the neighbours' vectors and tensors, and r̂ the other way."""
    unit = neighbors.directions[..., 1:]
    hidden = neighbors.table(neighbors.at_reverse(hidden))
    count = vectors.shape[1]
    theirs = torch.cat([vectors.flatten(1), _dyads(vectors).flatten(1), tensors.flatten(1)], 1)
    theirs = neighbors.table(neighbors.at_sender(theirs))
    near, constant = theirs.split([3 * count, 18 * count], dim=2)
    left = -(near[..., None] * unit[:, :, None]).flatten(2).mT @ hidden
    isotropic = _identity(unit).mT * hidden.sum(1)[:, None]
    rest = torch.cat([isotropic, constant.mT @ hidden], dim=1)
    return _in_order(
        rest.unflatten(1, (-1, 9)), _squares(unit).mT @ hidden, left.unflatten(1, (count, 3, 3))
    )


def _in_order(rest: torch.Tensor, squares: torch.Tensor, left: torch.Tensor) -> torch.Tensor:
    """Sums as the outputs of the head come: unit tensor, r̂ r̂, v r̂, r̂ v, v v', tensors."""
    right = left.transpose(2, 3)
    parts = [rest[:, :1], squares[:, None], left.flatten(2, 3), right.flatten(2, 3), rest[:, 1:]]
    return torch.cat(parts, dim=1)


def _identity(unit: torch.Tensor) -> torch.Tensor:
    """The unit tensor, (1, 1, 9)."""
    return torch.eye(3, dtype=unit.dtype, device=unit.device).reshape(1, 1, 9)


def _squares(unit: torch.Tensor) -> torch.Tensor:
    """r̂ r̂ of a table (N, M, 3), (N, M, 9)."""
    return (unit[..., :, None] * unit[..., None, :]).flatten(2)


def _dyads(vectors: torch.Tensor) -> torch.Tensor:
    """Outer products of vectors (N, V, 3) with the first of them, (N, V, 9)."""
    return (vectors[..., :, None] * vectors[:, :1, None, :]).flatten(2)


@dataclass(frozen=True)
class Scale:
    """What fixes the size of a property's uncertainty.

    Attributes
    ----------
    alpha : float
        Noise of the labels, in the property's unit.
    zeta : float
        Regularisation of the features' covariance, in the unit of the features.
    """

    alpha: float
    zeta: float


@dataclass(frozen=True)
class LastLayer:
    """Covariances of last-layer weights, by property.

    Attributes
    ----------
    factors : dict of str to torch.Tensor
        (D, R) matrices S L with L Lᵀ = α² (SᵀFᵀF S + ζ²)⁻¹, so that σ² = |LᵀSᵀf|² is never
        negative.
    scales : dict of str to Scale
    """

    factors: dict[str, torch.Tensor]
    scales: dict[str, Scale]

    def std(self, model: ChargeModel, encoded: Encoded, name: str) -> torch.Tensor:
        """Standard deviation (N,): root of the mean variance of an atom's components."""
        features = last_layer_features(model, encoded, name)
        variance = (features @ self.factors[name]).square().sum(2)
        return variance.mean(1).sqrt()

    def save(self, directory: Path | str) -> None:
        """Write the covariances beside a model."""
        directory, (data, factors) = Path(directory), self.parts()
        write_atomic(directory / LAST_LAYER_FACTORS, lambda path: save_file(factors, path))
        write_json(directory / LAST_LAYER, data)

    def parts(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """What JSON can hold, and the factors on the CPU."""
        scales = {name: asdict(scale) for name, scale in self.scales.items()}
        factors = {name: tensor.contiguous().cpu() for name, tensor in self.factors.items()}
        return {"format": _FORMAT, "scales": scales}, factors

    @classmethod
    def load(cls, directory: Path | str, model: ChargeModel) -> "LastLayer":
        """Read what `save` wrote, for a model on its device in its type.

        Raises
        ------
        UserError
            If the files are not such covariances of that model.
        """
        directory = Path(directory)
        try:
            data = json.loads((directory / LAST_LAYER).read_bytes())
            return cls.rebuilt(data, load_file(directory / LAST_LAYER_FACTORS), model)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
            raise UserError(
                f"{directory / LAST_LAYER}: no uncertainties of this model ({error}); "
                "train it again"
            ) from error

    @classmethod
    def rebuilt(
        cls, data: dict[str, Any], factors: Mapping[str, torch.Tensor], model: ChargeModel
    ) -> "LastLayer":
        """What `parts` gave, for a model on its device in its type.

        Raises
        ------
        ValueError, KeyError, TypeError, AttributeError
            If these are not such covariances of that model.
        """
        weight = model.pair_charges.pair.last.weight
        if data["format"] != _FORMAT:
            raise ValueError("another format")
        scales = {name: Scale(**scale) for name, scale in data["scales"].items()}
        sizes = {name: _weights(model, name) for name in scales}
        if {name: tuple(f.shape) for name, f in factors.items()} != {
            name: (size, min(size, DIRECTIONS)) for name, size in sizes.items()
        }:
            raise ValueError("covariances of another model")
        return cls({name: factor.to(weight) for name, factor in factors.items()}, scales)


def directions(model: ChargeModel, name: str) -> torch.Tensor:
    """S (D, R), orthonormal columns; always the same, and all there are if they are few."""
    weights = _weights(model, name)
    if weights <= DIRECTIONS:
        return torch.eye(weights, dtype=torch.float64)
    drawn = np.random.default_rng(0).standard_normal((weights, DIRECTIONS))
    return torch.tensor(np.linalg.qr(drawn)[0])


def covariance_factor(gram: torch.Tensor, scale: Scale) -> torch.Tensor:
    """L of L Lᵀ = α² (G + ζ²)⁻¹ from G = SᵀFᵀF S, (R, R)."""
    values, vectors = torch.linalg.eigh(gram)
    # Rounding may leave the eigenvalues of directions never seen just below zero.
    return vectors * (scale.alpha / (values.clamp_min(0.0) + scale.zeta**2).sqrt())


def _weights(model: ChargeModel, name: str) -> int:
    head = model.pair_charges if name == "charges" else model.tensors
    return head.pair.last.weight.numel()
