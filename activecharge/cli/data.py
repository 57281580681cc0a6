"""Commands on what is there already: data of other programs, and this machine."""

from pathlib import Path
from typing import Annotated

import typer

from activecharge.cli.common import AsJson, Out, show
from activecharge.files import check_not_input

Keys = Annotated[
    list[str] | None, typer.Option(help="Name in the file, as energy=dft_energy; repeatable.")
]
Units = Annotated[
    list[str] | None, typer.Option(help="Unit in the file, as energy=hartree; repeatable.")
]
IndexOrder = Annotated[
    str | None, typer.Option(help="Index order of Born charges: pol_disp, disp_pol, detect or fit.")
]
BecFile = Annotated[
    Path | None, typer.Option(help="VASP OUTCAR or CP2K APT file with Born effective charges.")
]
Against = Annotated[
    list[Path] | None, typer.Option(help="File that should share no frame with DATA; repeatable.")
]
Format = Annotated[
    str | None, typer.Option(help="ASE's name of the format; by default told from the file.")
]


def import_(
    data: Annotated[
        Path, typer.Argument(help="extxyz, a DeePMD folder, or what ASE reads.", metavar="DATA")
    ],
    out: Out,
    config: Annotated[
        Path | None, typer.Option(help="YAML file with the settings of docs/import.md.")
    ] = None,
    key: Keys = None,
    unit: Units = None,
    order: IndexOrder = None,
    bec_file: BecFile = None,
    against: Against = None,
    format: Format = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse what would be left unread or remarked on.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take in labelled data of other programs.

    The index order of Born effective charges is given or told from the data, never guessed. What
    is not read is listed; values that cannot be water's are refused.

    Example: `activecharge import theirs.xyz -o ours.xyz --key bec=apt --unit energy=hartree`
    """
    from activecharge.campaign.standalone.intake import bring, import_options

    given = {
        "order": order,
        "bec_file": bec_file and str(bec_file),
        "format": format,
        "strict": strict or None,
    }
    check_not_input(out, config)
    options = import_options(config, key or (), unit or (), given)
    intake = bring(data, out, options, against or ())
    show(intake.facts(), intake.text(), as_json)


def doctor(as_json: AsJson = False) -> None:
    """Tell which references, devices and packages are usable here, or how to install them.

    Each usable reference labels one water molecule.

    Example: `activecharge doctor --json`
    """
    from dataclasses import asdict

    from activecharge.reference.doctor import examine, render

    if as_json:
        show([asdict(check) for check in examine()], "", as_json)
        return
    group = ""
    for check in examine():
        if check.group != group:
            typer.echo(f"{check.group}s")
            group = check.group
        typer.echo(render(check))
