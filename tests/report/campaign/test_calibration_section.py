"""The report's section on calibrated errors."""

import pytest

from activecharge.records import Coverage, Reliability
from activecharge.report.campaign.calibration_section import FIGURE, TITLE, calibration_blocks
from activecharge.report.campaign.campaign_summary import CalibrationRecord, CampaignSummary
from activecharge.report.campaign.page import write_report
from activecharge.report.pages.blocks import Paragraph, Picture, Table

ALL_LEVELS = (0.5, 0.8, 0.9, 0.95)


def make_row(name="bec", element="O", frames=30, claimed=ALL_LEVELS, area=0.021, spearman=0.567):
    return Reliability(
        property=name,
        element=element,
        frames=frames,
        entries=3 * frames,
        expected=0.0123,
        observed=0.0234,
        spearman=spearman,
        coverage={level: Coverage(level, 0.03) for level in claimed},
        area=area,
    )


EVERY = tuple(make_row(n, e) for n in ("charges", "bec", "energy") for e in ("H", "O", "all"))
FEW = make_row(element="all", frames=5, claimed=(0.5, 0.8), area=None, spearman=None)


def tables(record):
    return [block.rows for block in calibration_blocks(record) if isinstance(block, Table)]


def test_coverage_stands_in_tables_and_a_figure():
    record = CalibrationRecord(40, rounds={2: (FEW,), 3: EVERY}, control=EVERY)
    rounds, control = tables(record)
    share = ["50 ± 3 %", "80 ± 3 %", "90 ± 3 %", "95 ± 3 %"]
    numbers = ["30", "90", *share, "0.021", "0.57", "12.3", "23.4"]
    assert rounds == [
        ["2", "bec [me]", "5", "15", *share[:2], "–", "–", "–", "–", "12.3", "23.4"],
        ["3", "charges [me]", *numbers],  # of all elements together
        ["", "bec [me]", *numbers],
    ]
    assert [row[:2] for row in control[:3]] == [["charges [me]", e] for e in ("H", "O", "all")]
    assert len(control) == 9 and control[-1][0] == "energy [meV/atom]"
    *_, picture = calibration_blocks(record)
    assert isinstance(picture, Picture) and len(picture.drawing.panels) == 2  # q and Z


def test_columns_of_coverage_do_not_wrap():
    """They count as numbers, which the page keeps on one line."""
    blocks = calibration_blocks(CalibrationRecord(40, control=EVERY))
    [table] = [block for block in blocks if isinstance(block, Table)]
    assert table.numeric == [False, False, *[True] * 10]


def test_a_test_set_alone_is_shown():
    blocks = calibration_blocks(CalibrationRecord(7, test=(make_row(),)))
    assert [b.text for b in blocks if isinstance(b, Paragraph)][1:] == ["Fixed test set:"]
    assert isinstance(blocks[-1], Picture)


def test_nothing_to_judge_yet_is_said(tmp_path):
    (tmp_path / FIGURE.file).write_bytes(b"from an earlier run")
    summary = CampaignSummary("water", "tblite", "local", 4, calibration=CalibrationRecord(7))
    write_report(summary, tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert f"## {TITLE}" in text and "Nothing to judge yet: 7 labels" in text
    assert not (tmp_path / FIGURE.file).exists()


def test_a_campaign_without_blind_labels_has_no_section(tmp_path):
    write_report(CampaignSummary("water", "tblite", "local", 4), tmp_path)
    assert TITLE not in (tmp_path / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("claimed", [(), (0.5,)])
def test_few_labels_claim_little(claimed):
    rows = (make_row(frames=1, claimed=claimed, area=None),)
    record = CalibrationRecord(40, control=rows)
    shown = ["50 ± 3 %"] if claimed else ["–"]
    assert tables(record)[0][0][4:9] == [*shown, "–", "–", "–", "–"]
    assert isinstance(calibration_blocks(record)[-1], Picture) == bool(claimed)
