"""The command that writes a first campaign file, by questions or by flags."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_origin

import typer

if TYPE_CHECKING:
    from activecharge.reference.reference_options import ReferenceOptions


def init(
    file: Annotated[
        Path, typer.Argument(help="Campaign file to write; one that is there stays.")
    ] = Path("campaign.yaml"),
    frames: Annotated[
        Path | None, typer.Option(help="Configurations that you have, without labels.")
    ] = None,
    labelled: Annotated[
        Path | None,
        typer.Option(help="Labelled configurations, with REF_ keys as `import` writes them."),
    ] = None,
    system: Annotated[
        str | None, typer.Option(help="What to build: clusters, bulk or both.")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="Reference code, as `reference.kind` in a campaign.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Further setting of the reference, as basis=cc-pVDZ."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the campaign; default that of the file.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing; what no flag says is as by default.")
    ] = False,
) -> None:
    """Write a campaign file to begin with, with a comment on every key.

    On a terminal it asks what no flag has said. Which references work here is tried out.

    Example: `activecharge init water.yaml --system clusters --reference tblite`
    """
    from activecharge.campaign.standalone import first_campaign as first
    from activecharge.errors import UserError

    first.refuse_old(file)
    if frames and labelled:
        raise UserError("--frames and --labelled: give one of them")
    asking = sys.stdin.isatty() and not yes
    if asking and not (frames or labelled or system):
        frames, labelled, system = _ask_begin()
    chosen = None if labelled else _reference(reference, settings or [], asking)
    begin = first.Beginning(name or file.stem, chosen, frames, labelled, system or "clusters")
    campaign = first.first_campaign(begin)
    first.write_first(campaign, file)
    typer.echo(f"{file}: labels by {campaign.level_of_theory}")
    typer.echo(f"next: activecharge run {file} --dry-run, which tells what it will cost")


def _ask_begin() -> tuple[Path | None, Path | None, str | None]:
    """Which file somebody has, without labels or with; or else what to build."""
    have = _choose("What do you have", ("nothing", "frames", "labelled"))
    if have == "nothing":
        return None, None, _choose("Clusters, bulk, or both", ("clusters", "bulk", "both"))
    path = Path(typer.prompt("File"))
    return (path, None, None) if have == "frames" else (None, path, None)


def _reference(kind: str | None, settings: list[str], asking: bool) -> "ReferenceOptions":
    """Settings of the reference that was given, or is chosen among those that work here."""
    from activecharge.campaign.settings.arguments import parse_reference
    from activecharge.reference.codes.code_table import CODES
    from activecharge.reference.doctor import probe, render

    if kind is None and asking:
        typer.echo("References that work here (one molecule is labelled with each):")
        usable = []
        for name in CODES:
            if name != "recorded":
                check = probe(name)
                typer.echo(render(check))
                usable += [name] if check.usable else []
        kind = _choose("Reference", tuple(usable))
    kind = kind or next(iter(CODES))
    given = {item.partition("=")[0] for item in settings}
    if asking and kind in CODES:
        for name, field in CODES[kind].OPTIONS.model_fields.items():
            if field.is_required() and name not in given:
                said = typer.prompt(f"{name} ({field.description})")
                words = get_origin(field.annotation) is tuple
                settings.append(f"{name}={shlex.split(said) if words else said}")
    return parse_reference(kind, None, settings)


def _choose(question: str, among: tuple[str, ...]) -> str:
    """One of some words; the first where nothing is typed. Beginnings of words do."""
    while True:
        said = typer.prompt(f"{question} ({', '.join(among)})", default=among[0]).strip().lower()
        found = [word for word in among if word == said]
        found = found or [word for word in among if word.startswith(said)]
        if len(found) == 1:
            return found[0]
        typer.echo(f"please say one of {', '.join(among)}")
