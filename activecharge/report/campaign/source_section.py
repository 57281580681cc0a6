"""Which source found what was not known: a table of distances and labels, round by round.

Works on the dictionaries of `RoundSummary.sources`, see there.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from activecharge.report.campaign.summary import RoundSummary
from activecharge.report.drawing.render import Block, Heading, Paragraph, Table

TITLE = "What each source found"

_COUNTS = ("candidates", "chosen", "control", "failed")

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
    rows = [(r.index, row) for r in rounds for row in r.sources]
    if not rows:
        return []
    header = ["round", "source", "candidates", "distance, median", "90th percentile"]
    header += ["labels earned", "control", "failed"]
    table = [
        [
            str(number) if row is _first(rows, number) else "",
            row["source"],
            str(row["candidates"]),
            _distance(row["distance"]),
            _distance(row["far"]),
            *(str(row[key]) for key in _COUNTS[1:]),
        ]
        for number, row in rows
    ]
    names = dict.fromkeys(row["source"] for _, row in rows)
    totals = [_total(name, [row for _, row in rows if row["source"] == name]) for name in names]
    return [
        Heading(TITLE),
        Paragraph(_READING),
        Table(header, table),
        Paragraph("All rounds:"),
        Table(
            ["source", "candidates", "labels earned", "per 100 candidates", "control", "failed"],
            totals,
        ),
    ]


def _first(rows: Sequence[tuple[int, Mapping[str, Any]]], number: int) -> Mapping[str, Any]:
    return next(row for index, row in rows if index == number)


def _total(name: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    candidates, chosen, control, failed = (sum(row[key] for row in rows) for key in _COUNTS)
    share = f"{100 * chosen / candidates:.1f}" if candidates else "–"
    return [name, str(candidates), str(chosen), share, str(control), str(failed)]


def _distance(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
