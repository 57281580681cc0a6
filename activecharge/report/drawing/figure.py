"""Figures made of panels: all side by side in one PNG, and each alone for a page."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from activecharge.report.drawing.style import RC

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Panel = Callable[["Axes"], None]
"""Draws on axes that are its own."""

Subject = TypeVar("Subject")

_MOST_COLUMNS = 3
"""More panels than this in a row are too small to read."""

_DPI = 192
"""Two pixels of a usual screen: sharp on a telephone and on paper."""

_COLOURS = 128
"""Enough for lines and shades of dots; files are a third of those in full colour."""


@dataclass(frozen=True)
class Figure(Generic[Subject]):
    """What a figure shows, and how to read it.

    Attributes
    ----------
    file : str
        Name of its PNG.
    title, reading : str
        Its heading, and how to read it.
    panels : callable
        Takes the subject and gives the panels that it has something to show in.
    missing : str
        What is said where there are none.
    size : tuple of float
        Width and height of a panel in inches.
    legend : bool
        Whether each panel has its legend below; others see to theirs.
    """

    file: str
    title: str
    reading: str
    panels: Callable[[Subject], Sequence[Panel]]
    missing: str = ""
    size: tuple[float, float] = (3.8, 3.5)
    legend: bool = False

    def draw(self, subject: Subject) -> "Drawing | None":
        """Draw the figure of a subject; None where there is nothing to show."""
        images = [_image(panel, self.size, self.legend) for panel in self.panels(subject)]
        if not images:
            return None
        alone = tuple(map(_png, images))
        return Drawing(_png(_side_by_side(images)) if len(images) > 1 else alone[0], alone)


@dataclass(frozen=True)
class Drawing:
    """A figure as PNG: equal figures are equal bytes.

    Attributes
    ----------
    together : bytes
        All panels, at most three in a row.
    panels : tuple of bytes
        Each panel alone.
    """

    together: bytes
    panels: tuple[bytes, ...]


def _image(panel: Panel, size: tuple[float, float], legend: bool) -> np.ndarray:
    """A panel as colours (H, W, 3) of pixels."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Sheet

    with matplotlib.rc_context(RC):
        sheet = Sheet(figsize=size, dpi=_DPI, layout="constrained")
        canvas = FigureCanvasAgg(sheet)
        axis = sheet.subplots()
        panel(axis)
        handles, words = axis.get_legend_handles_labels()
        if legend and words:
            # A letter takes about 0.075 inches, the sample of the line and the gaps half an inch.
            columns = int(size[0] / (0.5 + 0.075 * max(map(len, words))))
            sheet.legend(handles, words, loc="outside lower center", ncols=max(1, columns))
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3]


def _side_by_side(images: Sequence[np.ndarray]) -> np.ndarray:
    """Images of one size in rows of equal length, the last of which may end in white."""
    columns = 2 if len(images) == 4 else min(len(images), _MOST_COLUMNS)
    spare = [np.full_like(images[0], 255)] * (-len(images) % columns)
    filled = [*images, *spare]
    rows = [np.hstack(filled[i : i + columns]) for i in range(0, len(filled), columns)]
    return np.vstack(rows)


def _png(image: np.ndarray) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    few = Image.fromarray(image).quantize(_COLOURS, dither=Image.Dither.NONE)
    few.save(file, "PNG", optimize=True)
    return file.getvalue()
