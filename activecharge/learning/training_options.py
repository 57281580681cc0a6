"""Settings of the training of committee members."""

from typing import Literal

from pydantic import Field

from activecharge.model.model_options import ModelOptions
from activecharge.options import Options


class LossWeights(Options):
    """Weight of each property's loss, errors being counted in that property's tolerance.

    The tolerances (energy 5 meV/atom, forces 100 meV/Å, stress 2 meV/Å³, charges 10 me, dipole
    0.03 e·Å, Born effective charges 20 me) make errors of like importance weigh alike at 1.
    A campaign in which energy, forces and stress are all 0 predicts none of them, which is faster,
    and cannot explore by dynamics.
    """

    energy: float = Field(
        0.1,
        ge=0,
        description="Energy per atom; low, because early in training its gradient would drown "
        "those of the other properties.",
    )
    forces: float = Field(1.0, ge=0, description="Force components.")
    stress: float = Field(1.0, ge=0, description="Stress components of periodic frames.")
    charges: float = Field(1.0, ge=0, description="Static charges, unless they are latent.")
    dipole: float = Field(
        1.0,
        ge=0,
        description="Dipole of free frames; with the independent coupling also its slope, by "
        "forces in random electric fields, where Born effective charges add to them.",
    )
    bec: float = Field(1.0, ge=0, description="Born effective charge components.")


class TrainingOptions(Options):
    """The committee and how each member learns.

    Spreads come from a `committee` of models trained apart; from `heads`, as many sets of heads on
    one backbone, trained together at little more than the cost of one model; or from the
    `last_layer` of one network, by the covariance of its weights. The last gives spreads of
    charges and Born effective charges alone, of the latter only where charges are latent or without
    labels, and needs the coupling `independent`. With `heads`, each step teaches energy, forces and
    stress to one set of heads and all else to every one.
    """

    uncertainty: Literal["committee", "heads", "last_layer"] = Field(
        "committee", description="Where spreads come from."
    )
    members: int = Field(
        4, ge=2, le=64, description="Models in the committee, or sets of heads on one backbone."
    )
    steps: int = Field(1500, ge=1, description="Optimizer steps of a training from scratch.")
    warm_steps: int = Field(
        700, ge=1, description="Optimizer steps of a training that continues from the last round."
    )
    batch_size: int = Field(8, ge=1, description="Frames per optimizer step.")
    learning_rate: float = Field(0.01, gt=0, description="Highest learning rate (Adam).")
    warm_learning_rate: float = Field(
        0.005, gt=0, description="Highest learning rate of a continued training."
    )
    ema_decay: float = Field(
        0.99, ge=0, lt=1, description="Decay per step of the averaged weights that are kept."
    )
    gradient_clip: float = Field(10.0, gt=0, description="Largest norm of a step's gradient.")
    evaluate_every: int = Field(100, ge=1, description="Steps between validations.")
    patience: int = Field(
        10, ge=1, description="Validations without improvement after which training stops."
    )
    bootstrap: bool = Field(
        True,
        description="Draw each member's training frames with replacement, but for `last_layer`.",
    )
    validation: float = Field(
        0.1, gt=0, lt=0.5, description="Share of the dataset held out to stop early."
    )
    weights: LossWeights = Field(
        default_factory=LossWeights, description="Loss weight per property."
    )

    @property
    def models(self) -> int:
        """How many models, or sets of heads, there are."""
        return 1 if self.uncertainty == "last_layer" else self.members

    @property
    def models_text(self) -> str:
        """Such as "4 members"."""
        return {
            "committee": f"{self.members} members",
            "heads": f"{self.members} heads on one backbone",
            "last_layer": "one network",
        }[self.uncertainty]


def why_no_last_layer(model: ModelOptions, training: TrainingOptions) -> str:
    """What keeps a model from the uncertainty that is asked for; empty if nothing does."""
    if training.uncertainty != "last_layer":
        return ""
    if model.coupling != "independent":
        return (
            "uncertainty last_layer needs Born effective charges that are linear in a last layer, "
            f"as in model.coupling independent, not {model.coupling}; choose heads or committee"
        )
    return ""
