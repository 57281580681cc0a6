"""What training itself does not settle: size and sign of latent charges, a fitted screening."""

from collections.abc import Collection, Sequence

import torch

from activecharge.learning.batches import Batch, evaluation_batches
from activecharge.model.heads import AtomConstant
from activecharge.model.network import ChargeModel

START = 0.3
"""Size in e of latent charges before training: half of what water's are by most definitions."""


def orient_charges(model: ChargeModel, frames: Sequence[Batch], taught: Collection[str]) -> None:
    """Make oxygen negative on average, where latent charges are fixed only up to a common sign.

    Energies never tell the sign. Dipoles and Born effective charges do where no learned screening
    factor can turn along; it then stays as learned, and that training starts with oxygen negative
    makes that the likely one.

    Parameters
    ----------
    model : ChargeModel
    frames : sequence of Batch
        Single frames that tell oxygen's mean charge.
    taught : collection of str
        Properties that the model was trained on.
    """
    options = model.architecture.options
    rests_on_sign = {
        "independent": "dipole" in taught,
        "dipolar": True,
        "global": isinstance(options.screening, float) and bool({"dipole", "bec"} & set(taught)),
        "local": False,
    }
    if not rests_on_sign[options.coupling] and oxygen_is_positive(model, frames):
        model.reverse_charges()


@torch.no_grad()
def start_latent_charges(model: ChargeModel, frames: Sequence[Batch]) -> None:
    """Give an untrained model charges of `START` e, root mean square, with oxygen negative.

    Energies feel charges by their square: from small ones, they would hardly be learned.
    """
    batch = next(evaluation_batches(model, frames))
    size = model(batch.graph, {"charges"})["charges"].square().mean().sqrt()
    model.pair_charges.scale(START / float(size) if size > 0 else 1.0)
    if oxygen_is_positive(model, frames):
        model.pair_charges.scale(-1.0)


def oxygen_is_positive(model: ChargeModel, frames: Sequence[Batch]) -> bool:
    """Whether oxygen's mean charge in the first frames is above zero."""
    if "O" not in model.architecture.elements:
        return False
    batch = next(evaluation_batches(model, frames))
    oxygen = batch.graph.species == model.architecture.elements.index("O")
    return bool(model(batch.graph, {"charges"})["charges"][oxygen].mean() > 0)


@torch.no_grad()
def fit_screening(model: ChargeModel, frames: Sequence[Batch]) -> float:
    """Set the global screening factor to the least-squares one, γ = Σ Z·Z_q / Σ Z_q².

    Z_q are the Born effective charges of the model's charges, unscreened, and Z those of the
    reference. As Stärk et al. do, PCCP 2026 (https://doi.org/10.1039/d6cp00911e).

    Parameters
    ----------
    model : ChargeModel
        Of the global coupling.
    frames : sequence of Batch
        Single frames, of which some have Born effective charges.

    Returns
    -------
    float
        γ.
    """
    factor = model.screening
    assert isinstance(factor, AtomConstant)  # the coupling is global
    factor.value.fill_(1.0)
    products, squares = 0.0, 0.0
    for batch in evaluation_batches(model, frames):
        target = batch.targets["bec"].double()
        labelled = torch.isfinite(target)
        unscreened = model(batch.graph, {"bec"})["bec"].double()[labelled]
        products += float((target[labelled] * unscreened).sum())
        squares += float(unscreened.square().sum())
    factor.value.fill_(products / squares)
    return products / squares
