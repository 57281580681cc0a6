"""The report's section on what could not be labelled."""

from dataclasses import replace

from activecharge.report.campaign.campaign_summary import (
    CampaignSummary,
    QuarantinedFrame,
    RoundSummary,
)
from activecharge.report.campaign.page import write_report
from activecharge.report.campaign.quarantine_section import TITLE, quarantine_blocks

SUMMARY = CampaignSummary("water", "tblite", "local", 4)
FRAME = QuarantinedFrame("be316d0ed9c0a812f3ee3563", "H4O2", "dynamics, biased", "30.2 > 30 <eV>")


def test_each_frame_is_listed_with_its_reason_and_file(tmp_path):
    other = replace(FRAME, hash="0" * 24, source="clusters")
    rounds = (RoundSummary(0, 5), RoundSummary(1, 9, quarantined=(FRAME,)))
    folder = tmp_path / "report"
    write_report(replace(SUMMARY, rounds=rounds, test_quarantined=(other,)), folder)
    text = (folder / "report.md").read_text(encoding="utf-8")
    link = f"[{FRAME.hash[:12]}](../quarantine/{FRAME.hash}.extxyz)"
    assert f"| 1 | {link} | H4O2 | dynamics, biased | 30.2 \\> 30 \\<eV\\> |" in text
    assert "| test set | [000000000000]" in text
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert f'<a href="../quarantine/{FRAME.hash}.extxyz">{FRAME.hash[:12]}</a>' in html
    assert "30.2 &gt; 30 &lt;eV&gt;" in html


def test_of_many_the_newest_are_shown_and_the_rest_counted():
    rounds = tuple(RoundSummary(n, 5, quarantined=(FRAME,) * 15) for n in range(2))
    heading, table, more = quarantine_blocks(replace(SUMMARY, rounds=rounds))
    assert heading.text == TITLE
    assert [row[0] for row in table.rows] == ["1"] * 15 + ["0"] * 5
    assert more.text.startswith("10 more are in the folder `quarantine`")


def test_without_failures_there_is_no_section():
    assert quarantine_blocks(replace(SUMMARY, rounds=(RoundSummary(0, 5),))) == []
