"""Vibrations as table, CSV, JSON, PNG and the relaxed frame."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from activecharge.dataset.frames import write_frames
from activecharge.files import write_atomic, write_json, write_text
from activecharge.report.drawing.figure import Figure, Panel
from activecharge.report.drawing.style import BLUE, GREY, INK, VERMILLION
from activecharge.spectra.error_bars import NOMINAL
from activecharge.spectra.harmonic.vibration_records import Vibrations
from activecharge.spectra.tables import csv_text, table_text, with_bar
from activecharge.strict_json import strict

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def write_vibrations(found: Vibrations, folder: Path | str) -> list[tuple[Path, str]]:
    """Write modes.csv, modes.json, modes.png and relaxed.extxyz; give their names and meanings."""
    folder = Path(folder)
    drawing = FIGURE.draw(found)
    assert drawing is not None  # there is always a panel
    image = drawing.together
    return [
        (write_text(folder / "modes.csv", csv_text(mode_columns(found))), "the modes"),
        (
            write_json(folder / "modes.json", strict(vibrations_data(found))),
            "modes by each member, displacements, how they were made",
        ),
        (
            write_atomic(folder / "modes.png", lambda path: path.write_bytes(image)),
            "the figure",
        ),
        (write_frames(folder / "relaxed.extxyz", [found.atoms]), "the minimum"),
    ]


def mode_columns(found: Vibrations) -> dict[str, np.ndarray]:
    """Modes by column: the mean, half-widths of nominal 90 % ranges, least overlap, members."""
    columns = {
        "mode": np.arange(1, len(found.wavenumber) + 1, dtype=float),
        "wavenumber_per_cm": found.wavenumber,
        "wavenumber_90": found.wavenumber_width,
        "intensity_km_per_mol": found.intensity,
        "intensity_90": found.intensity_width,
        "degenerate_set": found.sets + 1.0,
        "least_overlap": found.overlap.min(axis=0),
    }
    for index, (waves, strengths) in enumerate(
        zip(found.wavenumber_members, found.intensity_members, strict=True)
    ):
        columns |= {f"wavenumber_{index}": waves, f"intensity_{index}": strengths}
    return columns


def vibrations_data(found: Vibrations) -> dict:
    """All as JSON-able data, units beside."""
    return {
        "formula": found.atoms.get_chemical_formula(),
        "nominal_coverage": NOMINAL,
        "units": {
            "wavenumber": "cm⁻¹, negative where imaginary",
            "intensity": "km/mol",
            "positions": "Å",
            "vectors": "mass-weighted, of length 1",
            "largest_force": "eV/Å",
        },
        "options": found.options.model_dump(mode="json"),
        "largest_force": found.largest_force,
        "members": len(found.wavenumber_members),
        "calibration_factors": {"wavenumber": found.forces_factor, "intensity": found.bec_factor},
        "modes": {name: values.tolist() for name, values in mode_columns(found).items()},
        "symbols": found.atoms.get_chemical_symbols(),
        "masses_u": found.atoms.get_masses().tolist(),
        "positions": found.atoms.positions.tolist(),
        "vectors": found.vectors.tolist(),
    }


def vibrations_text(found: Vibrations) -> str:
    """A table of the modes, with what to know of them."""
    rows = [
        [
            f"{mode + 1}",
            _wave(found, mode),
            with_bar(found.intensity[mode], found.intensity_width[mode]),
            f"{found.overlap[:, mode].min():.2f}",
        ]
        for mode in range(len(found.wavenumber))
    ]
    heads = ["mode", "wavenumber [cm⁻¹]", "intensity [km/mol]", "overlap"]
    title = (
        f"{found.atoms.get_chemical_formula()}, harmonic; ± are nominal 90 % ranges by the spread "
        f"of {len(found.wavenumber_members)} members"
        + (", calibrated" if found.forces_factor != 1 or found.bec_factor != 1 else "")
    )
    lines = [table_text(title, heads, rows)]
    if found.imaginary:
        count = found.imaginary
        lines.append(
            f"note: {count} imaginary {'mode' if count == 1 else 'modes'} (marked i): the cluster "
            "rests on a saddle; displace it along the mode and relax again"
        )
    if len(found.wavenumber_members) < 2:
        lines.append("note: one member has no spread")
    return "\n".join(lines)


def _wave(found: Vibrations, mode: int) -> str:
    value = found.wavenumber[mode]
    text = with_bar(abs(value), found.wavenumber_width[mode])
    if value >= 0:
        return text
    return text.replace(" ±", "i ±", 1) if "±" in text else f"{text}i"


def _panels(found: Vibrations) -> list[Panel]:
    def draw(axis: "Axes") -> None:
        real = found.wavenumber >= 0
        for keep, colour, words in ((real, BLUE, "committee"), (~real, VERMILLION, "imaginary")):
            x, y = found.wavenumber[keep], found.intensity[keep]
            if not len(x):
                continue
            axis.vlines(x, 0, y, color=colour, lw=1.6)
            axis.errorbar(
                x,
                y,
                yerr=_drawn(found.intensity_width[keep]),
                xerr=_drawn(found.wavenumber_width[keep]),
                fmt="o",
                ms=3,
                color=colour,
                ecolor=GREY,
                elinewidth=0.9,
                capsize=2,
                label=f"{words}, 90 % by members",
            )
        axis.axhline(0, color=INK, lw=0.8)
        axis.set(title=found.atoms.get_chemical_formula(), xlabel="wavenumber [cm⁻¹]")
        axis.set(ylabel="intensity [km/mol]", ylim=(0, None))
        if real.all():
            axis.set(xlim=(0, None))

    return [draw]


def _drawn(width: np.ndarray) -> np.ndarray | None:
    return None if np.isnan(width).any() else width


FIGURE: Figure[Vibrations] = Figure(
    file="modes.png",
    title="Harmonic modes",
    reading="A stick a mode, with nominal 90 % ranges of wavenumber and intensity.",
    panels=_panels,
    size=(6.4, 3.6),
    legend=True,
)
