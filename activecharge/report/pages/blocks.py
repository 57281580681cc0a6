"""The parts of a page, whatever it is written as."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from activecharge.report.drawing.figure import Drawing, Figure, Subject

_NUMBER = re.compile(r"–|[-−]?\d[\d.,]*( ± \d+ %| (s|min|h|d)( \d+ (s|min|h))?)?|nan|inf")


@dataclass(frozen=True)
class Heading:
    """A section's title."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    kind: ClassVar[str] = "paragraph"
    text: str


@dataclass(frozen=True)
class Note:
    """A text that readers must not miss."""

    kind: ClassVar[str] = "note"
    text: str


@dataclass(frozen=True)
class Link:
    """A table's cell that leads to a file, whose place is relative to the page."""

    text: str
    target: str


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header; columns of numbers are aligned to the right.

    Attributes
    ----------
    header : sequence of str
    rows : sequence of sequence of (str or Link)
    """

    kind: ClassVar[str] = "table"
    header: Sequence[str]
    rows: Sequence[Sequence[str | Link]]

    @property
    def numeric(self) -> list[bool]:
        """Which columns hold nothing but numbers, times and dashes."""
        return [
            all(isinstance(cell, str) and _NUMBER.fullmatch(cell) for cell in column)
            for column in zip(*self.rows, strict=True)
        ] or [False] * len(self.header)


@dataclass(frozen=True)
class Picture:
    """A figure, its title, and the sentence that says how to read it.

    Attributes
    ----------
    file, title, reading : str
        As in `activecharge.report.drawing.figure.Figure`.
    drawing : Drawing
    """

    kind: ClassVar[str] = "picture"
    file: str
    title: str
    reading: str
    drawing: Drawing


Block = Heading | Paragraph | Note | Table | Picture


@dataclass(frozen=True)
class Page:
    """What is to be written.

    Attributes
    ----------
    name : str
        Of its files, without their endings.
    title : str
    blocks : sequence of Block
    """

    name: str
    title: str
    blocks: Sequence[Block]

    @property
    def pictures(self) -> list[Picture]:
        """Its figures, in order."""
        return [block for block in self.blocks if isinstance(block, Picture)]


def picture(figure: Figure[Subject], subject: Subject, more: str = "") -> list[Block]:
    """Show a figure of a subject.

    Parameters
    ----------
    figure : Figure
    subject : what the figure is of
    more : str, optional
        A sentence to add to how it is read.

    Returns
    -------
    list of Block
        What is said in its place where there is nothing to show; empty if that is nothing.
    """
    drawing = figure.draw(subject)
    if drawing is None:
        return [Paragraph(figure.missing)] if figure.missing else []
    reading = f"{figure.reading} {more}".rstrip()
    return [Picture(figure.file, figure.title, reading, drawing)]
