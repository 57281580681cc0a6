"""Commands that turn a committee into physics."""

from pathlib import Path
from typing import Annotated

import typer

from activecharge.cli.common import AsJson, Device, show


def simulate(
    committee: Annotated[
        Path,
        typer.Argument(
            help="Folder of a committee, or a run directory; or a YAML file with all settings.",
            metavar="COMMITTEE|FILE",
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.", file_okay=False)],
    start: Annotated[
        str | None,
        typer.Argument(
            help="extxyz, or what ASE reads; or a builder: boxes, clusters, ice.", metavar="START"
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Setting, as temperature=350 or stages.1.steps=20000; repeatable."
        ),
    ] = None,
    as_json: AsJson = False,
    device: Device = "cpu",
) -> None:
    """Run molecular dynamics with a committee: NVE, NVT, NPT, and in electric fields.

    Stopped, it goes on where it was.

    Example: `activecharge simulate runs/water_clusters hexamer.xyz -o runs/md --set temperature=10`
    """
    from activecharge.campaign.standalone.simulation_settings import simulation_settings
    from activecharge.campaign.standalone.watched_simulation import closing_words, run_watched

    options = simulation_settings(committee, start, settings or ())
    outcome = run_watched(options, out, device, quiet=as_json)
    show(
        {"folder": str(out), "ended": outcome.ended, "uncertain": outcome.uncertain},
        closing_words(out, outcome),
        as_json,
    )
