"""The report's section on calibrated errors."""

import pytest
from PIL import Image

from activecharge.report.campaign.calibration_section import FIGURE, TITLE
from activecharge.report.campaign.page import write_report
from activecharge.report.campaign.summary import CampaignSummary


def make_row(name="bec", element="O", frames=30, claimed=("0.5", "0.8", "0.9", "0.95"), **other):
    levels = [float(level) for level in claimed]
    return {
        "property": name,
        "element": element,
        "frames": frames,
        "entries": 3 * frames,
        "expected": 0.0123,
        "observed": 0.0234,
        "spearman": 0.567,
        "curve": [[level, min(1.0, level + 0.02)] for level in levels],
        "coverage": {c: {"share": x, "error": 0.03} for c, x in zip(claimed, levels, strict=True)},
        "area": 0.021,
    } | other


def make_record(**other):
    rows = [make_row(n, e) for n in ("charges", "bec", "energy") for e in ("H", "O", "all")]
    few = [make_row(element="all", frames=5, claimed=("0.5", "0.8"), area=None, spearman=None)]
    return {"blind": 40, "rounds": {2: few, 3: rows}, "control": rows, "test": []} | other


def report(folder, record):
    """The page of a campaign that has nothing else to show."""
    write_report(CampaignSummary("water", "tblite", "local", 4, calibration=record), folder)
    return (folder / "report.md").read_text(encoding="utf-8")


def test_coverage_stands_in_tables_and_a_figure(tmp_path):
    text = report(tmp_path, make_record())
    assert f"## {TITLE}" in text
    assert "| 2 | bec [me] | 5 | 15 | 50 ± 3 % | 80 ± 3 % | – | – | – | – | 12.3 | 23.4 |" in (
        text.replace("\\", "")
    )
    shown = "95 ± 3 % | 0.021 | 0.57 | 12.3 | 23.4 |"
    assert f"| 3 | charges [me] | 30 | 90 | 50 ± 3 % | 80 ± 3 % | 90 ± 3 % | {shown}" in (
        text.replace("\\", "")
    )
    # Per round q and Z of all elements; of all rounds every property and element.
    assert text.count("0.021") == 2 + 9
    assert "Control labels, all rounds:" in text and "Fixed test set:" not in text
    with Image.open(tmp_path / FIGURE) as image:
        assert image.convert("L").getextrema()[0] < 100


def test_the_report_is_reproducible(tmp_path):
    for folder in ("a", "b"):
        report(tmp_path / folder, make_record(test=[make_row(element="H")]))
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_a_test_set_alone_is_shown(tmp_path):
    record = make_record(rounds={}, control=[], test=[make_row()])
    assert "Fixed test set:" in report(tmp_path, record)
    assert (tmp_path / FIGURE).exists()


def test_nothing_to_judge_yet_is_said(tmp_path):
    (tmp_path / FIGURE).write_bytes(b"from an earlier run")
    record = {"blind": 7, "rounds": {}, "control": [], "test": []}
    assert "Nothing to judge yet: 7 labels" in report(tmp_path, record)
    assert not (tmp_path / FIGURE).exists()


def test_a_campaign_without_committee_has_no_section(tmp_path):
    assert TITLE not in report(tmp_path, {})


@pytest.mark.parametrize("claimed", [(), ("0.5",)])
def test_few_labels_claim_little(tmp_path, claimed):
    rows = [make_row(frames=1, claimed=claimed, area=None)]
    record = make_record(rounds={2: rows}, control=rows)
    assert "| – |" in report(tmp_path, record)
    assert (tmp_path / FIGURE).exists() == bool(claimed)
