"""A spectrum as table, CSV, JSON and PNG."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from activecharge.files import write_atomic, write_json, write_text
from activecharge.report.drawing.figure import Figure, Panel
from activecharge.report.drawing.style import BLUE, GREEN, GREY, INK, VERMILLION
from activecharge.spectra.error_bars import NOMINAL, Uncertain
from activecharge.spectra.marks import MARKS
from activecharge.spectra.spectra_options import Marks
from activecharge.spectra.spectrum_records import Spectrum
from activecharge.spectra.tables import bar, csv_text, plain, table_text
from activecharge.strict_json import strict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARK_COLOURS: dict[Marks, str] = {"liquid": VERMILLION, "gas": GREEN}


def write_spectrum(
    spectrum: Spectrum, folder: Path | str, marks: Sequence[Marks] = ()
) -> list[tuple[Path, str]]:
    """Write spectrum.csv, spectrum.json and spectrum.png; give their names and meanings."""
    folder = Path(folder)
    drawing = figure(marks).draw(spectrum)
    assert drawing is not None  # there is always a panel
    image = drawing.together
    return [
        (write_text(folder / "spectrum.csv", csv_text(columns(spectrum))), "the curves"),
        (
            write_json(folder / "spectrum.json", strict(spectrum_data(spectrum))),
            "peaks, areas, curves, how they were made",
        ),
        (
            write_atomic(folder / "spectrum.png", lambda path: path.write_bytes(image)),
            "the figure",
        ),
    ]


def columns(spectrum: Spectrum) -> dict[str, np.ndarray]:
    """Curves by name, with the unit in it, and half-widths by source."""
    name = "n_alpha_per_cm" if spectrum.periodic else "cross_section_A2"
    found = {"wavenumber_per_cm": spectrum.wavenumber} | _curve(name, spectrum.absorption)
    if spectrum.susceptibility is not None:
        found |= _curve("chi2", spectrum.susceptibility)
    return found


def _curve(name: str, curve: Uncertain) -> dict[str, np.ndarray]:
    return {
        name: curve.value,
        f"{name}_90_members": curve.members,
        f"{name}_90_forces": curve.forces,
        f"{name}_90_statistics": curve.statistics,
        f"{name}_90": curve.together,
    }


def spectrum_data(spectrum: Spectrum) -> dict:
    """All of a spectrum as JSON-able data, units beside."""
    return {
        "kind": "cell" if spectrum.periodic else "cluster",
        "formula": spectrum.formula,
        "nominal_coverage": NOMINAL,
        "units": {
            "wavenumber": "cm⁻¹",
            "absorption": spectrum.unit,
            "area": spectrum.area_unit,
            "temperature": "K",
            "volume": "Å³",
            "length": "ps",
        },
        "temperature": spectrum.temperature,
        "volume": spectrum.volume,
        "members": list(spectrum.members),
        "trajectories": spectrum.trajectories,
        "length": spectrum.length,
        "units_of_statistics": spectrum.units,
        "lowest": spectrum.lowest,
        "options": spectrum.options.model_dump(mode="json"),
        "notes": list(spectrum.notes),
        "peaks": [
            {"centre": plain(p.centre), "height": plain(p.height), "width": plain(p.width)}
            for p in spectrum.peaks
        ],
        "areas": [
            {"low": area.low, "high": area.high, **plain(area.value)} for area in spectrum.areas
        ],
        "permittivity": spectrum.permittivity and plain(spectrum.permittivity),
        "curves": {name: values.tolist() for name, values in columns(spectrum).items()},
    }


def spectrum_text(spectrum: Spectrum) -> str:
    """Tables of peaks and areas, with what to know of them."""
    peaks = [[bar(p.centre), bar(p.height), bar(p.width)] for p in spectrum.peaks]
    areas = [
        [f"{a.low:.0f} to {a.high:.0f}", bar(a.value), *map(_half, _parts(a.value))]
        for a in spectrum.areas
    ]
    height = "nα" if spectrum.periodic else "cross section"
    heads = ["centre [cm⁻¹]", f"{height} [{spectrum.unit}]", "width [cm⁻¹]"]
    sources = ["Z's spread", "forces", "statistics"]
    lines = [_made_of(spectrum)]
    if peaks:
        lines.append(table_text("peaks", heads, peaks))
    if areas:
        names = ["from [cm⁻¹]", f"area [{spectrum.area_unit}]", *sources]
        lines.append(table_text("bands", names, areas))
    if spectrum.permittivity is not None:
        lines.append(
            f"motions above {spectrum.lowest:.0f} cm⁻¹ add {bar(spectrum.permittivity)} to ε"
        )
    return "\n".join([*lines, *(f"note: {note}" for note in spectrum.notes)])


def _parts(number: Uncertain) -> list[float]:
    return [float(number.members), float(number.forces), float(number.statistics)]


def _half(width: float) -> str:
    return f"± {width:.2g}" if np.isfinite(width) else "–"


def _made_of(spectrum: Spectrum) -> str:
    count = spectrum.trajectories
    return (
        f"{spectrum.formula}: {count} {'trajectory' if count == 1 else 'trajectories'}, "
        f"{spectrum.length:.3g} ps together, {spectrum.temperature:.0f} K, resolution "
        f"{spectrum.resolution:g} cm⁻¹; ± are nominal 90 % ranges"
    )


def figure(marks: Sequence[Marks] = ()) -> Figure[Spectrum]:
    """The figure of a spectrum: absorption, and of cells χ″."""

    def panels(spectrum: Spectrum) -> list[Panel]:
        name = "n(ω)α(ω) [cm⁻¹]" if spectrum.periodic else "cross section [Å²]"
        chosen: list[Marks] = [m for m in marks if m != "liquid" or not spectrum.periodic]
        drawn = [_panel(spectrum, spectrum.absorption, name, "absorption", chosen)]
        if spectrum.susceptibility is not None:
            chi: list[Marks] = [m for m in marks if m != "absorption"]
            drawn.append(_panel(spectrum, spectrum.susceptibility, "χ″(ω)", "response", chi))
        return drawn

    return Figure(
        file="spectrum.png",
        title="Infrared spectrum",
        reading="The line is that of the members' mean, the band its nominal 90 % range.",
        panels=panels,
        size=(5.6, 3.6),
        legend=True,
    )


def _panel(
    spectrum: Spectrum, curve: Uncertain, ylabel: str, title: str, marks: Sequence[Marks]
) -> Panel:
    shown = spectrum.wavenumber >= (spectrum.lowest if title == "response" else 0.0)
    x, y = spectrum.wavenumber[shown], curve.value[shown]

    def draw(axis: "Axes") -> None:
        layers = (("statistics", GREY, 0.45), ("together", BLUE, 0.25))
        for source, colour, strength in reversed(layers):
            width = np.nan_to_num(getattr(curve, source)[shown])
            words = "all known sources, 90 %" if source == "together" else "statistics alone"
            if width.any():
                low = np.maximum(y - width, 0.0)
                axis.fill_between(
                    x, low, y + width, color=colour, alpha=strength, lw=0, label=words
                )
        axis.plot(x, y, color=INK, lw=1.2, label="committee")
        for name in marks:
            for place, wavenumber in enumerate(MARKS[name].wavenumbers):
                words = MARKS[name].words if place == 0 else "_"
                axis.axvline(wavenumber, color=_MARK_COLOURS[name], lw=1, ls="--", label=words)
        axis.set(title=title, xlabel="wavenumber [cm⁻¹]", ylabel=ylabel)
        axis.set(xlim=(0, spectrum.wavenumber[-1]), ylim=(0, None))

    return draw
