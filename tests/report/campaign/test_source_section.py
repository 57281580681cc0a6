"""The report's section on what each source found."""

from dataclasses import replace

from activecharge.records import SourceTally
from activecharge.report.campaign.campaign_summary import QuarantinedFrame, RoundSummary
from activecharge.report.campaign.source_section import TITLE, source_blocks
from activecharge.report.pages.blocks import Table

CLUSTERS = SourceTally("clusters", 40, 0.91, 1.2, chosen=2, control=1)
BIASED = SourceTally("dynamics, biased", 40, 2.5, 3.0, chosen=7, control=1)
UNKNOWN = replace(CLUSTERS, distance=None, far=None, chosen=1)
FAILED = QuarantinedFrame("00", "H2O", "clusters", "no convergence")

ROUNDS = (
    RoundSummary(0, labels=10),
    RoundSummary(1, labels=20, sources=(CLUSTERS, BIASED)),
    RoundSummary(2, labels=30, sources=(UNKNOWN,), quarantined=(FAILED,)),
)


def test_rounds_and_totals():
    heading, *blocks = source_blocks(ROUNDS)
    assert heading.text == TITLE
    rounds, totals = (block.rows for block in blocks if isinstance(block, Table))
    assert rounds == [
        ["1", "clusters", "40", "0.91", "1.20", "2", "1", "0"],
        ["", "dynamics, biased", "40", "2.50", "3.00", "7", "1", "0"],
        ["2", "clusters", "40", "–", "–", "1", "1", "1"],
    ]
    assert totals == [
        ["clusters", "80", "3", "3.8", "2", "1"],
        ["dynamics, biased", "40", "7", "17.5", "1", "0"],
    ]


def test_a_campaign_without_exploration_has_no_section():
    assert source_blocks([]) == [] == source_blocks(ROUNDS[:1])
