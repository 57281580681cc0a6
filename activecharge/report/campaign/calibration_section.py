"""Does the error bar mean what it says? Tables and a figure from judged calibrations."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from activecharge.properties import PROPERTIES
from activecharge.records import Coverage, Reliability
from activecharge.report.campaign.campaign_summary import CalibrationRecord
from activecharge.report.drawing.axes import solid_legend
from activecharge.report.drawing.figure import Figure, Panel
from activecharge.report.drawing.style import GREY, element_colours
from activecharge.report.pages.blocks import Block, Heading, Paragraph, Table, picture
from activecharge.texts import milli, milli_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "Does the error bar mean what it says?"

_FOLLOWED = ("charges", "bec")
_LEVELS = (0.5, 0.8, 0.9, 0.95)
_ALL = "all"

_HOW = (
    "Expected errors are spreads calibrated on labels that were predicted before training on "
    "them; bounds at 50 to 95 % rest on the randomly drawn control labels alone. Each round's "
    "control labels are judged by the calibration made before they were known. Coverage is the "
    "share of atoms whose error kept within the bound, averaged over frames, ± its standard "
    "error; – stands where there are too few frames to claim it (9 for 90 %, 19 for 95 %, in the "
    "calibration and among the labels that judge it)."
)
_READING = (
    "Share of atoms whose error kept within a bound, against the share that was promised; on the "
    "dashed line they agree, above it the bounds are too wide, below it too narrow. Control "
    "labels of all rounds; dotted: the last committee on the fixed test set."
)


def calibration_blocks(record: CalibrationRecord) -> list[Block]:
    """Write the section of the report.

    Parameters
    ----------
    record : CalibrationRecord

    Returns
    -------
    list of Block
    """
    if not record.control and not record.test:
        text = (
            f"Nothing to judge yet: {record.blind} labels were predicted before training on them. "
            "It takes one round with such labels to calibrate, and control labels or a test set "
            "after that."
        )
        return [Heading(TITLE), Paragraph(text)]
    blocks: list[Block] = [Heading(TITLE), Paragraph(_HOW)]
    rounds = [
        [str(number) if row is shown[0] else "", *_cells(row, element=False)]
        for number, rows in record.rounds.items()
        if (shown := _followed(rows))
        for row in shown
    ]
    if rounds:
        blocks.append(Table(["round", *_header(element=False)], rounds))
    for rows, words in (
        (record.control, "Control labels, all rounds:"),
        (record.test, "Fixed test set:"),
    ):
        if rows:
            table = Table(_header(element=True), [_cells(row, element=True) for row in rows])
            blocks += [Paragraph(words), table]
    return [*blocks, *picture(FIGURE, record)]


def _curves(record: CalibrationRecord) -> list[Panel]:
    """Observed against promised coverage of q and Z, by element."""
    curves = [
        (kind, row)
        for kind, rows in (("control", record.control), ("test", record.test))
        for row in rows
        if row.property in _FOLLOWED and row.element != _ALL and row.coverage
    ]
    colours = element_colours([row.element for _, row in curves])

    def panel(name: str) -> Panel:
        def draw(axis: "Axes") -> None:
            axis.plot([0, 100], [0, 100], color=GREY, lw=1, ls="--", zorder=0)
            for kind, row in curves:
                if row.property == name:
                    axis.plot(
                        [100 * level for level in row.coverage],
                        [100 * found.share for found in row.coverage.values()],
                        ls="-" if kind == "control" else ":",
                        color=colours[row.element],
                        label=f"{row.element}, {kind}",
                    )
            axis.set(title=f"bounds on {PROPERTIES[name].symbol}", aspect="equal")
            axis.set(xlabel="promised coverage [%]", ylabel="observed coverage [%]")
            axis.set(xlim=(0, 100), ylim=(0, 102))
            solid_legend(axis, loc="lower right")

        return draw

    return [panel(n) for n in _FOLLOWED if any(row.property == n for _, row in curves)]


FIGURE: Figure[CalibrationRecord] = Figure(
    file="calibration.png", title=TITLE, reading=_READING, panels=_curves, size=(4.4, 4.2)
)


def _followed(rows: Sequence[Reliability]) -> list[Reliability]:
    """Of a round's rows, those of all elements' q and Z together."""
    found = {row.property: row for row in rows}  # the last row of a property is of all elements
    return [found[name] for name in _FOLLOWED if name in found]


def _header(element: bool) -> list[str]:
    start = ["property", *(["element"] if element else []), "frames", "entries"]
    # A space that does not break keeps the sign beside its number.
    levels = [f"{100 * level:.0f}\N{NO-BREAK SPACE}%" for level in _LEVELS]
    return [*start, *levels, "area", "Spearman", "expected", "observed"]


def _cells(row: Reliability, element: bool) -> list[str]:
    start = [f"{row.property} [{milli_unit(row.property)}]"]
    return [
        *start,
        *([row.element or "–"] if element else []),
        str(row.frames),
        str(row.entries),
        *(_coverage(row.coverage.get(level)) for level in _LEVELS),
        "–" if row.area is None else f"{row.area:.3f}",
        "–" if row.spearman is None else f"{row.spearman:.2f}",
        milli(row.expected),
        milli(row.observed),
    ]


def _coverage(found: Coverage | None) -> str:
    return "–" if found is None else f"{100 * found.share:.0f} ± {100 * found.error:.0f} %"
