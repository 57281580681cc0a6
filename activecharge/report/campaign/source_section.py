"""Which source found what was not known: a table of distances and labels, round by round."""

from collections.abc import Sequence
from dataclasses import dataclass

from activecharge.records import SourceTally
from activecharge.report.campaign.campaign_summary import RoundSummary
from activecharge.report.pages.blocks import Block, Heading, Paragraph, Table

TITLE = "What each source found"

_READING = (
    "Distance is that of a candidate to the nearest configuration known before the round, in the "
    "committee's descriptors, in units of the median distance between nearest neighbours among "
    "the known: near 1 a source repeats the kind of thing that is known, far above it finds "
    "something else. Labels earned are those chosen for their worth; control labels are drawn at "
    "random from all sources, as many as a source's candidates would have by chance."
)


def source_blocks(rounds: Sequence[RoundSummary]) -> list[Block]:
    """Write the section of the report; empty where no round had candidates.

    Parameters
    ----------
    rounds : sequence of RoundSummary

    Returns
    -------
    list of Block
    """
    rows = [
        _Row(
            number=r.index if tally is r.sources[0] else None,
            tally=tally,
            failed=sum(frame.source == tally.source for frame in r.quarantined),
        )
        for r in rounds
        for tally in r.sources
    ]
    if not rows:
        return []
    names = dict.fromkeys(row.tally.source for row in rows)
    totals = [_total(name, [row for row in rows if row.tally.source == name]) for name in names]
    header = ["round", "source", "candidates", "distance, median", "90th percentile"]
    return [
        Heading(TITLE),
        Paragraph(_READING),
        Table([*header, "labels earned", "control", "failed"], [row.cells() for row in rows]),
        Paragraph("All rounds:"),
        Table(
            ["source", "candidates", "labels earned", "per 100 candidates", "control", "failed"],
            totals,
        ),
    ]


@dataclass(frozen=True)
class _Row:
    """A source in a round; the round's number only where it is its first."""

    number: int | None
    tally: SourceTally
    failed: int

    def cells(self) -> list[str]:
        found = self.tally
        return [
            "" if self.number is None else str(self.number),
            found.source,
            str(found.candidates),
            _distance(found.distance),
            _distance(found.far),
            *map(str, (found.chosen, found.control, self.failed)),
        ]


def _total(name: str, rows: Sequence[_Row]) -> list[str]:
    candidates = sum(row.tally.candidates for row in rows)
    chosen = sum(row.tally.chosen for row in rows)
    control = sum(row.tally.control for row in rows)
    share = f"{100 * chosen / candidates:.1f}" if candidates else "–"
    failed = sum(row.failed for row in rows)
    return [name, str(candidates), str(chosen), share, str(control), str(failed)]


def _distance(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
