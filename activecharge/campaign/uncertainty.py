"""What a campaign's committees say at all, and settings that ask for more."""

from collections.abc import Mapping
from typing import Any

from activecharge.learning.training_options import TrainingOptions, why_no_last_layer
from activecharge.model.taught import OF_THE_ENERGY
from activecharge.options import Options
from activecharge.properties import PROPERTIES

KNOWN_TO_LAST_LAYERS = ("charges", "bec")


def outputs(training: TrainingOptions) -> tuple[str, ...]:
    """Properties that committees are asked for: energies and their derivatives only where taught.

    Forces and stresses take a backward pass through every member. Of all that is asked for, they
    say what labels have taught, see `activecharge.model.taught`.
    """
    without = {"energy"} if training.weights.energy == 0 else set()
    if not _teaches_energies(training):
        without = set(OF_THE_ENERGY)
    return tuple(name for name in PROPERTIES if name not in without)


def spread_mistake(group: str, settings: Options, others: Mapping[str, Any]) -> str:
    """What is wrong with a group of a campaign's settings; empty if nothing is.

    Parameters
    ----------
    group : {"training", "selection", "stop"}
        Its name.
    settings : Options
        The group.
    others : mapping of str to Options
        Valid groups that come before it.
    """
    if group == "training":
        model = others.get("model")
        return why_no_last_layer(model, settings) if model else ""  # type: ignore[arg-type]
    training, model = others.get("training"), others.get("model")
    if training is None:
        return ""
    keys = {"selection": ("weights", "threshold"), "stop": ("target", "expected")}[group]
    wanted = [(key, name) for key in keys for name, value in getattr(settings, key) if value]
    for key, name in wanted:
        if name not in outputs(training):
            return f"{key}.{name} needs predictions of {name}, but {_untaught(training)}"
        latent = model is not None and model.charges == "latent"
        if latent and name == "charges" and group == "stop":
            return (
                f"{key}.charges needs errors of the charges, which latent ones have not; remove "
                "it, or set model.charges to reference"
            )
        spread = key != "target" and training.uncertainty == "last_layer"
        if spread and name not in KNOWN_TO_LAST_LAYERS:
            return (
                f"{key}.{name} needs the spread of {name}, which training.uncertainty "
                "last_layer does not give; remove it, or choose heads or committee"
            )
    return ""


def _untaught(training: TrainingOptions) -> str:
    """Why there is no energy, or nothing of it."""
    if _teaches_energies(training):
        return "training.weights.energy is 0; remove it, or set that"
    return "training.weights of energy, forces and stress are all 0; remove it, or set one of them"


def dynamics_mistake(training: TrainingOptions, biased: bool) -> str:
    """Why members so trained cannot drive dynamics, with a bias or without; empty if they can."""
    if not _teaches_energies(training):
        return (
            "dynamics needs forces, but training.weights of energy, forces and stress are all 0; "
            "set one of them, or explore without dynamics"
        )
    if biased and training.uncertainty == "last_layer":
        return (
            "a dynamics source has a bias, which climbs the disagreement of members, but "
            "training.uncertainty last_layer trains one network; choose heads or committee"
        )
    return ""


def _teaches_energies(training: TrainingOptions) -> bool:
    return any(getattr(training.weights, name) > 0 for name in OF_THE_ENERGY)
