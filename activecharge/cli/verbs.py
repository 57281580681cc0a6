"""Commands on plain files: label, train, predict, evaluate, select, pack."""

from pathlib import Path
from typing import Annotated

import typer

from activecharge.cli.common import AsJson, CommitteeDir, Device, Frames, Out, Seed, Workers, show
from activecharge.errors import UserError
from activecharge.files import check_destination, check_not_input


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
    from activecharge.campaign.settings.arguments import parse_reference
    from activecharge.campaign.settings.reading import load_campaign
    from activecharge.campaign.standalone import label_frames
    from activecharge.reference.reference_options import GateOptions

    check_not_input(out, config)
    if config:
        campaign = load_campaign(config)
        options, gates = campaign.reference, campaign.gates
    else:
        options = parse_reference(reference, method, settings or ())
        gates = GateOptions()
    found = label_frames.label(frames, out, options, gates, workers, quiet=False)
    for failure in found.failures:
        typer.echo(f"no label for {failure.candidate.origin['frame']}: {failure.reason}")
    if not found.labels:
        raise UserError(f"{frames}: not one of its frames could be labelled; see above")
    without = len(found.failures)
    typer.echo(f"{out}: {len(found.labels)} labels, {without} configurations without")


def train(
    data: Annotated[Path, typer.Argument(help="Labelled extxyz file.", metavar="DATA")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.", file_okay=False)],
    coupling: Annotated[
        str, typer.Option(help="independent, global, local or dipolar.")
    ] = "independent",
    members: Annotated[int, typer.Option(help="Models in the committee.", min=1)] = 4,
    steps: Annotated[int | None, typer.Option(help="Optimizer steps a member.", min=1)] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Further setting, as model.charges=latent or training.batch_size=4."
        ),
    ] = None,
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
    from activecharge.campaign.settings.arguments import parse_training
    from activecharge.campaign.settings.reading import load_campaign
    from activecharge.campaign.standalone import train_committee

    if config:
        campaign = load_campaign(config)
        model, training = campaign.model, campaign.training
    else:
        model, training = parse_training(coupling, members, steps, settings or ())
    data_ = train_committee.train(data, out, model, training, workers, seed, quiet=False)
    typer.echo(f"{out}: {training.models_text} trained on {len(data_.train)} labels")


def predict(
    committee: CommitteeDir,
    frames: Frames,
    out: Out,
    device: Device = "cpu",
) -> None:
    """Predict energies, forces, charges and Born effective charges, each with its spread.

    Example: `activecharge predict runs/water_clusters frames.xyz -o predicted.xyz`
    """
    from activecharge.campaign.standalone import ask_committee

    predictions = ask_committee.predict(committee, frames, out, device)
    typer.echo(f"{out}: {len(predictions)} frames")


def evaluate(
    committee: CommitteeDir,
    labelled: Annotated[Path, typer.Argument(help="Labelled extxyz file.", metavar="LABELLED")],
    as_json: AsJson = False,
    device: Device = "cpu",
) -> None:
    """Print MAE and RMSE of every labelled property, also by element.

    Example: `activecharge evaluate runs/water_clusters test.xyz --json`
    """
    from activecharge.campaign.standalone import ask_committee
    from activecharge.report.error_table import error_table
    from activecharge.report.metrics import errors_to_json

    found = ask_committee.evaluate(committee, labelled, device)
    show(errors_to_json(found), error_table(found), as_json)


def select(
    committee: CommitteeDir,
    pool: Annotated[Path, typer.Argument(help="extxyz file.", metavar="POOL")],
    out: Out,
    n: Annotated[
        int | None, typer.Option("-n", help="How many to select at most; default 20.", min=1)
    ] = None,
    control: Annotated[
        float | None, typer.Option(help="Share drawn at random; default 0.2.", min=0, max=1)
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(help="How, but for that share: top, logdet (default), farthest or random."),
    ] = None,
    seed: Seed = 0,
) -> None:
    """Select the frames of a pool that are most worth labelling.

    Example: `activecharge select runs/water_clusters pool.xyz -n 50 -o selected.xyz`
    """
    from collections import Counter

    from activecharge.campaign.settings.arguments import parse_selection
    from activecharge.campaign.standalone import ask_committee

    options = parse_selection(batch=n, control=control, strategy=strategy)
    choices = ask_committee.select(committee, pool, out, options, seed)
    counts = Counter(choice.why for choice in choices)
    typer.echo(f"{out}: {', '.join(f'{count} {why}' for why, count in counts.items())}")


def pack(
    committee: CommitteeDir,
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write.", dir_okay=False)],
) -> None:
    """Pack a committee into one file, to share.

    Every command that takes a committee takes that file. Reading it runs no code.

    Example: `activecharge pack runs/water_clusters -o water.acx`
    """
    check_destination(out)
    from activecharge.committee.committee import Committee

    found = Committee.load(committee)
    found.pack(out)
    members = "1 network" if len(found) == 1 else f"{len(found)} members"
    typer.echo(f"{out}: {members}, {out.stat().st_size / 1e6:.1f} MB")
