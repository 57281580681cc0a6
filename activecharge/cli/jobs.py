"""Commands for clusters: campaigns as Ray jobs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from activecharge.cli.common import AsJson, CampaignFile, show
from activecharge.errors import INTERRUPTED

Server = Annotated[
    str | None,
    typer.Option(
        "--address",
        help="Job server of the cluster; default http://127.0.0.1:8265.",
    ),
]


def submit(
    file: CampaignFile,
    run_dir: Annotated[
        Path,
        typer.Option(help="Run directory, on a disk that all nodes share.", metavar="DIR"),
    ],
    address: Server = None,
    follow: Annotated[
        bool, typer.Option(help="Show what the job prints until it ends, or leave it alone.")
    ] = True,
) -> None:
    """Run a campaign as a job of a Ray cluster; submitted again, it goes on where it stopped.

    Example: `activecharge submit my.yaml --run-dir /shared/runs/my --address http://head:8265`
    """
    from activecharge.campaign.jobs.submit import HOME_ADDRESS, JobServer
    from activecharge.campaign.settings.reading import load_campaign

    campaign = load_campaign(file)
    server = JobServer(address or HOME_ADDRESS)
    job = server.submit(campaign, run_dir)
    typer.echo(f"{job.id} {job.state}; `activecharge jobs` lists, follows and stops jobs", err=True)
    if follow:
        _follow(server, job.id)
    else:
        typer.echo(job.id)


def jobs(
    address: Server = None,
    stop: Annotated[str | None, typer.Option(help="Stop this job.", metavar="ID")] = None,
    follow: Annotated[
        str | None, typer.Option(help="Show what this job prints until it ends.", metavar="ID")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the campaigns of a Ray cluster's job server, stop one, or follow one.

    Example: `activecharge jobs --address http://head:8265`
    """
    from dataclasses import asdict

    from activecharge.campaign.jobs.job import job_text
    from activecharge.campaign.jobs.submit import HOME_ADDRESS, JobServer

    server = JobServer(address or HOME_ADDRESS)
    if follow:
        _follow(server, follow)
        return
    found = [server.stop(stop)] if stop else server.jobs()
    show([asdict(job) for job in found], job_text(found), as_json)


def _follow(server, name: str) -> None:
    """Relay a job's output; ends with the job's exit code."""
    try:
        job = server.follow(name, lambda text: typer.echo(text, nl=False))
    except KeyboardInterrupt:
        typer.echo(f"\n{name} goes on; `activecharge jobs --stop {name}` would stop it", err=True)
        sys.exit(INTERRUPTED)
    sys.exit(job.code)
