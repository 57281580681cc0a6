"""The page of a comparison of couplings: tables and figures, as HTML and as Markdown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from activecharge.files import write_text
from activecharge.properties import PROPERTIES
from activecharge.report.couplings.comparison import COMPARED, Comparison, Screening
from activecharge.report.couplings.couplings_cost import cost_table
from activecharge.report.couplings.couplings_figures import FIGURES
from activecharge.report.drawing.render import (
    Block,
    Heading,
    Paragraph,
    Picture,
    Table,
    to_html,
    to_markdown,
)
from activecharge.report.drawing.style import draw_all, milli, milli_unit

_TITLES = {
    "errors.png": "Errors",
    "sizes.png": "Errors by size",
    "screening.png": "Screening factors",
    "parity_charges.png": "Static charges against the reference",
    "parity_bec.png": "Born effective charges against the reference",
    "cost.png": "Cost",
}

_READING = {
    "errors.png": "Mean absolute error on held-out frames, free clusters and periodic boxes "
    "apart: the mean over seeds, and bars of one standard deviation.",
    "sizes.png": "Mean absolute error against the number of molecules of a free cluster, "
    "averaged over seeds; the markers on the right are the periodic boxes.",
    "screening.png": "Screening factors by cluster size and in bulk, all seeds together: boxes "
    "hold the middle half, whiskers reach from the 5th to the 95th percentile. Lines are factors "
    "that all atoms share.",
    "parity_charges.png": "Each dot is one atom of a held-out frame; on the dashed line "
    "prediction and reference agree. The first seed of each scheme.",
    "parity_bec.png": "Each dot is one component of one atom's tensor in a held-out frame; on "
    "the dashed line prediction and reference agree. The first seed of each scheme.",
    "cost.png": "Wall time of one prediction of energy, forces, charges and Born effective "
    "charges of a box of water, the same relative to the scheme that is listed first, and of "
    "one training step: the shortest of several, the schemes taking turns in one process.",
}


def write_comparison(comparison: Comparison, out_dir: Path | str) -> list[tuple[Path, str]]:
    """Draw all figures and write `couplings.html`, `couplings.md`, `table.md`.

    Parameters
    ----------
    comparison : Comparison
    out_dir : path-like
        Made if need be; a figure with nothing to show is removed.

    Returns
    -------
    list of (pathlib.Path, str)
        Each file with one line on what it is, the page first.
    """
    out_dir = Path(out_dir)
    drawn = draw_all(FIGURES, comparison, out_dir)
    title, blocks = f"Couplings compared: {comparison.name}", _blocks(comparison, drawn)
    tables = [block for block in blocks if isinstance(block, Heading | Table)]
    return [
        (write_text(out_dir / "couplings.html", to_html(title, blocks)), "page for a browser"),
        (write_text(out_dir / "couplings.md", to_markdown(title, blocks)), "page as Markdown"),
        (write_text(out_dir / "table.md", to_markdown(title, _with_content(tables))), "tables"),
        *((out_dir / name, _TITLES[name]) for name in drawn),
    ]


def comparison_text(comparison: Comparison) -> str:
    """Mean absolute errors of all schemes, for a terminal."""
    lines = []
    for group, found in comparison.errors.items():
        names = [name for name in COMPARED if any(name in errors for errors in found.values())]
        units = [f"{PROPERTIES[name].symbol} [{milli_unit(name)}]" for name in names]
        lines.append(f"  {group:<14}" + "".join(f"{unit:>16}" for unit in units))
        for scheme, errors in found.items():
            cells = [_with_spread(errors.get(name)) for name in names]
            lines.append(f"    {scheme:<12}" + "".join(f"{cell:>16}" for cell in cells))
    return "\n".join(lines)


def _blocks(comparison: Comparison, drawn: Sequence[str]) -> list[Block]:
    blocks: list[Block] = [Paragraph(_opening(comparison))]
    blocks.append(Table(["scheme", "what it is"], [list(row) for row in comparison.notes.items()]))
    blocks += [Heading("Errors by property"), _errors(comparison)]
    blocks.append(
        Paragraph(
            "Errors on held-out frames: the mean over seeds, ± one standard deviation. "
            "R² is over all components; below 0 a constant would do better."
        )
    )
    blocks += _screening(comparison)
    blocks += _rescaled(comparison)
    if comparison.predicting or comparison.training:
        blocks += [Heading("Time per step"), cost_table(comparison)]
    for name in drawn:
        blocks += [Heading(_TITLES[name]), Picture(name, _TITLES[name], _READING[name])]
    versions = [[package, version] for package, version in comparison.versions.items()]
    return [*blocks, Heading("Versions"), Table(["package", "version"], versions)]


def _with_content(blocks: Sequence[Block]) -> list[Block]:
    """Drop headings that no table follows."""
    after = [*blocks[1:], None]
    return [
        block
        for block, following in zip(blocks, after, strict=True)
        if isinstance(block, Table) or isinstance(following, Table)
    ]


def _opening(comparison: Comparison) -> str:
    learnt = " and ".join(f"{count} {kind}" for kind, count in comparison.counts.items())
    judged = " and ".join(f"{len(i)} {group}" for group, i in comparison.groups.items())
    seeds = max(len(comparison.of(scheme)) for scheme in comparison.schemes)
    return (
        f"{len(comparison.schemes)} schemes, each trained {seeds} times, on the same labels of "
        f"{comparison.reference} ({learnt}) with the same seeds, and judged by {judged} that "
        "none of them has seen."
    )


def _errors(comparison: Comparison) -> Table:
    header = ["property", "scheme"]
    for group in comparison.errors:
        header += [f"{group} MAE", "±", "RMSE", "R²"]
    rows = []
    for name in COMPARED:
        for scheme in comparison.schemes:
            row = [f"{PROPERTIES[name].symbol} [{milli_unit(name)}]", scheme]
            for found in comparison.errors.values():
                row += _error_cells(found[scheme].get(name))
            rows.append(row)
    return Table(header, rows)


def _error_cells(error: dict[str, Any] | None) -> list[str]:
    if error is None:
        return ["–"] * 4
    r2 = error["r2"]["mean"]
    return [
        milli(error["mae"]["mean"]),
        milli(error["mae"]["std"]),
        milli(error["rmse"]["mean"]),
        "–" if r2 is None else f"{r2:.4f}",
    ]


def _with_spread(error: dict[str, Any] | None) -> str:
    if error is None:
        return "–"
    mean, std = error["mae"]["mean"], error["mae"]["std"]
    return milli(mean) + ("" if std is None else f" ± {milli(std)}")


def _screening(comparison: Comparison) -> list[Block]:
    blocks: list[Block] = []
    if found := list(comparison.screening()):
        blocks.append(_factors(found))
    if shared := comparison.shared_factors:
        text = ", ".join(f"{_short(value)} ({scheme})" for scheme, value in shared.items())
        blocks.append(Paragraph(f"Factors that all atoms share, averaged over seeds: {text}."))
    return [Heading("Screening factors by size"), *blocks] if blocks else []


def _factors(found: Sequence[Screening]) -> Table:
    columns = list(dict.fromkeys((s.scheme, s.element) for s in found))
    cells = {(s.scheme, s.element, s.molecules): s.factors for s in found}
    rows = []
    for size in dict.fromkeys(s.molecules for s in found):
        row = ["bulk" if size is None else f"{size} molecule{'s' if size > 1 else ''}"]
        for column in columns:
            factors = cells.get((*column, size))
            if factors is None:
                row += ["–", "–"]
            else:
                row += [_short(factors.mean()), _short(factors.std())]
        rows.append(row)
    header = [text for scheme, element in columns for text in (f"γ of {element}, {scheme}", "±")]
    return Table(["frames", *header], rows)


def _rescaled(comparison: Comparison) -> list[Block]:
    rows = []
    for scheme in comparison.schemes:
        row = [scheme]
        for group in comparison.groups:
            found = comparison.rescaled(scheme, group)
            row += ["–", "–"] if found is None else [_short(found[0]), milli(found[1])]
        rows.append(row)
    if all(cell == "–" for row in rows for cell in row[1:]):
        return []
    header = ["scheme"]
    for group in comparison.groups:
        header += [f"factor, {group}", f"MAE [{milli_unit('bec')}]"]
    return [
        Heading("What one more factor would do"),
        Table(header, rows),
        Paragraph(
            "The factor that would best bring each scheme's Z to the reference's, and the error "
            "that would be left. Where clusters and bulk ask for different factors, one factor "
            "for both cannot serve."
        ),
    ]


def _short(value: float) -> str:
    return f"{value:.3f}"
