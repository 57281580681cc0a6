"""What could not be labelled, and why."""

from activecharge.report.campaign.campaign_summary import CampaignSummary
from activecharge.report.pages.blocks import Block, Heading, Link, Paragraph, Table

TITLE = "What could not be labelled"

_MOST_SHOWN = 20


def quarantine_blocks(summary: CampaignSummary) -> list[Block]:
    """Write the section of the report, the newest rounds first; empty where all got labels.

    Links are relative to the folder `report` of the run directory.

    Parameters
    ----------
    summary : CampaignSummary

    Returns
    -------
    list of Block
    """
    found = [(str(r.index), frame) for r in reversed(summary.rounds) for frame in r.quarantined]
    found += [("test set", frame) for frame in summary.test_quarantined]
    if not found:
        return []
    rows: list[list[str | Link]] = [
        [
            number,
            Link(frame.hash[:12], f"../quarantine/{frame.hash}.extxyz"),
            frame.formula,
            frame.source,
            frame.reason,
        ]
        for number, frame in found[:_MOST_SHOWN]
    ]
    blocks: list[Block] = [
        Heading(TITLE),
        Table(["round", "configuration", "formula", "source", "reason"], rows),
    ]
    if more := len(found) - len(rows):
        blocks.append(
            Paragraph(f"{more} more are in the folder `quarantine` of the run directory.")
        )
    return blocks
