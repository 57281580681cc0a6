"""Settings that are given on the command line."""

from collections.abc import Sequence
from typing import Any

import yaml
from pydantic import TypeAdapter

from activecharge.campaign.settings.reading import parse
from activecharge.campaign.settings.yaml_file import named_value
from activecharge.committee.selection.selection_options import SelectionOptions
from activecharge.errors import UserError
from activecharge.learning.training_options import TrainingOptions
from activecharge.model.model_options import ModelOptions
from activecharge.reference.reference_options import ReferenceOptions


def parse_reference(kind: str, method: str | None, settings: Sequence[str]) -> ReferenceOptions:
    """Settings of a reference code, further ones as "key=value"."""
    data: dict[str, object] = {"kind": kind, **({"method": method} if method else {})}
    data |= dict(read_setting(item, "timeout=3600") for item in settings)
    return parse("reference", lambda: TypeAdapter(ReferenceOptions).validate_python(data))


def parse_training(
    coupling: str, members: int, steps: int | None, settings: Sequence[str] = ()
) -> tuple[ModelOptions, TrainingOptions]:
    """Settings of a training, further ones as "model.key=value" or "training.key=value"."""
    groups: dict[str, dict[str, Any]] = {
        "model": {"coupling": coupling},
        "training": {"members": members} | ({"steps": steps} if steps else {}),
    }
    for item in settings:
        name, value = read_setting(item, "model.charges=latent")
        group, *keys = name.split(".")
        if group not in groups or not keys:
            raise UserError(
                f"--set {item}: expected model.KEY=VALUE or training.KEY=VALUE, such as "
                "model.charges=latent"
            )
        inner = groups[group]
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
        inner[keys[-1]] = value
    if members == 1 and groups["training"].get("uncertainty") != "last_layer":
        raise UserError(
            "--members 1: a committee of one has no spread; give 2 or more, or one network that "
            "knows its own by --set training.uncertainty=last_layer"
        )
    groups["training"]["members"] = max(members, 2)  # of which a last layer makes no use
    return (
        parse("model", lambda: ModelOptions.model_validate(groups["model"])),
        parse("training", lambda: TrainingOptions.model_validate(groups["training"])),
    )


def parse_selection(**given: object) -> SelectionOptions:
    """Settings of a selection; those that are None keep their defaults."""
    data = {name: value for name, value in given.items() if value is not None}
    return parse("selection", lambda: SelectionOptions.model_validate(data))


def read_setting(item: str, example: str) -> tuple[str, object]:
    """A key and its value, which is read as in YAML."""
    key, text = named_value(item, example)
    try:
        return key, yaml.safe_load(text)
    except yaml.YAMLError:
        return key, text
