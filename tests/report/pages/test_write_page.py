"""A page is one HTML file that needs nothing else, and Markdown that says the same."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import activecharge
from activecharge.report.drawing.figure import Drawing
from activecharge.report.pages.blocks import (
    Heading,
    Link,
    Note,
    Page,
    Paragraph,
    Picture,
    Table,
)
from activecharge.report.pages.write_page import write_page

HOSTILE = "<script>alert('a|b')</script> & *c*"
TABLE = Table(
    ["name", "[me]", "coverage", "time", "file"],
    [
        ["charges [me]", "-1.5", "95 ± 3 %", "1 h 5 min", Link("a*b", "../a_b.xyz")],
        ["", "–", "100 ± 0 %", "3.2 s", Link("c", "c.xyz")],
    ],
)
PICTURE = Picture("plot.png", "A plot", "How to read it.", Drawing(b"all", (b"one", b"two")))
BLOCKS = (Heading("Errors"), Paragraph("Text."), Note("Beware."), TABLE, PICTURE)


class Parsed(HTMLParser):
    """Collects tags, with their attributes, and checks that each is closed."""

    def __init__(self, path):
        super().__init__()
        self.open, self.tags, self.text = [], [], []
        self.feed(path.read_text(encoding="utf-8"))
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text.append(data.strip())

    def of(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]


def test_the_html_needs_no_other_file(tmp_path):
    [(html, _), *_] = write_page(Page("page", "Water", BLOCKS), tmp_path, [])
    page = Parsed(html)
    start = "data:image/png;base64,"
    images = [image["src"] for image in page.of("img")]
    assert [base64.b64decode(src.removeprefix(start)) for src in images] == [b"one", b"two"]
    assert all(image["alt"].startswith("A plot, panel") for image in page.of("img"))
    places = [attrs.get("href") or attrs.get("src") for _, attrs in page.tags]
    targets = {place for place in places if place and not place.startswith("data:")}
    assert targets == {"../a_b.xyz", "c.xyz"}  # links that a reader may follow
    assert not page.of("script")


def test_numbers_stand_right_and_only_long_texts_wrap(tmp_path):
    table = Table(TABLE.header, [*TABLE.rows, ["long " * 9, "1", "–", "2 h", Link("d", "d.xyz")]])
    [(html, _), *_] = write_page(Page("page", "Water", [table]), tmp_path, [])
    kinds = [attrs.get("class") for attrs in Parsed(html).of("td")]
    numbers = ["number"] * 3
    assert kinds == [None, *numbers, None, None, *numbers, None, "long", *numbers, None]
    style = html.read_text(encoding="utf-8")
    assert re.search(r"^td \{[^}]*white-space: nowrap", style, re.M)
    assert re.search(r"^td\.long \{[^}]*white-space: normal", style, re.M)


def test_the_markdown_says_the_same(tmp_path):
    [_, (markdown, _), (png, _)] = write_page(Page("page", "Water", BLOCKS), tmp_path, [])
    assert markdown.read_text(encoding="utf-8") == (
        "# Water\n\n## Errors\n\nText.\n\n> Beware.\n\n"
        "| name | \\[me\\] | coverage | time | file |\n"
        "| --- | ---: | ---: | ---: | --- |\n"
        "| charges \\[me\\] | -1.5 | 95 ± 3 % | 1 h 5 min | [a\\*b](../a_b.xyz) |\n"
        "|  | – | 100 ± 0 % | 3.2 s | [c](c.xyz) |\n\n"
        "![A plot](plot.png)\n\nHow to read it.\n"
    )
    assert png.read_bytes() == b"all"


@pytest.mark.parametrize(
    "block",
    [
        Heading(HOSTILE),
        Paragraph(HOSTILE),
        Note(HOSTILE),
        Table([HOSTILE], [[HOSTILE], [Link(HOSTILE, "a.xyz")]]),
        Picture("plot.png", HOSTILE, HOSTILE, Drawing(b"", (b"",))),
    ],
    ids=lambda block: block.kind,
)
def test_no_text_is_taken_for_markup(tmp_path, block):
    [(html, _), (markdown, _), *_] = write_page(Page("page", HOSTILE, [block]), tmp_path, [])
    page = Parsed(html)
    assert not page.of("script") and HOSTILE in page.text
    text = markdown.read_text(encoding="utf-8")
    assert not re.search(r"(?<!\\)[<|*](script|b|c)", text)
    assert r"\<script\>alert('a\|b')\</script\> & \*c\*" in text


def test_an_empty_table_has_its_header(tmp_path):
    [_, (markdown, _)] = write_page(Page("page", "Water", [Table(["a", "b"], [])]), tmp_path, [])
    assert "| a | b |\n| --- | --- |\n" in markdown.read_text(encoding="utf-8")


def test_figures_of_an_earlier_page_are_removed(tmp_path):
    for name in ("old.png", "plot.png", "other.png"):
        (tmp_path / name).write_bytes(b"earlier")
    written = write_page(Page("page", "Water", BLOCKS), tmp_path, ["old.png", "plot.png"])
    assert {path.name for path, _ in written} == {"page.html", "page.md", "plot.png"}
    assert {path.name for path in tmp_path.glob("*.png")} == {"plot.png", "other.png"}


def test_templates_are_part_of_the_package():
    """Every file beside the code is named by what a wheel takes along."""
    tomllib = pytest.importorskip("tomllib", reason="of Python 3.11")
    package = Path(activecharge.__file__).parent
    settings = tomllib.loads((package.parent / "pyproject.toml").read_text(encoding="utf-8"))
    taken = {
        path
        for name, patterns in settings["tool"]["setuptools"]["package-data"].items()
        for pattern in patterns
        for path in package.parent.joinpath(*name.split(".")).glob(pattern)
    }
    others = {p for p in package.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")}
    assert others == taken and len(taken) == 3
