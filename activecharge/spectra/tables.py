"""Numbers with half-widths, for terminals and files."""

from collections.abc import Sequence

import numpy as np

from activecharge.spectra.error_bars import Uncertain

SOURCES = ("members", "forces", "statistics", "together")
"""Of error bars, in the order in which they are told."""

_MOST_DIGITS = 6
"""Of a number, however small its half-width."""


def with_bar(value: float, width: float, digits: int = 2) -> str:
    """Write "1595 ± 12", as far as the half-width has `digits` digits; "–" for no number."""
    if not np.isfinite(value):
        return "–"
    if not np.isfinite(width):
        return f"{value:.4g}"
    decimals = min(_decimals(width, digits), _decimals(value, _MOST_DIGITS))
    if decimals > 6 or abs(value) >= 1e7:
        return f"{value:.3e} ± {width:.1e}"
    shown = max(decimals, 0)
    return f"{round(value, decimals):.{shown}f} ± {round(width, decimals):.{shown}f}"


def _decimals(value: float, digits: int) -> int:
    """Decimals that show so many digits of a value; of 0, any number will do."""
    return digits - 1 - int(np.floor(np.log10(abs(value)))) if value else digits - 1


def bar(number: Uncertain) -> str:
    """Write a single number with the half-width of its range."""
    return with_bar(float(number.value), float(number.together))


def plain(number: Uncertain) -> dict[str, list[float] | float]:
    """A number or many, as data: value and half-widths by source."""
    return {"value": number.value.tolist()} | {
        source: getattr(number, source).tolist() for source in SOURCES
    }


def table_text(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of plain text, the first column to the left and the others to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD)
    for place, head in enumerate(heads):
        # Units stand in square brackets, which are no marks of style.
        table.add_column(Text(head), justify="right" if place else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(width=160, color_system=None)
    with console.capture() as caught:
        console.print(table)
    lines = [line.rstrip() for line in caught.get().splitlines()]
    return "\n".join([title, *filter(None, lines)])


def csv_text(columns: dict[str, np.ndarray]) -> str:
    """Columns of equal length as CSV with 7 digits; empty where there is no number."""
    names = ",".join(columns)
    rows = zip(*columns.values(), strict=True)
    lines = [",".join("" if np.isnan(x) else f"{x:.7g}" for x in row) for row in rows]
    return "\n".join([names, *lines]) + "\n"
