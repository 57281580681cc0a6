"""Commands that make spectra: of simulations, and of harmonic vibrations."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from activecharge.cli.common import AsJson, CommitteeDir, Device, show, show_files
from activecharge.errors import UserError
from activecharge.files import check_destination

if TYPE_CHECKING:
    from pydantic import BaseModel

    from activecharge.spectra.marks import Marks

Model = TypeVar("Model", bound="BaseModel")

Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Further setting, as window=blackman, blocks=4 or lowest=100; repeatable, see "
        "docs/spectra.md.",
    ),
]
MarkNames = Annotated[
    list[str] | None,
    typer.Option(help="Measured positions to draw: liquid (χ″ at 25 °C) or gas; repeatable."),
]


def spectrum(
    simulations: Annotated[
        list[Path],
        typer.Argument(
            help="Folders that `activecharge simulate` wrote, of one system.", metavar="DIR..."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Folder to write; default: the first DIR."),
    ] = None,
    resolution: Annotated[
        float | None, typer.Option(help="Width that a sharp line gets [cm⁻¹]; default 20.")
    ] = None,
    upto: Annotated[
        float | None, typer.Option(help="Highest wavenumber [cm⁻¹]; default 4500.")
    ] = None,
    correction: Annotated[
        str | None,
        typer.Option(
            help="Quantum correction: harmonic (default; also called classical), standard, "
            "schofield or mixed."
        ),
    ] = None,
    band: Annotated[
        list[str] | None,
        typer.Option(help="Range whose area is told [cm⁻¹], as 1200:2500; repeatable."),
    ] = None,
    settings: Settings = None,
    marks: MarkNames = None,
    as_json: AsJson = False,
) -> None:
    """Make the infrared spectrum of simulations, with error bars.

    Cells get n(ω)α(ω), χ″(ω) and what vibrations add to ε, clusters a cross section and km/mol.
    Writes spectrum.csv, spectrum.json and spectrum.png.

    Example: `activecharge spectrum runs/box --resolution 20 --marks liquid`
    """
    from activecharge.spectra import spectrum as work
    from activecharge.spectra.spectra_options import SpectrumOptions
    from activecharge.spectra.spectrum_files import spectrum_data, spectrum_text, write_spectrum

    given: dict[str, object] = {"resolution": resolution, "upto": upto, "correction": correction}
    given |= {"bands": [_range(item) for item in band or ()] or None, **_further(settings or [])}
    folder, chosen = out or simulations[0], _marks(marks or [])
    check_destination(folder / "spectrum.csv")
    found = work.spectrum(simulations, _options("spectrum", SpectrumOptions, given))
    files = write_spectrum(found, folder, chosen)
    show(spectrum_data(found), spectrum_text(found), as_json)
    if not as_json:
        show_files(files)


def vibrations(
    committee: CommitteeDir,
    start: Annotated[
        Path, typer.Argument(help="File with a free cluster, to be relaxed.", metavar="START")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.", file_okay=False)],
    frame: Annotated[
        int | None, typer.Option(help="Which frame of a file that holds many, from 0.", min=0)
    ] = None,
    fmax: Annotated[
        float | None, typer.Option(help="Largest force left [eV/Å]; default 1e-4.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Steps of the relaxation at most; default 1000.")
    ] = None,
    displacement: Annotated[
        float | None, typer.Option(help="Of central differences [Å]; default 0.005.")
    ] = None,
    as_json: AsJson = False,
    device: Device = "cpu",
) -> None:
    """Relax a cluster and find its harmonic modes and intensities, with the members' spread.

    Writes modes.csv, modes.json, modes.png and relaxed.extxyz.

    Example: `activecharge vibrations runs/water_clusters dimer.xyz -o dimer`
    """
    from activecharge.spectra.harmonic import vibrations as work
    from activecharge.spectra.harmonic.vibration_files import (
        vibrations_data,
        vibrations_text,
        write_vibrations,
    )
    from activecharge.spectra.spectra_options import VibrationsOptions

    given = {"fmax": fmax, "steps": steps, "displacement": displacement}
    check_destination(out / "modes.csv")
    options = _options("vibrations", VibrationsOptions, given)
    found = work.vibrations(committee, start, options, device, frame)
    files = write_vibrations(found, out)
    show(vibrations_data(found), vibrations_text(found), as_json)
    if not as_json:
        show_files(files)


def _options(kind: str, model: "type[Model]", given: Mapping[str, object]) -> "Model":
    """Settings of a command; those that are None keep their defaults."""
    from pydantic import ValidationError

    from activecharge.campaign.settings.mistakes import sentence

    try:
        return model.model_validate({k: v for k, v in given.items() if v is not None})
    except ValidationError as error:
        raise UserError(f"{kind}: {sentence(error, model)}") from error


def _further(settings: list[str]) -> dict[str, object]:
    """Settings that are given as "key=value"."""
    from activecharge.campaign.settings.arguments import read_setting

    return dict(read_setting(item, "window=blackman") for item in settings)


def _range(item: str) -> tuple[float, float]:
    """Two wavenumbers, as 1200:2500."""
    try:
        low, high = map(float, item.split(":"))
    except ValueError:
        raise UserError(
            f"--band {item}: expected two wavenumbers in cm⁻¹, such as 1200:2500"
        ) from None
    return low, high


def _marks(names: list[str]) -> "list[Marks]":
    from activecharge.spectra.marks import MARKS

    if unknown := set(names) - set(MARKS):
        raise UserError(f"--marks {min(unknown)}: there are {', '.join(MARKS)}")
    return [marks for marks in MARKS if marks in names]
