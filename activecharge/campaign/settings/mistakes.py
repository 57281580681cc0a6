"""What is wrong with settings, as one sentence in the user's own terms."""

import difflib
from collections.abc import Iterator
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Location = tuple[int | str, ...]


def sentence(error: ValidationError, root: type[BaseModel], below: Location = ()) -> str:
    """Tell the first mistake of a validation, unknown keys before others.

    Parameters
    ----------
    error : pydantic.ValidationError
    root : type
        The settings that hold all others.
    below : tuple
        Where in `root` the validated settings lie.
    """
    mistakes = sorted(_causes(error), key=lambda mistake: mistake["type"] != "extra_forbidden")
    first = mistakes[0]
    more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
    return _tell(first, root, (*below, *first["loc"])) + more


def _causes(error: ValidationError) -> list[ErrorDetails]:
    """All mistakes but those that only follow from others: a list all of whose items are bad
    counts as too short."""
    mistakes = error.errors()
    return [
        m
        for m in mistakes
        if m["type"] != "too_short"
        or not any(o is not m and o["loc"][: len(m["loc"])] == m["loc"] for o in mistakes)
    ]


def _tell(mistake: ErrorDetails, root: type[BaseModel], location: Location) -> str:
    parts, here = _follow(root, location)
    key, given = ".".join(parts), mistake["input"]
    match mistake["type"]:
        case "extra_forbidden":
            known = {
                name for model in _follow(root, location[:-1])[1] for name in model.model_fields
            }
            return f"unknown key {key!r}; {_hint(parts[-1], sorted(known), 'known keys')}"
        case "invalid_key":
            return f"{key}: keys must be words, such as {', '.join(sorted(root.model_fields)[:3])}"
        case "missing":
            return f"the key {key!r} is missing; add it"
        case "union_tag_not_found":
            kinds = [kind for model in here for kind in _kinds(model)]
            return f"the key '{key}.kind' is missing; give one of {', '.join(kinds)}"
        case "union_tag_invalid":
            kinds = [kind for model in here for kind in _kinds(model)]
            tag = str(mistake["ctx"]["tag"])
            return f"unknown {key}.kind {tag!r}; {_hint(tag, kinds, 'known kinds')}"
        case "model_type" | "model_attributes_type":
            return f"{key}: expected keys and values, got {given!r}"
        case "tuple_type":
            return f"{key}: expected a list, got {describe(given)}"
    message = mistake["msg"].removeprefix("Value error, ").replace("Tuple should", "it should")
    if not location:  # a rule between groups, which names them itself
        return message
    got = "" if isinstance(given, dict | list) else f", got {given!r}"
    return f"{key}: {message[0].lower()}{message[1:]}{got}"


def describe(given: object) -> str:
    """Name what a piece of YAML is."""
    if given is None:
        return "nothing"
    if isinstance(given, dict | list):
        return "keys and values" if isinstance(given, dict) else "a list"
    return repr(given)


def _hint(given: str, known: list[str], title: str) -> str:
    near = difflib.get_close_matches(given, known, cutoff=0.5)
    near.sort(key=lambda word: sorted(word) != sorted(given))  # swapped letters come first
    return f"did you mean {near[0]!r}?" if near else f"{title}: {', '.join(known)}"


def _follow(root: type[BaseModel], location: Location) -> tuple[list[str], list[type[BaseModel]]]:
    """The key a user would name for pydantic's location, and the settings that may lie there.

    Pydantic puts the `kind` that chose among several settings into locations; users do not.
    """
    parts: list[str] = []
    candidates: list[type[BaseModel]] = [root]
    for part in location:
        chosen = [model for model in candidates if part in _kinds(model)]
        if chosen and len(candidates) > 1:
            candidates = chosen
            continue
        parts.append(str(part))
        if isinstance(part, str):
            fields = [m.model_fields[part] for m in candidates if part in m.model_fields]
            candidates = [model for f in fields for model in nested_settings(f.annotation)]
    return parts, candidates


def _kinds(model: type[BaseModel]) -> tuple[str, ...]:
    field = model.model_fields.get("kind")
    return get_args(field.annotation) if field else ()


def nested_settings(annotation: object) -> Iterator[type[BaseModel]]:
    """Settings classes mentioned in a type annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from nested_settings(argument)
