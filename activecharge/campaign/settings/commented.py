"""Campaign files with a comment on every key, which the settings' own classes give."""

import textwrap
from collections.abc import Collection, Iterator, Mapping
from typing import get_args

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from activecharge.campaign.settings.campaign_options import Campaign
from activecharge.campaign.settings.changes import changes, tag

WIDTH = 96
"""Columns of a file."""


def commented(campaign: Campaign, shown: Collection[str], head: str) -> str:
    """Write a campaign as YAML, each key with its description above it.

    Parameters
    ----------
    campaign : Campaign
    shown : collection of str
        Keys, dotted as "training.members", that are written though they are as by default.
    head : str
        Comment at the top; it may hold several lines.

    Returns
    -------
    str
        Of which YAML makes the same campaign.
    """
    lines = [f"# {line}".rstrip() for line in head.splitlines()]
    data, plain = changes(campaign), campaign.model_dump(mode="json")
    for name, field in Campaign.model_fields.items():
        value = getattr(campaign, name)
        inner = [key.split(".", 1)[1] for key in shown if key.startswith(f"{name}.")]
        if name not in data and name not in shown and not inner:
            continue
        lines += ["", *_remark(field, 0)]
        if isinstance(value, BaseModel):
            lines += [f"{name}:", *_group(value, data.get(name, {}), inner)]
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            lines.append(f"{name}:")
            for source, said in zip(value, data[name], strict=True):
                lines += [*_about(type(source), 2), f"  - {_inline(_whole(source, said))}"]
        else:
            lines.append(f"{name}: {_inline(data.get(name, plain[name]))}")
    return "\n".join(lines) + "\n"


def _group(group: BaseModel, said: Mapping[str, object], shown: Collection[str]) -> Iterator[str]:
    """Lines of a group of settings."""
    plain = group.model_dump(mode="json")
    for name, field in sorted(type(group).model_fields.items(), key=lambda f: f[0] != "kind"):
        if name in said or name in shown or (name == "kind" and tag(type(group))):
            is_tag = name == "kind" and tag(type(group))
            yield from _about(type(group), 2) if is_tag else _remark(field, 2)
            yield f"  {name}: {_inline(said.get(name, plain[name]))}"


def _whole(source: BaseModel, said: Mapping[str, object]) -> dict[str, object]:
    """A source with how many frames it gives, also where that is as by default."""
    count = getattr(source, "count", None)
    return dict(said) if count is None else {**said, "count": count}


def _remark(field: FieldInfo, indent: int) -> list[str]:
    """The description of a key, and what it may be where it is one of a few words."""
    text = (field.description or "").rstrip(".")
    words = [str(word) for word in get_args(field.annotation) if isinstance(word, str)]
    if len(words) > 1 and not all(word in text for word in words):
        text += f". One of {', '.join(words)}"
    return _comment(text, indent)


def _about(group: type[BaseModel], indent: int) -> list[str]:
    """The first sentence on what settings stand for."""
    text = " ".join((group.__doc__ or "").split("\n\n")[0].split())
    return _comment(text.partition(". ")[0], indent)


def _comment(text: str, indent: int) -> list[str]:
    """Lines of a comment that is one sentence or more."""
    pad = " " * indent + "# "
    text = text[:1].upper() + text[1:].rstrip(".") + "."
    return textwrap.wrap(text, WIDTH, initial_indent=pad, subsequent_indent=pad)


def _inline(value: object) -> str:
    """A value in one line of YAML."""
    text = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6
    )
    return text.removesuffix("\n").removesuffix("\n...")
