"""Arguments that commands share, and how they print."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

CampaignFile = Annotated[
    Path,
    typer.Argument(
        help="Campaign YAML file, or one that comes with the program: smoke, water_clusters, "
        "compare_couplings.",
        metavar="FILE",
    ),
]
RunDir = Annotated[Path, typer.Argument(help="Run directory of a campaign.", metavar="DIR")]
NewRunDir = Annotated[
    Path | None, typer.Option(help="Run directory; default `runs/<name>`.", metavar="DIR")
]
Address = Annotated[
    str | None,
    typer.Option(help="Ray cluster to use instead of `cluster.address`: auto, or host:port."),
]
CommitteeDir = Annotated[
    Path, typer.Argument(help="Folder of a committee, or a run directory.", metavar="COMMITTEE")
]
Frames = Annotated[Path, typer.Argument(help="extxyz file.", metavar="FRAMES")]
Out = Annotated[Path, typer.Option("-o", "--out", help="File to write.", dir_okay=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Workers = Annotated[int, typer.Option(help="Parallel workers, one CPU each.", min=1)]
Device = Annotated[str, typer.Option(help="torch device: cpu, cuda, cuda:1 ...")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.", min=0)]


def show(data: Any, text: str, as_json: bool) -> None:
    """Print a result, for people or for programs."""
    from activecharge.strict_json import strict

    typer.echo(json.dumps(strict(data), indent=1, ensure_ascii=False) if as_json else text)


def show_files(files: list[tuple[Path, str]]) -> None:
    """Print which files were written, and what they are."""
    for path, meaning in files:
        typer.echo(f"{path}  {meaning}")
