"""The command line. Everything heavy is imported by the command that needs it."""

import json
import os
import signal
from pathlib import Path
from typing import Annotated, Any

import typer

from activecharge.campaign.exits import INTERRUPTED, exits
from activecharge.errors import UserError

app = typer.Typer(
    help="Active learning of static and dynamic charges of water.\n\n"
    "Start with `activecharge run campaigns/water_clusters.yaml`.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

CampaignFile = Annotated[Path, typer.Argument(help="Campaign YAML file.", metavar="FILE")]
RunDir = Annotated[Path, typer.Argument(help="Run directory of a campaign.", metavar="DIR")]
CommitteeDir = Annotated[
    Path, typer.Argument(help="Folder of a committee, or a run directory.", metavar="COMMITTEE")
]
Out = Annotated[Path, typer.Option("-o", "--out", help="File to write.", dir_okay=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Workers = Annotated[int, typer.Option(help="Parallel workers, one CPU each.", min=1)]
Device = Annotated[str, typer.Option(help="torch device: cpu, cuda, cuda:1 ...")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.", min=0)]


@app.command()
def validate(file: CampaignFile, as_json: AsJson = False) -> None:
    """Check a campaign file and print it with every default written out.

    Example: `activecharge validate campaigns/water_clusters.yaml`
    """
    from activecharge.campaign.config import dump_campaign, load_campaign
    from activecharge.campaign.precheck import check_sources

    campaign = load_campaign(file)
    check_sources(campaign)
    _print(campaign.model_dump(mode="json"), dump_campaign(campaign).rstrip(), as_json)


@app.command()
def run(
    file: CampaignFile,
    run_dir: Annotated[
        Path | None, typer.Option(help="Run directory; default `runs/<name>`.", metavar="DIR")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a campaign, or resume it where an earlier run of it stopped.

    Example: `activecharge run campaigns/water_clusters.yaml --run-dir runs/first`
    """
    from activecharge.campaign.config import load_campaign
    from activecharge.campaign.launch import launch

    campaign = load_campaign(file)
    directory = run_dir or Path("runs") / campaign.name
    with exits(directory):
        facts, text = launch(campaign, directory, quiet=as_json)
    _print(facts, text, as_json)


@app.command()
def status(directory: RunDir, as_json: AsJson = False) -> None:
    """Tell where a campaign stands.

    Example: `activecharge status runs/water_clusters`
    """
    from activecharge.campaign.rundir import RunDirectory
    from activecharge.campaign.status import status, status_text

    facts = status(RunDirectory.open(directory))
    _print(facts, status_text(facts), as_json)


@app.command()
def export(directory: RunDir, out: Out = Path("data.xyz")) -> None:
    """Write a campaign's labels as extxyz, split by split, with a manifest of checksums.

    Example: `activecharge export runs/water_clusters -o data.xyz`
    """
    from activecharge.campaign.rundir import RunDirectory
    from activecharge.campaign.stages import export_dataset

    _wrote(export_dataset(RunDirectory.open(directory), out))


@app.command()
def report(directory: RunDir) -> None:
    """Write a campaign's report again: HTML, Markdown and figures.

    Example: `activecharge report runs/water_clusters`
    """
    from activecharge.campaign.rundir import RunDirectory
    from activecharge.campaign.status import status
    from activecharge.campaign.summary import campaign_summary
    from activecharge.report.page import write_report

    directory_ = RunDirectory.open(directory)
    summary = campaign_summary(directory_, status(directory_)["stop_reason"])
    _wrote(write_report(summary, directory_.report))


@app.command()
def label(
    frames: Annotated[Path, typer.Argument(help="extxyz file.", metavar="FRAMES")],
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
    from activecharge.reference.options import GateOptions

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


@app.command()
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


@app.command()
def predict(
    committee: CommitteeDir,
    frames: Annotated[Path, typer.Argument(help="extxyz file.", metavar="FRAMES")],
    out: Out,
    device: Device = "cpu",
) -> None:
    """Predict energies, forces, charges and Born effective charges, each with its spread.

    Example: `activecharge predict runs/water_clusters frames.xyz -o predicted.xyz`
    """
    from activecharge.campaign.pieces import predict_file

    typer.echo(f"{out}: {predict_file(committee, frames, out, device)} frames")


@app.command()
def evaluate(
    committee: CommitteeDir,
    labelled: Annotated[Path, typer.Argument(help="Labelled extxyz file.", metavar="LABELLED")],
    as_json: AsJson = False,
    device: Device = "cpu",
) -> None:
    """Print MAE and RMSE of every labelled property, also by element.

    Example: `activecharge evaluate runs/water_clusters test.xyz --json`
    """
    from activecharge.campaign.console import error_table
    from activecharge.campaign.pieces import evaluate_file

    found = evaluate_file(committee, labelled, device)
    _print(found, error_table(found), as_json)


@app.command()
def select(
    committee: CommitteeDir,
    pool: Annotated[Path, typer.Argument(help="extxyz file.", metavar="POOL")],
    out: Out,
    n: Annotated[int, typer.Option("-n", help="How many to select at most.", min=1)] = 20,
    control: Annotated[float, typer.Option(help="Share drawn at random.", min=0, max=1)] = 0.2,
    seed: Seed = 0,
) -> None:
    """Select the frames of a pool that are most worth labelling.

    Example: `activecharge select runs/water_clusters pool.xyz -n 50 -o selected.xyz`
    """
    from activecharge.campaign.pieces import select_file
    from activecharge.committee.options import SelectionOptions

    options = SelectionOptions(batch=n, control=control)
    choices = select_file(committee, pool, out, options, seed)
    counts = {why: sum(c.why == why for c in choices) for why in ("uncertain", "control")}
    typer.echo(f"{out}: {counts['uncertain']} uncertain and {counts['control']} control frames")


@app.command("import")
def import_(
    data: Annotated[Path, typer.Argument(help="extxyz, or what ASE reads.", metavar="DATA")],
    out: Out,
    config: Annotated[
        Path | None, typer.Option(help="YAML file with the settings of docs/import.md.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="Name in the file, as energy=dft_energy; repeatable.")
    ] = None,
    unit: Annotated[
        list[str] | None, typer.Option(help="Unit in the file, as energy=hartree; repeatable.")
    ] = None,
    order: Annotated[
        str | None,
        typer.Option(help="Index order of Born effective charges: pol_disp, disp_pol, detect."),
    ] = None,
    bec_file: Annotated[
        Path | None, typer.Option(help="VASP OUTCAR or CP2K APT file with Born effective charges.")
    ] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(help="File that should share no frame with DATA; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take in labelled data of other programs.

    The index order of Born effective charges is given or told from the data, never guessed.

    Example: `activecharge import theirs.xyz -o ours.xyz --key bec=apt --unit energy=hartree`
    """
    from activecharge.campaign.intake import bring, import_options

    given = {"order": order, "bec_file": bec_file and str(bec_file)}
    options = import_options(config, key or (), unit or (), given)
    intake = bring(data, out, options, against or ())
    _print(intake.facts(), intake.text(), as_json)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Tell which references, devices and packages are usable here, or how to install them.

    Each usable reference labels one water molecule.

    Example: `activecharge doctor --json`
    """
    from dataclasses import asdict

    from activecharge.reference.doctor import examine, render

    if as_json:
        _print([asdict(check) for check in examine()], "", as_json)
        return
    group = ""
    for check in examine():
        if check.group != group:
            typer.echo(f"{check.group}s")
            group = check.group
        typer.echo(render(check))


def _print(data: Any, text: str, as_json: bool) -> None:
    from activecharge.campaign.strict import strict

    typer.echo(json.dumps(strict(data), indent=1, ensure_ascii=False) if as_json else text)


def _wrote(files: list[tuple[Path, str]]) -> None:
    for path, meaning in files:
        typer.echo(f"{path}  {meaning}")


def main() -> None:
    """Entry point: mistakes end with one sentence and code 2, faults of ours with a log and 1."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads are given per piece of work
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with exits():
        if (
            app(prog_name="activecharge", standalone_mode=False) == INTERRUPTED
        ):  # which is how typer tells it
            raise KeyboardInterrupt


if __name__ == "__main__":
    main()
