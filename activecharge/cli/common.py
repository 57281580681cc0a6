"""Arguments that commands share, and how they print."""

import json
from pathlib import Path
from typing import Annotated

import typer

from activecharge.errors import UserError
from activecharge.files import check_destination

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
    Path,
    typer.Argument(
        help="Folder of a committee, a run directory, or a packed file.", metavar="COMMITTEE"
    ),
]
Frames = Annotated[
    Path, typer.Argument(help="extxyz, a DeePMD folder, or what ASE reads.", metavar="FRAMES")
]


def _extxyz_out(path: Path) -> Path:
    """Refuse, before the work, a name that cannot be written or that says another format."""
    check_destination(path)
    if path.suffix.lower() in _NOT_EXTXYZ:
        raise UserError(
            f"{path}: extxyz is what is written; name the file .xyz or .extxyz, with .gz behind "
            "it to have it compressed."
        )
    return path


_NOT_EXTXYZ = {".traj", ".db", ".json", ".cif", ".pdb", ".npy", ".npz", ".h5", ".hdf5", ".zip"}
"""Names by which this program and others would take extxyz for something else."""

Out = Annotated[
    Path,
    typer.Option(
        "-o",
        "--out",
        help="File to write, as .gz compressed.",
        dir_okay=False,
        callback=_extxyz_out,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Workers = Annotated[int, typer.Option(help="Parallel workers, one CPU each.", min=1)]
Device = Annotated[str, typer.Option(help="torch device: cpu, cuda, cuda:1 ...")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.", min=0)]


def show(data: object, text: str, as_json: bool) -> None:
    """Print a result, for people or for programs."""
    from activecharge.strict_json import strict

    typer.echo(json.dumps(strict(data), indent=1, ensure_ascii=False) if as_json else text)


def show_files(files: list[tuple[Path, str]]) -> None:
    """Print which files were written, and what they are."""
    for path, meaning in files:
        typer.echo(f"{path}  {meaning}")
