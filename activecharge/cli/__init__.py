"""The command line. Everything heavy is imported by the command that needs it."""

import os
import signal
import warnings
from typing import Annotated, TextIO

import typer

from activecharge import __version__
from activecharge.cli import campaigns, data, infrared, initialize, jobs, physics, verbs
from activecharge.cli.exits import exits
from activecharge.errors import INTERRUPTED, Note

app = typer.Typer(
    help="Active learning of static and dynamic charges of water.\n\n"
    "Start with `activecharge run smoke`, then `activecharge run water_clusters`.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"activecharge {__version__}")
        raise typer.Exit


for _command in (
    initialize.init,
    campaigns.validate,
    campaigns.run,
    campaigns.status,
    campaigns.export,
    campaigns.report,
    campaigns.compare,
    jobs.submit,
    jobs.jobs,
    verbs.label,
    verbs.train,
    verbs.predict,
    verbs.evaluate,
    verbs.select,
    physics.simulate,
    infrared.spectrum,
    infrared.vibrations,
    verbs.pack,
    data.import_,
    data.doctor,
):
    app.command(_command.__name__.rstrip("_"))(_command)


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, help="Show the version.", callback=_tell_version),
    ] = False,
) -> None:
    """Options of no command."""


def main() -> None:
    """Entry point: mistakes end with one sentence and code 2, faults of ours with a log and 1."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads are given per item of work
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    warnings.showwarning = _show_warning
    with exits():
        if (
            app(prog_name="activecharge", standalone_mode=False) == INTERRUPTED
        ):  # which is how typer tells it
            raise KeyboardInterrupt


_SHOWN = warnings.showwarning


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Notes are for the user; other warnings look as everywhere."""
    if issubclass(category, Note):
        typer.echo(f"note: {message}", err=True)
    else:
        _SHOWN(message, category, filename, lineno, file, line)
