"""One look for all figures, and one way to write numbers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from activecharge.files import write_atomic
from activecharge.properties import PROPERTIES

# Colours safe for colour-blind readers: Okabe and Ito, https://jfly.uni-koeln.de/color/
BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW, GREY = "#CC79A7", "#56B4E9", "#F0E442", "#6B7280"
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

_RC: Any = {
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#4B5563",
    "axes.labelcolor": "#1F2937",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E5E7EB",
    "grid.linewidth": 0.8,
    "xtick.color": "#4B5563",
    "ytick.color": "#4B5563",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.dpi": 150,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.5,
}


def draw_all(
    figures: Mapping[str, Callable[[Any, Path], bool]], subject: Any, out_dir: Path
) -> list[str]:
    """Draw figures of a subject into a folder; returns the names of those that show something.

    The others are removed: one from earlier would be taken for this subject's.
    """
    drawn = []
    for name, draw in figures.items():
        if draw(subject, out_dir / name):
            drawn.append(name)
        else:
            (out_dir / name).unlink(missing_ok=True)
    return drawn


@contextmanager
def canvas(path: Path | str, columns: int, size: tuple[float, float]) -> Iterator[Sequence[Any]]:
    """Give axes side by side and save them as a PNG, atomically.

    Parameters
    ----------
    path : path-like
    columns : int
    size : tuple of float
        Width and height in inches.

    Yields
    ------
    sequence of matplotlib axes
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_RC):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure.subplots(1, columns, squeeze=False)[0]
        # Without the name of the software, equal figures are equal files.
        write_atomic(path, lambda p: figure.savefig(p, metadata={"Software": None}))


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


def milli_unit(name: str) -> str:
    """Name the unit in which people read errors of a property, a thousandth of its own.

    Parameters
    ----------
    name : str
        Property name.

    Returns
    -------
    str
        For example "meV/Å".
    """
    return "m" + ("eV/atom" if name == "energy" else PROPERTIES[name].unit)


def milli(value: float | None) -> str:
    """Write a thousandfold value with the digits that matter.

    Parameters
    ----------
    value : float or None

    Returns
    -------
    str
        "–" for None.
    """
    if value is None:
        return "–"
    value *= 1000
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}"


def duration(seconds: float) -> str:
    """Write a time span in the unit that fits it.

    Parameters
    ----------
    seconds : float

    Returns
    -------
    str
    """
    scale, unit = time_unit(seconds)
    value = seconds / scale
    return f"{value:.{0 if value >= 10 else 1}f} {unit}"


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
