"""One look for all figures: colours, words and settings of matplotlib."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle, product
from typing import Any

# Colours safe for colour-blind readers: Okabe and Ito, https://jfly.uni-koeln.de/color/
BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW, GREY = "#CC79A7", "#56B4E9", "#F0E442", "#6B7280"
INK, SILVER, BROWN = "#1F2937", "#C4C9D2", "#8B5E3C"
CYCLE = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, YELLOW, GREY)

ELEMENTS = {"H": BLUE, "O": VERMILLION}
TITLES = {
    "energy": "energy E",
    "forces": "forces F",
    "charges": "static charges q",
    "bec": "Born effective charges Z",
}
"""Of the panels that show a property."""
WHY = {
    "test": GREEN,
    "control": BLUE,
    "uncertain": VERMILLION,
    "diverse": PURPLE,
    "random": SKY,
    "initial": GREY,
}
WHY_WORDS = {
    "test": "fixed test set",
    "control": "blind, control (random)",
    "uncertain": "blind, chosen as uncertain",
    "diverse": "blind, chosen as diverse",
    "random": "blind, drawn by the strategy",
}

STAGES = {
    "holdout": GREY,
    "begin": SILVER,
    "explore": SKY,
    "score": YELLOW,
    "select": PURPLE,
    "label": VERMILLION,
    "commit": INK,
    "train": BLUE,
    "settle": BROWN,
    "test": GREEN,
    "report": ORANGE,
}
"""Stages of both schedules in their order, none in the colour of another."""

RC: Any = {
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#4B5563",
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E5E7EB",
    "grid.linewidth": 0.8,
    "xtick.color": "#4B5563",
    "ytick.color": "#4B5563",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.5,
}
"""Settings of matplotlib under which all figures are drawn."""


def element_colours(symbols: Sequence[str]) -> dict[str, str]:
    """Give each chemical symbol a colour; H and O always have theirs.

    Parameters
    ----------
    symbols : sequence of str

    Returns
    -------
    dict of str to str
        In alphabetical order.
    """
    rest = [c for c in CYCLE if c not in ELEMENTS.values()]
    others = sorted(set(symbols) - set(ELEMENTS))
    extra = {s: rest[i % len(rest)] for i, s in enumerate(others)}
    return {s: {**ELEMENTS, **extra}[s] for s in sorted(set(symbols))}


def looks(kinds: Iterable[str], known: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Give each kind of bar a colour and a hatch, no two of 32 alike.

    Parameters
    ----------
    kinds : iterable of str
    known : mapping of str to str
        Colours that some kinds have always.

    Returns
    -------
    dict of str to (str, str)
        By kind, in their order.
    """
    kinds = list(kinds)
    taken = {known[kind] for kind in kinds if kind in known}
    free = cycle(
        (colour, hatch)
        for hatch, colour in product(("", "///", "...", "xx"), CYCLE)
        if hatch or colour not in taken
    )
    return {kind: (known[kind], "") if kind in known else next(free) for kind in kinds}


def time_unit(seconds: float) -> tuple[float, str]:
    """Choose seconds, minutes or hours.

    Parameters
    ----------
    seconds : float

    Returns
    -------
    tuple of (float, str)
        Length of the unit in s and its symbol.
    """
    if seconds < 120:
        return 1.0, "s"
    return (60.0, "min") if seconds < 7200 else (3600.0, "h")
