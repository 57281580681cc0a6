"""What a member's training begins with and what makes it unlike the others'."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from activecharge.errors import UserError
from activecharge.learning.baseline import fit_architecture
from activecharge.learning.batches import Batch
from activecharge.learning.charges import start_latent_charges
from activecharge.learning.loss import active_weights
from activecharge.learning.training_options import why_no_last_layer
from activecharge.learning.training_set import Member, TrainingSet
from activecharge.model.checkpoint import load_model
from activecharge.model.network import ChargeModel


def check(data: TrainingSet) -> None:
    """Refuse labels and settings from which no such model can be learned."""
    if data.model.charges == "reference" and not _labelled(data, "charges"):
        raise UserError("no training label has charges; label them, or set model.charges to latent")
    if data.model.screening == "fitted" and not _labelled(data, "bec"):
        raise UserError(
            "no training label has Born effective charges to fit the screening factor to; label "
            "them, or give model.screening a number"
        )
    if reason := why_no_last_layer(data.model, data.training):
        raise UserError(f"training: {reason}")
    weights = active_weights(data.training.weights, data.model)
    if data.training.uncertainty == "last_layer" and not any(
        name in weights and _labelled(data, name) for name in ("charges", "bec")
    ):
        raise UserError(
            "training: uncertainty last_layer gives spreads of reference charges and of Born "
            "effective charges, but no label teaches either; choose heads or committee"
        )


def first_model(
    data: TrainingSet, member: Member, train: Sequence[Batch], device: str
) -> ChargeModel:
    """The model to start from: a new one by the member's seed, or that of its checkpoint."""
    torch.manual_seed(member.seed)
    if member.start:
        return _load_start(member.start, data, device)
    return ChargeModel(fit_architecture(train, data.model, data.elements)).to(device)


def start_charges(
    model: ChargeModel, data: TrainingSet, member: Member, train: Sequence[Batch]
) -> None:
    """Give latent charges of a new model their size and sign."""
    if data.model.charges == "latent" and not member.start:
        start_latent_charges(model, train)


def bootstrap(hashes: Sequence[str], seed: int) -> list[int]:
    """How often a member sees each frame: Poisson numbers of mean 1, drawn by the frame's hash.

    This is the bootstrap of a growing dataset (Oza, Russell, AISTATS 2001): a frame's weight
    never changes, so continued training does not average the members' differences away.
    """
    copies = [int(np.random.default_rng([seed, *name.encode()]).poisson(1.0)) for name in hashes]
    return copies if any(copies) else [1] * len(copies)


def _labelled(data: TrainingSet, name: str) -> bool:
    """Whether any training label has values of a property."""
    return any(np.isfinite(label.values.get(name, np.nan)).any() for label in data.train)


def _load_start(directory: str, data: TrainingSet, device: str) -> ChargeModel:
    """The model to continue from, which must be of the kind that is asked for."""
    model = load_model(directory, device)
    found = model.architecture
    if (found.options, found.elements) != (data.model, tuple(data.elements)):
        raise UserError(
            f"{directory}: a model of other settings or elements ({', '.join(found.elements)}) "
            "cannot be continued; train from scratch"
        )
    if not found.own_dipoles:  # of a former version
        whole = ChargeModel(replace(found, own_dipoles=True)).to(device)
        whole.load_state_dict(model.state_dict(), strict=False)
        model = whole
    return model.train()
