"""What other packages add: references, sources of frames, strategies of selection.

A package names what it brings as entry points of the groups below; nothing of this program is
edited. Only what is installed is found: no file of a campaign or of a run directory names code
that would be imported by this way. docs/extending.md shows how.
"""

import warnings
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any, TypeVar

from activecharge.errors import Note

REFERENCES = "activecharge.references"
SOURCES = "activecharge.sources"
STRATEGIES = "activecharge.strategies"


Part = TypeVar("Part")


@lru_cache
def names(group: str) -> tuple[str, ...]:
    """Names that installed packages give to their entry points of a group, in order."""
    return tuple(sorted({point.name for point in entry_points(group=group)}))


def extend(group: str, own: dict[str, Part], fits: Callable[[str, Part], str]) -> dict[str, Part]:
    """The program's own parts with those of other packages behind them.

    What cannot be imported, does not fit or has a name that is taken is left out, with a `Note`: a
    package that is broken must not keep people from campaigns that do not use it.

    Parameters
    ----------
    group : str
        Such as `REFERENCES`.
    own : dict of str to object
        By name.
    fits : callable
        Takes the name and the object, says what is wrong with it; empty if nothing is.
    """
    found = dict(own)
    for name in names(group):
        try:
            part = load(group, name)
            wrong = "has a name that is taken" if name in found else fits(name, part)
        except Exception as error:  # whatever a package of others does when it is imported
            wrong = f"cannot be imported ({type(error).__name__}: {error})"
        if wrong:
            warnings.warn(
                f"the extension {name!r} of {group} {wrong}; left out", Note, stacklevel=2
            )
        else:
            found[name] = part
    return found


def load(group: str, name: str) -> Any:
    """Import what an entry point names."""
    return next(iter(entry_points(group=group, name=name))).load()


def has_kind(name: str, part: object, *functions: str) -> str:
    """What keeps a module from bringing settings of a kind, and functions; empty if nothing."""
    for wanted in ("OPTIONS", *functions):
        if not hasattr(part, wanted):
            return f"has no {wanted}"
    options = getattr(part, "OPTIONS", None)
    field = getattr(options, "model_fields", {}).get("kind")
    if field is None or field.default != name:
        return f"has settings whose `kind` is not {name!r}"
    return ""
