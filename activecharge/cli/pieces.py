"""The loop's pieces as commands on plain files: label, train, predict, evaluate, select."""

from pathlib import Path
from typing import Annotated

import typer

from activecharge.cli.common import AsJson, CommitteeDir, Device, Frames, Out, Seed, Workers, show
from activecharge.errors import UserError


def label(
    frames: Frames,
    out: Out,
    reference: Annotated[
        str, typer.Option(help="Reference code, as `reference.kind` in a campaign.")
    ] = "tblite",
    method: Annotated[
        str | None, typer.Option(help="Method, where the code offers several.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Further setting of the reference, as cutoff=400; repeatable."),
    ] = None,
    workers: Workers = 1,
    config: Annotated[
        Path | None,
        typer.Option(help="Campaign YAML whose `reference` and `gates` to use instead."),
    ] = None,
) -> None:
    """Label configurations with reference electronic structure.

    Energy, forces, charges, dipole and Born effective charges go to extxyz with REF_ keys.

    Example: `activecharge label frames.xyz -o labelled.xyz --reference tblite --method GFN2-xTB`
    """
    from activecharge.campaign.config import load_campaign, parse_reference
    from activecharge.campaign.console import Console
    from activecharge.campaign.pieces import label_file
    from activecharge.reference.reference_options import GateOptions

    console = Console()
    if config:
        campaign = load_campaign(config)
        options, gates = campaign.reference, campaign.gates
    else:
        options = parse_reference(reference, method, settings or ())
        gates = GateOptions()
    count, failures = label_file(frames, out, options, gates, workers, console)
    for failure in failures:
        console.line(f"no label for {failure.candidate.origin['frame']}: {failure.reason}")
    if not count:
        raise UserError(f"{frames}: not one of its frames could be labelled; see above")
    console.line(f"{out}: {count} labels, {len(failures)} configurations without")


def train(
    data: Annotated[Path, typer.Argument(help="Labelled extxyz file.", metavar="DATA")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.", file_okay=False)],
    coupling: Annotated[
        str, typer.Option(help="independent, global, local or dipolar.")
    ] = "independent",
    members: Annotated[int, typer.Option(help="Models in the committee.", min=2)] = 4,
    steps: Annotated[int | None, typer.Option(help="Optimizer steps a member.", min=1)] = None,
    seed: Seed = 0,
    workers: Workers = 1,
    config: Annotated[
        Path | None,
        typer.Option(help="Campaign YAML whose `model` and `training` to use instead."),
    ] = None,
) -> None:
    """Train a committee on labelled frames.

    Example: `activecharge train data.xyz -o committee --coupling local --members 4 --workers 2`
    """
    from activecharge.campaign.config import load_campaign, parse_training
    from activecharge.campaign.console import Console
    from activecharge.campaign.pieces import train_file

    if config:
        campaign = load_campaign(config)
        model, training = campaign.model, campaign.training
    else:
        model, training = parse_training(coupling, members, steps)
    count = train_file(data, out, model, training, workers, seed, Console())
    typer.echo(f"{out}: {training.models_text} trained on {count} labels")


def predict(
    committee: CommitteeDir,
    frames: Frames,
    out: Out,
    device: Device = "cpu",
) -> None:
    """Predict energies, forces, charges and Born effective charges, each with its spread.

    Example: `activecharge predict runs/water_clusters frames.xyz -o predicted.xyz`
    """
    from activecharge.campaign.pieces import predict_file

    typer.echo(f"{out}: {predict_file(committee, frames, out, device)} frames")


def evaluate(
    committee: CommitteeDir,
    labelled: Annotated[Path, typer.Argument(help="Labelled extxyz file.", metavar="LABELLED")],
    as_json: AsJson = False,
    device: Device = "cpu",
) -> None:
    """Print MAE and RMSE of every labelled property, also by element.

    Example: `activecharge evaluate runs/water_clusters test.xyz --json`
    """
    from activecharge.campaign.pieces import evaluate_file
    from activecharge.report.error_table import error_table
    from activecharge.report.metrics import errors_to_json

    found = evaluate_file(committee, labelled, device)
    show(errors_to_json(found), error_table(found), as_json)


def select(
    committee: CommitteeDir,
    pool: Annotated[Path, typer.Argument(help="extxyz file.", metavar="POOL")],
    out: Out,
    n: Annotated[int, typer.Option("-n", help="How many to select at most.", min=1)] = 20,
    control: Annotated[float, typer.Option(help="Share drawn at random.", min=0, max=1)] = 0.2,
    strategy: Annotated[
        str, typer.Option(help="How, but for that share: top, logdet, farthest or random.")
    ] = "logdet",
    seed: Seed = 0,
) -> None:
    """Select the frames of a pool that are most worth labelling.

    Example: `activecharge select runs/water_clusters pool.xyz -n 50 -o selected.xyz`
    """
    from collections import Counter

    from activecharge.campaign.config import parse_selection
    from activecharge.campaign.pieces import select_file

    options = parse_selection(n, control, strategy)
    counts = Counter(choice.why for choice in select_file(committee, pool, out, options, seed))
    typer.echo(f"{out}: {', '.join(f'{count} {why}' for why, count in counts.items())}")
