"""Does the error bar mean what it says? Tables and a figure from judged calibrations.

Works on the dictionaries of `CampaignSummary.calibration`, see there.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from activecharge.properties import PROPERTIES
from activecharge.report.drawing.axes import solid_legend
from activecharge.report.drawing.render import Block, Heading, Paragraph, Picture, Table
from activecharge.report.drawing.style import GREY, canvas, element_colours, milli, milli_unit

FIGURE = "calibration.png"
TITLE = "Does the error bar mean what it says?"

_FOLLOWED = ("charges", "bec")
_LEVELS = {"0.5": "50 %", "0.8": "80 %", "0.9": "90 %", "0.95": "95 %"}
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


def calibration_blocks(record: Mapping[str, Any], drawn: bool) -> list[Block]:
    """Write the section of the report.

    Parameters
    ----------
    record : mapping
        `CampaignSummary.calibration`.
    drawn : bool
        Whether the figure is there.

    Returns
    -------
    list of Block
    """
    blocks: list[Block] = [Heading(TITLE)]
    if not record.get("control") and not record.get("test"):
        blind = record.get("blind", 0)
        return [
            *blocks,
            Paragraph(
                f"Nothing to judge yet: {blind} labels were predicted before training on them. It "
                "takes one round with such labels to calibrate, and control labels or a test set "
                "after that."
            ),
        ]
    blocks.append(Paragraph(_HOW))
    rounds = [
        [str(number) if row is shown[0] else "", *_cells(row, element=False)]
        for number, rows in record["rounds"].items()
        if (shown := _followed(rows))
        for row in shown
    ]
    if rounds:
        blocks.append(Table(["round", *_header(element=False)], rounds))
    for kind, words in (("control", "Control labels, all rounds"), ("test", "Fixed test set")):
        if record[kind]:
            blocks.append(Paragraph(f"{words}:"))
            rows = [_cells(row, element=True) for row in record[kind]]
            blocks.append(Table(_header(element=True), rows))
    if drawn:
        blocks.append(Picture(FIGURE, TITLE, _READING))
    return blocks


def calibration_curve(record: Mapping[str, Any], path: Path) -> bool:
    """Draw observed against promised coverage of q and Z, by element.

    Parameters
    ----------
    record : mapping
        `CampaignSummary.calibration`.
    path : pathlib.Path
        The PNG.

    Returns
    -------
    bool
        Whether there was anything to draw.
    """
    curves = [
        (kind, row)
        for kind in ("control", "test")
        for row in record.get(kind, ())
        if row["property"] in _FOLLOWED and row["element"] != _ALL and row["curve"]
    ]
    shown = [name for name in _FOLLOWED if any(row["property"] == name for _, row in curves)]
    if not shown:
        return False
    colours = element_colours([row["element"] for _, row in curves])
    with canvas(path, len(shown), (0.4 + 4.4 * len(shown), 4.5)) as axes:
        for axis, name in zip(axes, shown, strict=True):
            axis.plot([0, 100], [0, 100], color=GREY, lw=1, ls="--", zorder=0)
            for kind, row in curves:
                if row["property"] != name:
                    continue
                nominal, observed = zip(*row["curve"], strict=True)
                axis.plot(
                    [100 * x for x in nominal],
                    [100 * y for y in observed],
                    ls="-" if kind == "control" else ":",
                    color=colours[row["element"]],
                    label=f"{row['element']}, {kind}",
                )
            axis.set(title=f"bounds on {PROPERTIES[name].symbol}", aspect="equal")
            axis.set(xlabel="promised coverage [%]", ylabel="observed coverage [%]")
            axis.set(xlim=(0, 100), ylim=(0, 102))
            solid_legend(axis, loc="lower right")
    return True


def _followed(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of a round's rows, those of all elements' q and Z together."""
    found = {row["property"]: row for row in rows}  # the last row of a property is of all elements
    return [found[name] for name in _FOLLOWED if name in found]


def _header(element: bool) -> list[str]:
    start = ["property", *(["element"] if element else []), "frames", "entries"]
    return [*start, *_LEVELS.values(), "area", "Spearman", "expected", "observed"]


def _cells(row: Mapping[str, Any], element: bool) -> list[str]:
    name = row["property"]
    start = [f"{name} [{milli_unit(name)}]"] + ([row["element"] or "–"] if element else [])
    return [
        *start,
        str(row["frames"]),
        str(row["entries"]),
        *(_coverage(row["coverage"].get(level)) for level in _LEVELS),
        "–" if row["area"] is None else f"{row['area']:.3f}",
        "–" if row["spearman"] is None else f"{row['spearman']:.2f}",
        milli(row["expected"]),
        milli(row["observed"]),
    ]


def _coverage(found: Mapping[str, float] | None) -> str:
    if found is None:
        return "–"
    return f"{100 * found['share']:.0f} ± {100 * found['error']:.0f} %"
