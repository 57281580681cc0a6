"""The report of a campaign: figures, and one page as HTML and as Markdown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from activecharge.files import write_text
from activecharge.properties import PROPERTIES
from activecharge.report.campaign import calibration_section as calibration
from activecharge.report.campaign.figures import FIGURES
from activecharge.report.campaign.source_section import source_blocks
from activecharge.report.campaign.summary import CampaignSummary, RoundSummary, pair_errors
from activecharge.report.drawing.render import (
    Block,
    Heading,
    Paragraph,
    Picture,
    Table,
    to_html,
    to_markdown,
)
from activecharge.report.drawing.style import draw_all, duration, milli, milli_unit

_SHOWN = ("charges", "bec", "forces")
_MOST_CHOSEN = 12

_TITLES = {
    "learning_curve.png": "Learning curves",
    "parity.png": "Predicted against reference",
    "disagreement.png": "Does the committee know how sure it is?",
    "selection.png": "What was chosen",
    "time.png": "Where the time went",
}

_READING = {
    "learning_curve.png": "Mean absolute error against the number of labels the committee was "
    "given. Control labels were drawn at random and predicted before training on them, so they "
    "and the fixed test set show how good the committee is; those chosen as uncertain were "
    "picked for being hard and should lie above.",
    "parity.png": "Each dot is one component; on the dashed line prediction and reference agree. "
    "Shown: {honest}.",
    "disagreement.png": "Each dot is an atom the committee had not seen. Where the black line, "
    "the r.m.s. error of atoms of like spread, follows the dashed line, the spread is the size "
    "of the error; above it the committee is too sure of itself, below it too cautious.",
    "selection.png": "Each round's configurations by where they came from, by why they were "
    "labelled, and by size; each dot on the right is one configuration.",
    "time.png": "Wall time of each stage of the loop, round by round.",
}

_MISSING = {
    "learning_curve.png": "No learning curve yet: it needs a test set or a second round.",
    "parity.png": "No parity plot yet: it needs a test set or blind control labels.",
    "disagreement.png": "No plot of the spread yet: it needs labels that were predicted before "
    "training on them.",
    "selection.png": "Nothing was chosen for labelling yet.",
    "time.png": "No round has finished yet.",
}


def write_report(summary: CampaignSummary, out_dir: Path | str) -> list[tuple[Path, str]]:
    """Draw all figures and write `report.html` and `report.md` beside them.

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
    out_dir = Path(out_dir)
    drawn = draw_all(FIGURES, summary, out_dir)
    curve = {calibration.FIGURE: calibration.calibration_curve}
    drawn += draw_all(curve, summary.calibration, out_dir)
    title, blocks = f"Campaign {summary.name}", _blocks(summary, drawn)
    return [
        (write_text(out_dir / "report.html", to_html(title, blocks)), "the report, for a browser"),
        (write_text(out_dir / "report.md", to_markdown(title, blocks)), "the report as Markdown"),
        *((out_dir / name, _TITLES.get(name, calibration.TITLE)) for name in drawn),
    ]


def _blocks(summary: CampaignSummary, drawn: Sequence[str]) -> list[Block]:
    honest_pairs, honest = summary.honest_pairs()
    final = pair_errors(honest_pairs)
    blocks: list[Block] = [Paragraph(_opening(summary, final, honest)), _facts(summary)]
    blocks.append(Heading("Rounds"))
    if summary.rounds:
        blocks += [_rounds(summary.rounds), Paragraph(_ROUNDS_READING)]
    else:
        blocks.append(Paragraph("No round has finished yet."))
    if final:
        blocks += [Heading("Errors by property and element"), _elements(final)]
        blocks.append(Paragraph(f"Errors of {honest} ({len(honest_pairs)} configurations)."))
    for name, title in _TITLES.items():
        blocks.append(Heading(title))
        if name in drawn:
            blocks.append(Picture(name, title, _READING[name].format(honest=honest)))
        else:
            blocks.append(Paragraph(_MISSING[name]))
        if name == "disagreement.png" and summary.calibration:
            has_curve = calibration.FIGURE in drawn
            blocks += calibration.calibration_blocks(summary.calibration, has_curve)
        if name == "selection.png" and name in drawn:
            blocks += _last_chosen(summary)
            blocks += source_blocks(summary.rounds)
    versions = [[package, version] for package, version in summary.versions.items()]
    if versions:
        blocks += [Heading("Versions"), Table(["package", "version"], versions)]
    return blocks


def _opening(summary: CampaignSummary, final: dict[str, dict[str, Any]], honest: str) -> str:
    labels = summary.rounds[-1].labels if summary.rounds else 0
    rounds = len(summary.rounds)
    text = f"{labels} labels in {rounds} round{'' if rounds == 1 else 's'}"
    seconds = sum(sum(r.seconds.values()) for r in summary.rounds)
    if seconds:
        text += f" and {duration(seconds)}"
    text += f". Stopped: {summary.stop_reason.rstrip('.')}." if summary.stop_reason else "."
    figures = [
        f"{milli(final[n]['mae'])} {milli_unit(n)} in {PROPERTIES[n].symbol}"
        for n in _SHOWN
        if n in final
    ]
    return f"{text} Mean absolute error of {honest}: {', '.join(figures)}." if figures else text


def _facts(summary: CampaignSummary) -> Table:
    rows = [
        ["reference", summary.reference],
        ["coupling of dynamic to static charges", summary.coupling],
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
    columns = [
        (kind, name)
        for kind in ("control", "test")
        for name in _SHOWN
        if any(name in _round_errors(r, kind) for r in rounds)
    ]
    header = ["round", "labels", "failures"]
    header += [f"{kind} {PROPERTIES[n].symbol} [{milli_unit(n)}]" for kind, n in columns]
    rows = []
    for r in rounds:
        row = [str(r.index), str(r.labels), str(r.failures)]
        row += [milli(_round_errors(r, kind).get(n, {}).get("mae")) for kind, n in columns]
        rows.append([*row, duration(sum(r.seconds.values())) if r.seconds else "–"])
    return Table([*header, "time"], rows)


def _round_errors(summary: RoundSummary, kind: str) -> dict[str, dict[str, Any]]:
    return summary.test if kind == "test" else summary.blind(kind)


def _elements(final: dict[str, dict[str, Any]]) -> Table:
    rows = []
    for name, entry in final.items():
        r2 = "–" if entry["r2"] is None else f"{entry['r2']:.4f}"
        numbers = [milli(entry["mae"]), milli(entry["rmse"]), r2, str(entry["count"])]
        rows.append([f"{name} [{milli_unit(name)}]", "all", *numbers])
        for element, part in entry["per_element"].items():
            numbers = [milli(part["mae"]), milli(part["rmse"]), "–", str(part["count"])]
            rows.append(["", element, *numbers])
    return Table(["property", "element", "MAE", "RMSE", "R²", "components"], rows)


def _last_chosen(summary: CampaignSummary) -> list[Block]:
    last = [r for r in summary.rounds if r.chosen][-1]
    # The first round has no committee and so no scores.
    ranked = sorted(last.chosen, key=lambda c: -(c.get("score") or 0.0))[:_MOST_CHOSEN]
    rows = [
        [
            str(chosen["hash"])[:12],
            str(chosen["formula"]),
            str(chosen["source"]),
            str(chosen["why"]),
            "–" if chosen.get("score") is None else f"{chosen['score']:.2f}",
            str(chosen.get("worst") or "–"),
            str(chosen.get("cause") or "–"),
        ]
        for chosen in ranked
    ]
    text = f"Chosen in round {last.index}"
    if len(ranked) < len(last.chosen):
        text += f", the first {len(ranked)} of {len(last.chosen)} by score"
    header = [
        "configuration",
        "formula",
        "source",
        "reason",
        "score",
        "largest spread",
        "chosen for",
    ]
    return [Paragraph(f"{text}:"), Table(header, rows)]
