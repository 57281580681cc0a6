"""The report of a campaign: what it came to, section by section."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from activecharge.properties import PROPERTIES
from activecharge.report.campaign import calibration_section as calibration
from activecharge.report.campaign.campaign_summary import CampaignSummary, RoundSummary
from activecharge.report.campaign.figures import FIGURES
from activecharge.report.campaign.quarantine_section import quarantine_blocks
from activecharge.report.campaign.source_section import source_blocks
from activecharge.report.error_table import too_little
from activecharge.report.metrics import PropertyErrors, pair_errors
from activecharge.report.pages.blocks import (
    Block,
    Heading,
    Note,
    Page,
    Paragraph,
    Table,
    picture,
)
from activecharge.report.pages.write_page import write_page
from activecharge.texts import HEADLINE, duration, milli, milli_unit, quantity

_MOST_CHOSEN = 12


def write_report(summary: CampaignSummary, out_dir: Path | str) -> list[tuple[Path, str]]:
    """Write `report.html`, one file with its figures, and `report.md` with figures beside it.

    Parameters
    ----------
    summary : CampaignSummary
    out_dir : path-like
        Made if need be; a figure with nothing to show is removed.

    Returns
    -------
    list of (pathlib.Path, str)
        Each file with one line on what it is, the page first.
    """
    page = Page("report", f"Campaign {summary.name}", _blocks(summary))
    files = [figure.file for figure in FIGURES]
    return write_page(page, Path(out_dir), [*files, calibration.FIGURE.file])


def _blocks(summary: CampaignSummary) -> list[Block]:
    pairs, honest = summary.honest_pairs()
    final = pair_errors(pairs)
    blocks: list[Block] = [Paragraph(_opening(summary, final, honest))]
    if words := too_little(summary.rounds[-1].test if summary.rounds else {}):
        blocks.append(Note(words))
    blocks += [_facts(summary), Heading("Rounds")]
    if summary.rounds:
        blocks += [_rounds(summary.rounds), Paragraph(_ROUNDS_READING)]
    else:
        blocks.append(Paragraph("No round has finished yet."))
    blocks += quarantine_blocks(summary)
    if final:
        blocks += [Heading("Errors by property and element"), _elements(final)]
        blocks.append(Paragraph(f"Errors of {honest} ({len(pairs)} configurations)."))
    for figure in FIGURES:
        shown = f"Shown: {honest}." if figure.file == "parity.png" else ""
        blocks += [Heading(figure.title), *picture(figure, summary, shown)]
        if figure.file == "disagreement.png" and summary.calibration.blind:
            blocks += calibration.calibration_blocks(summary.calibration)
        if figure.file == "selection.png" and any(r.chosen for r in summary.rounds):
            blocks += _last_chosen(summary)
            blocks += source_blocks(summary.rounds)
    versions = [[package, version] for package, version in summary.versions.items()]
    if versions:
        blocks += [Heading("Versions"), Table(["package", "version"], versions)]
    return blocks


def _opening(summary: CampaignSummary, final: Mapping[str, PropertyErrors], honest: str) -> str:
    labels = summary.rounds[-1].labels if summary.rounds else 0
    rounds = len(summary.rounds)
    text = f"{labels} labels in {rounds} round{'' if rounds == 1 else 's'}"
    seconds = sum(sum(r.seconds.values()) for r in summary.rounds)
    if seconds:
        text += f" and {duration(seconds)}"
    text += f". Stopped: {summary.stop_reason.rstrip('.')}." if summary.stop_reason else "."
    errors = ", ".join(quantity(name, final[name].mae) for name in HEADLINE if name in final)
    return f"{text} Mean absolute error of {honest}: {errors}." if errors else text


def _facts(summary: CampaignSummary) -> Table:
    rows = [
        ["reference", summary.reference],
        ["coupling of Z to q", summary.coupling],
        ["committee", f"{summary.members} members" if summary.members > 1 else "one network"],
        ["run directory", summary.run_dir],
    ]
    return Table(["setting", "value"], [row for row in rows if row[1]])


_ROUNDS_READING = (
    "Labels are those in the dataset after the round. Errors are mean absolute errors: control "
    "is the committee of the round before on this round's randomly drawn labels, test is the "
    "committee trained in this round on the fixed test set."
)


def _rounds(rounds: Sequence[RoundSummary]) -> Table:
    every = [{"control": r.blind("control"), "test": r.test} for r in rounds]
    columns = [
        (kind, name)
        for kind in ("control", "test")
        for name in HEADLINE
        if any(name in errors[kind] for errors in every)
    ]
    header = ["round", "labels", "failures"]
    header += [f"{kind} {PROPERTIES[n].symbol} [{milli_unit(n)}]" for kind, n in columns]
    rows = []
    for r, errors in zip(rounds, every, strict=True):
        row = [str(r.index), str(r.labels), str(len(r.quarantined))]
        row += [_mae(errors[kind].get(name)) for kind, name in columns]
        rows.append([*row, duration(sum(r.seconds.values())) if r.seconds else "–"])
    return Table([*header, "time"], rows)


def _mae(found: PropertyErrors | None) -> str:
    return "–" if found is None else milli(found.mae)


def _elements(final: Mapping[str, PropertyErrors]) -> Table:
    rows = []
    for name, found in final.items():
        r2 = "–" if found.r2 is None else f"{found.r2:.4f}"
        numbers = [milli(found.mae), milli(found.rmse), r2, str(found.count)]
        rows.append([f"{name} [{milli_unit(name)}]", "all", *numbers])
        for element, part in found.per_element.items():
            numbers = [milli(part.mae), milli(part.rmse), "–", str(part.count)]
            rows.append(["", element, *numbers])
    return Table(["property", "element", "MAE", "RMSE", "R²", "components"], rows)


def _last_chosen(summary: CampaignSummary) -> list[Block]:
    last = [r for r in summary.rounds if r.chosen][-1]
    # The first round has no committee and so no scores.
    ranked = sorted(last.chosen, key=lambda c: -(c.score or 0.0))[:_MOST_CHOSEN]
    rows = [
        [
            chosen.hash[:12],
            chosen.formula,
            chosen.source,
            chosen.why,
            "–" if chosen.score is None else f"{chosen.score:.2f}",
            chosen.worst or "–",
            chosen.cause or "–",
        ]
        for chosen in ranked
    ]
    text = f"Chosen in round {last.index}"
    if len(ranked) < len(last.chosen):
        text += f", the first {len(ranked)} of {len(last.chosen)} by score"
    header = ["configuration", "formula", "source", "reason", "score"]
    return [Paragraph(f"{text}:"), Table([*header, "largest spread", "chosen for"], rows)]
