"""Settings that ask for spreads which the chosen kind of uncertainty does not give."""

from collections.abc import Mapping
from typing import Any

from activecharge.learning.options import why_no_last_layer
from activecharge.options import Options

KNOWN_TO_LAST_LAYERS = ("charges", "bec")


def spread_mistake(group: str, settings: Options, others: Mapping[str, Any]) -> str:
    """What is wrong with a group of a campaign's settings; empty if nothing is.

    Parameters
    ----------
    group : {"training", "selection", "stop"}
    settings : Options
        The group.
    others : mapping of str to Options
        Valid groups that come before it.
    """
    if group == "training":
        model = others.get("model")
        return why_no_last_layer(model, settings) if model else ""  # type: ignore[arg-type]
    training = others.get("training")
    if training is None or training.uncertainty != "last_layer":
        return ""
    keys = {"selection": ("weights", "threshold"), "stop": ("expected",)}[group]
    for key in keys:
        for name, value in getattr(settings, key).model_dump().items():
            if value and name not in KNOWN_TO_LAST_LAYERS:
                return (
                    f"{key}.{name} needs the spread of {name}, which training.uncertainty "
                    "last_layer does not give; remove it, or choose heads or committee"
                )
    return ""
