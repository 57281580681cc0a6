"""Write a page: HTML in one file with its figures, and Markdown with them beside it."""

import base64
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from activecharge.files import write_atomic, write_text
from activecharge.report.pages.blocks import Block, Page

if TYPE_CHECKING:
    from jinja2 import Environment


def write_page(page: Page, folder: Path, figures: Iterable[str]) -> list[tuple[Path, str]]:
    """Write `<name>.html`, which can be mailed, and `<name>.md` with its figures beside it.

    Parameters
    ----------
    page : Page
    folder : pathlib.Path
        Made if need be.
    figures : iterable of str
        Files of all figures that such a page may have. Those that this one has not are removed:
        one from earlier would be taken for its own.

    Returns
    -------
    list of (pathlib.Path, str)
        Each file with one line on what it is, the HTML first.
    """
    html = write_text(folder / f"{page.name}.html", to_html(page))
    markdown = write_text(folder / f"{page.name}.md", to_markdown(page.title, page.blocks))
    drawn = {picture.file: picture for picture in page.pictures}
    for name, picture in drawn.items():
        write_atomic(folder / name, partial(Path.write_bytes, data=picture.drawing.together))
    for name in set(figures) - drawn.keys():
        (folder / name).unlink(missing_ok=True)
    return [
        (html, "the page in one file, for a browser or to be mailed"),
        (markdown, "the same as Markdown, with the figures beside it"),
        *((folder / name, picture.title) for name, picture in drawn.items()),
    ]


def to_html(page: Page) -> str:
    """Write a page as one HTML document with its figures in it and without scripts."""
    return _html().get_template("page.html.jinja").render(page=page)


def to_markdown(title: str, blocks: Sequence[Block]) -> str:
    """Write blocks as Markdown, which looks for its figures beside it."""
    return _markdown().get_template("page.md.jinja").render(title=title, blocks=blocks)


@cache
def _html() -> "Environment":
    found = _environment(autoescape=True)
    found.filters["base64"] = lambda content: base64.b64encode(content).decode()
    return found


@cache
def _markdown() -> "Environment":
    return _environment(autoescape=False, finalize=_marked)


def _environment(autoescape: bool, finalize: Callable[[str], str] | None = None) -> "Environment":
    """The templates beside this module; what is not there is an error, not an empty text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(__package__),
        autoescape=autoescape,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _marked(text: str) -> str:
    """Escape what Markdown, or HTML inside it, would take for markup, unless it is called safe."""
    if hasattr(text, "__html__"):
        return text
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))
