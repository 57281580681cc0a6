"""The command line. Everything heavy is imported by the command that needs it."""

import os
import signal

import typer

from activecharge.campaign.exits import INTERRUPTED, exits
from activecharge.cli import campaigns, data, jobs, pieces

app = typer.Typer(
    help="Active learning of static and dynamic charges of water.\n\n"
    "Start with `activecharge run campaigns/water_clusters.yaml`.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
for _command in (
    campaigns.validate,
    campaigns.run,
    campaigns.status,
    campaigns.export,
    campaigns.report,
    campaigns.compare,
    jobs.submit,
    jobs.jobs,
    pieces.label,
    pieces.train,
    pieces.predict,
    pieces.evaluate,
    pieces.select,
    data.import_,
    data.doctor,
):
    app.command(_command.__name__.rstrip("_"))(_command)


def main() -> None:
    """Entry point: mistakes end with one sentence and code 2, faults of ours with a log and 1."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads are given per piece of work
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with exits():
        if (
            app(prog_name="activecharge", standalone_mode=False) == INTERRUPTED
        ):  # which is how typer tells it
            raise KeyboardInterrupt
