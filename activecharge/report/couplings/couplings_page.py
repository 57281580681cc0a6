"""The page of a comparison of couplings: what each is worth and what it costs."""

from collections.abc import Sequence
from pathlib import Path

from activecharge.files import write_text
from activecharge.properties import PROPERTIES
from activecharge.report.couplings.comparison import COMPARED, Comparison, Screening
from activecharge.report.couplings.couplings_cost import cost_table
from activecharge.report.couplings.couplings_figures import FIGURES
from activecharge.report.couplings.over_seeds import SchemeErrors
from activecharge.report.pages.blocks import (
    Block,
    Heading,
    Page,
    Paragraph,
    Table,
    picture,
)
from activecharge.report.pages.write_page import to_markdown, write_page
from activecharge.texts import milli, milli_unit


def write_comparison(comparison: Comparison, out_dir: Path | str) -> list[tuple[Path, str]]:
    """Write `couplings.html`, one file with its figures, `couplings.md`, and `table.md`.

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
    page = Page("couplings", f"Couplings compared: {comparison.name}", _blocks(comparison))
    tables = [block for block in page.blocks if isinstance(block, Heading | Table)]
    table = to_markdown(page.title, _with_content(tables))
    written = write_page(page, out_dir, [figure.file for figure in FIGURES])
    return [*written, (write_text(out_dir / "table.md", table), "its tables alone")]


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


def _blocks(comparison: Comparison) -> list[Block]:
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
    for figure in FIGURES:
        if shown := picture(figure, comparison):
            blocks += [Heading(figure.title), *shown]
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


def _error_cells(error: SchemeErrors | None) -> list[str]:
    if error is None:
        return ["–"] * 4
    r2 = error.r2.mean
    return [
        milli(error.mae.mean),
        milli(error.mae.std),
        milli(error.rmse.mean),
        "–" if r2 is None else f"{r2:.4f}",
    ]


def _with_spread(error: SchemeErrors | None) -> str:
    if error is None:
        return "–"
    mean, std = error.mae.mean, error.mae.std
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
