"""The report is complete, escaped, reproducible, and copes with what is missing."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from activecharge.records import Prediction
from activecharge.report.campaign.figures import FIGURES
from activecharge.report.campaign.page import write_report
from activecharge.report.campaign.summary import CampaignSummary, RoundSummary
from activecharge.report.drawing.style import duration, milli

VOID = {"meta", "img"}


class Balance(HTMLParser):
    """Collects tags and checks that each is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.images = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag == "img":
            self.images.append(dict(attrs)["src"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(folder):
    page = Balance()
    page.feed((folder / "report.html").read_text(encoding="utf-8"))
    assert page.open == []
    return page


def figures(folder):
    return {path.name for path in folder.glob("*.png")}


def test_a_whole_campaign(tmp_path, make_summary):
    summary, folder = make_summary(), tmp_path / "a"
    written = write_report(summary, folder)
    assert {path.name for path, _ in written} == {"report.html", "report.md", *FIGURES}
    assert {path for path, _ in written} == set(folder.iterdir())
    assert parsed(folder).images == list(FIGURES)
    for name in FIGURES:
        with Image.open(folder / name) as image:
            extrema = image.convert("L").getextrema()
        assert extrema[0] < 100 < 250 < extrema[1]  # dark ink on white paper

    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "10 labels in 3 rounds" in text
    assert "Stopped: the budget is spent." in text
    blind, test = summary.rounds[1].blind("control"), summary.rounds[1].test
    found = [milli(e[n]["mae"]) for e in (blind, test) for n in ("charges", "bec", "forces")]
    assert f"\n| 1 | 7 | 1 | {' | '.join(found)} | 73 s |\n" in text

    write_report(make_summary(), tmp_path / "b")
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_names_are_escaped(tmp_path, make_summary):
    hostile = "<script>alert('a|b')</script>"
    summary = replace(make_summary(1), name=hostile, stop_reason=hostile, reference=hostile)
    write_report(summary, tmp_path)
    assert "script" not in parsed(tmp_path).seen
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert not re.search(r"(?<!\\)<script", text)
    assert r"a\|b" in text


def test_nothing_yet(tmp_path):
    (tmp_path / "parity.png").write_bytes(b"from an earlier run")
    write_report(CampaignSummary("water", "tblite", "local", 4), tmp_path)
    assert figures(tmp_path) == set()
    assert "No round has finished yet." in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("rounds", "test", "missing"),
    [
        (1, True, set()),
        (1, False, {"learning_curve.png", "parity.png", "disagreement.png"}),
        (2, False, set()),
    ],
)
def test_short_campaigns(tmp_path, make_summary, rounds, test, missing):
    write_report(make_summary(rounds, test), tmp_path)
    assert figures(tmp_path) == set(FIGURES) - missing
    parsed(tmp_path)


def test_rounds_in_which_nothing_happened(tmp_path):
    rounds = tuple(RoundSummary(i, labels=0) for i in range(2))
    write_report(CampaignSummary("water", "tblite", "local", 4, rounds), tmp_path)
    assert figures(tmp_path) == set()
    assert "0 labels in 2 rounds" in (tmp_path / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("only", [("charges",), ("energy",)])
def test_missing_properties(tmp_path, make_summary, only):
    write_report(make_summary(only=only), tmp_path)
    drawn = figures(tmp_path)
    assert ("parity.png" in drawn) == (only[0] == "charges")
    assert ("learning_curve.png" in drawn) == (only[0] == "charges")


def test_a_diverged_committee_is_reported(tmp_path, make_summary):
    summary = make_summary()
    broken = []
    for pair in summary.test_pairs:
        mean = {k: np.full_like(v, np.nan) for k, v in pair.prediction.mean.items()}
        broken.append(replace(pair, prediction=Prediction(mean, pair.prediction.std, np.empty(0))))
    write_report(replace(summary, test_pairs=tuple(broken)), tmp_path)
    assert "parity.png" not in figures(tmp_path)
    assert "| nan |" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_a_committee_without_error_or_spread(tmp_path, make_summary):
    write_report(make_summary(scale=0.0), tmp_path)
    assert "parity.png" in figures(tmp_path)
    assert not {"disagreement.png", "learning_curve.png"} & figures(tmp_path)


def test_numbers_as_people_read_them():
    assert [milli(x) for x in (0.0012345, 0.012345, 0.12345, 1.2345, None)] == [
        "1.23",
        "12.3",
        "123",
        "1234",
        "–",
    ]
    assert [duration(s) for s in (3.21, 45, 600, 9000)] == ["3.2 s", "45 s", "10 min", "2.5 h"]
