"""What a campaign says that its defaults do not."""

from typing import Any, get_args

import yaml
from pydantic import BaseModel

from activecharge.campaign.settings.campaign_options import Campaign


def changes(campaign: Campaign) -> dict[str, Any]:
    """Keys whose values differ from the defaults, as plain data; read back, the same campaign.

    Parameters
    ----------
    campaign : Campaign

    Returns
    -------
    dict
        JSON-able, in the order of the settings. Groups that are told apart by their `kind` name
        it whenever they are there.
    """
    return _changes(campaign)


def changes_text(campaign: Campaign) -> str:
    """The same as YAML, with a comment on how many keys are as by default."""
    data = changes(campaign)
    rest = len(Campaign.model_fields) - len(data)
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    return f"{text}# {rest} groups, and what is not said here, are as by default; --all has them"


def tag(model: type[BaseModel]) -> str:
    """The `kind` by which settings are told apart from others; empty where there is no choice."""
    field = model.model_fields.get("kind")
    kinds = get_args(field.annotation) if field else ()
    return str(kinds[0]) if len(kinds) == 1 else ""


def _changes(group: BaseModel) -> dict[str, object]:
    chosen = tag(type(group))
    found: dict[str, object] = {"kind": chosen} if chosen else {}
    plain = group.model_dump(mode="json")
    for name, field in type(group).model_fields.items():
        value = getattr(group, name)
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        if not field.is_required() and value == default:
            continue
        if isinstance(value, BaseModel):
            found[name] = _changes(value)
        elif isinstance(value, tuple) and any(isinstance(item, BaseModel) for item in value):
            found[name] = [_changes(item) for item in value]
        else:
            found[name] = plain[name]
    return found
