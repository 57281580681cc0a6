"""Commands on whole campaigns: check, run, compare, watch, export, report."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from activecharge.cli.common import (
    Address,
    AsJson,
    CampaignFile,
    NewRunDir,
    Out,
    RunDir,
    show,
    show_files,
)
from activecharge.cli.exits import exits
from activecharge.errors import UserError
from activecharge.files import check_not_input

if TYPE_CHECKING:
    from activecharge.campaign.settings.campaign_options import Campaign


def validate(
    file: CampaignFile,
    every: Annotated[
        bool, typer.Option("--all", help="Print keys at their defaults, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a campaign file and print what in it differs from the defaults.

    What is printed is a campaign file itself. `--json` gives all keys.

    Example: `activecharge validate water_clusters --all > my.yaml`
    """
    from activecharge.campaign.precheck import check_sources
    from activecharge.campaign.settings.changes import changes_text
    from activecharge.campaign.settings.reading import dump_campaign, load_campaign
    from activecharge.campaign.settings.shipped import campaign_file

    campaign = load_campaign(campaign_file(file))
    check_sources(campaign)
    text = dump_campaign(campaign).rstrip() if every else changes_text(campaign)
    show(campaign.model_dump(mode="json"), text, as_json)


def run(
    file: CampaignFile,
    run_dir: NewRunDir = None,
    address: Address = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Estimate labels, hours and memory; write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a campaign, or resume it where an earlier run of it stopped.

    Example: `activecharge run water_clusters --run-dir runs/first`
    """
    from activecharge.campaign.launch import closing_words
    from activecharge.campaign.launch import run as go

    def estimate(campaign: "Campaign", directory: Path, quiet: bool) -> tuple[object, str]:
        from activecharge.campaign.standalone.forecast import forecast

        found = forecast(campaign, directory)
        return found.to_json(), found.text()

    def work(campaign: "Campaign", directory: Path, quiet: bool) -> tuple[object, str]:
        found = go(campaign, directory, quiet)
        return found.to_json(), closing_words(found)

    _carry_out(estimate if dry_run else work, file, run_dir, address, as_json)


def compare(
    file: CampaignFile,
    run_dir: NewRunDir = None,
    address: Address = None,
    as_json: AsJson = False,
) -> None:
    """Train all couplings on the same labels with the same seeds, and set them side by side.

    Stopped, it goes on where it was.

    Example: `activecharge compare compare_couplings`
    """
    from activecharge.campaign.compare.comparing import compare

    _carry_out(compare, file, run_dir, address, as_json)


def status(
    directory: RunDir,
    watch: Annotated[bool, typer.Option("--watch", help="Show it live, until it ends.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell where a campaign stands, or watch it.

    Example: `activecharge status runs/water_clusters --watch`
    """
    from activecharge.campaign.disk.run_directory import RunDirectory
    from activecharge.campaign.monitor.status import status, status_text

    opened = RunDirectory.open(directory)
    if watch:
        if as_json:
            raise UserError("--watch and --json: give one of them; a program asks again instead")
        from activecharge.campaign.monitor.watch import watch as show_live

        show_live(opened)
        return
    found = status(opened)
    show(found.to_json(), status_text(found), as_json)


def export(
    directory: RunDir,
    out: Out = Path("data.xyz"),
    code: Annotated[
        str | None,
        typer.Option(
            "--for",
            help="Write what this reads: mace, nequip, metatrain, deepmd (a folder) or les.",
        ),
    ] = None,
) -> None:
    """Write a campaign's labels as extxyz, split by split, with a manifest of checksums.

    Example: `activecharge export runs/water_clusters -o data.xyz`
    """
    from activecharge.campaign.disk.run_directory import RunDirectory
    from activecharge.campaign.loop.state import CampaignState
    from activecharge.campaign.loop.teaching import export_dataset, export_dataset_for

    opened = RunDirectory.open(directory)
    check_not_input(out, *opened.files())
    state = CampaignState(opened)
    show_files(export_dataset_for(code, state, out) if code else export_dataset(state, out))


def report(directory: RunDir) -> None:
    """Write a campaign's report again: HTML, Markdown and figures.

    Example: `activecharge report runs/water_clusters`
    """
    from activecharge.campaign.disk.run_directory import RunDirectory
    from activecharge.campaign.loop.reporting import campaign_summary
    from activecharge.campaign.loop.state import CampaignState
    from activecharge.campaign.monitor.status import status
    from activecharge.report.campaign.page import write_report

    opened = RunDirectory.open(directory)
    summary = campaign_summary(CampaignState(opened), status(opened).stop_reason)
    show_files(write_report(summary, opened.report))


def _carry_out(
    work: Callable[..., tuple[object, str]],
    file: Path,
    run_dir: Path | None,
    address: str | None,
    as_json: bool,
) -> None:
    """Do with a campaign file what takes long and leaves a run directory, and show the outcome."""
    from activecharge.campaign.settings.reading import at_address, load_campaign
    from activecharge.campaign.settings.shipped import campaign_file

    campaign = at_address(load_campaign(campaign_file(file)), address)
    directory = run_dir or Path("runs") / campaign.name
    with exits(directory):
        facts, text = work(campaign, directory, quiet=as_json)
    show(facts, text, as_json)
