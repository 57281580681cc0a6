"""The report's section on what each source found."""

from activecharge.report.campaign.page import write_report
from activecharge.report.campaign.source_section import TITLE, source_blocks
from activecharge.report.campaign.summary import CampaignSummary, RoundSummary


def row(source, distance, chosen, **other):
    return {
        "source": source,
        "candidates": 40,
        "distance": distance,
        "far": distance,
        "chosen": chosen,
        "control": 1,
        "failed": 0,
    } | other


ROUNDS = (
    RoundSummary(0, labels=10),
    RoundSummary(1, labels=20, sources=(row("clusters", 0.91, 2), row("dynamics, biased", 2.5, 7))),
    RoundSummary(2, labels=30, sources=(row("clusters", None, 1, failed=1),)),
)


def test_rounds_and_totals(tmp_path, make_summary):
    chosen = make_summary(1).rounds[0].chosen
    rounds = (RoundSummary(0, labels=10, chosen=chosen), *ROUNDS[1:])
    write_report(CampaignSummary("water", "tblite", "local", 4, rounds), tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert f"## {TITLE}" in text
    assert "| 1 | clusters | 40 | 0.91 | 0.91 | 2 | 1 | 0 |" in text
    assert "|  | dynamics, biased | 40 | 2.50 | 2.50 | 7 | 1 | 0 |" in text
    assert "| 2 | clusters | 40 | – | – | 1 | 1 | 1 |" in text
    assert "| clusters | 80 | 3 | 3.8 | 2 | 1 |" in text
    assert "| dynamics, biased | 40 | 7 | 17.5 | 1 | 0 |" in text


def test_a_campaign_without_exploration_has_no_section():
    assert source_blocks([]) == [] == source_blocks(ROUNDS[:1])
