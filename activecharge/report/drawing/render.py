"""The parts of a page, written as HTML or as Markdown."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Heading:
    """A section's title."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of text under a header; columns of numbers are aligned to the right.

    Attributes
    ----------
    header : sequence of str
    rows : sequence of sequence of str
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """An image beside the page, its title, and the sentence that says how to read it."""

    file: str
    title: str
    caption: str


Block = Heading | Paragraph | Table | Picture

_STYLE = """
body { font: 16px/1.55 system-ui, sans-serif; color: #1f2937; background: #fff;
       max-width: 62rem; margin: 2.5rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.8rem; line-height: 1.2; margin-bottom: .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin-top: 2.6rem; padding-bottom: .25rem;
     border-bottom: 1px solid #e5e7eb; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .8rem; text-align: left; border-bottom: 1px solid #e5e7eb;
         vertical-align: bottom; }
th { color: #4b5563; font-weight: 600; border-bottom: 2px solid #9ca3af; }
.number { text-align: right; }
td.number { white-space: nowrap; }
tbody tr:hover { background: #f3f4f6; }
figure { margin: 2rem 0; }
img { max-width: 100%; height: auto; }
figcaption { color: #4b5563; font-size: .92rem; max-width: 48rem; }
@media print { body { margin: 0; max-width: none; } figure { break-inside: avoid; } }
"""

_NUMBER = re.compile(r"–|[-−]?\d[\d.,]*( (s|min|h))?")


def to_html(title: str, blocks: Iterable[Block]) -> str:
    """Write a page as one HTML document without scripts.

    Parameters
    ----------
    title : str
    blocks : iterable of Block

    Returns
    -------
    str
    """
    body = "\n".join(_html(block) for block in blocks)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def to_markdown(title: str, blocks: Iterable[Block]) -> str:
    """Write a page as Markdown.

    Parameters
    ----------
    title : str
    blocks : iterable of Block

    Returns
    -------
    str
    """
    return "\n\n".join([f"# {_marked(title)}", *(_markdown(block) for block in blocks)]) + "\n"


def _html(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h2>{escape(block.text)}</h2>"
    if isinstance(block, Paragraph):
        return f"<p>{escape(block.text)}</p>"
    if isinstance(block, Picture):
        return (
            f'<figure><img src="{escape(block.file)}" alt="{escape(block.title)}">'
            f"<figcaption>{escape(block.caption)}</figcaption></figure>"
        )
    head = _row("th", block.header, block)
    rows = "\n".join(f"<tr>{_row('td', row, block)}</tr>" for row in block.rows)
    return (
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>"
    )


def _row(tag: str, cells: Sequence[str], table: Table) -> str:
    kinds = [' class="number"' if numeric else "" for numeric in _numeric(table)]
    return "".join(
        f"<{tag}{kind}>{escape(cell)}</{tag}>" for kind, cell in zip(kinds, cells, strict=True)
    )


def _numeric(table: Table) -> list[bool]:
    return [all(map(_NUMBER.fullmatch, column)) for column in zip(*table.rows, strict=True)]


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"## {_marked(block.text)}"
    if isinstance(block, Paragraph):
        return _marked(block.text)
    if isinstance(block, Picture):
        return f"![{_marked(block.title)}]({block.file})\n\n{_marked(block.caption)}"
    head, *body = [[_marked(cell) for cell in row] for row in [block.header, *block.rows]]
    rule = ["---:" if numeric else "---" for numeric in _numeric(block)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *body])


def _marked(text: str) -> str:
    """Escape what Markdown, or HTML inside it, would take for markup."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))
