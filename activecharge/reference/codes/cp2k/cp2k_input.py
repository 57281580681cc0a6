"""CP2K input files: templates, the built-in one or a user's, filled in for each run.

A template has these placeholders:

- `%CELL%` inside &CELL: the cell vectors and PERIODIC;
- `%COORD%` inside &COORD: the atoms;
- `%GUESS%` after SCF_GUESS: `guess` without a field, RESTART with one;
- `%FIELD%` inside &DFT: the restart file and the field; nothing without a field;
- `%STRESS%` after STRESS_TENSOR: ANALYTICAL for cells without a field, else NONE, because CP2K
  has no stress in periodic fields;
- `%EPS_SCF%`, if wanted: convergence without and with a field.
"""

import numpy as np
from ase import Atoms

from activecharge.errors import UserError
from activecharge.reference.checks import symbols
from activecharge.reference.codes.cp2k.cp2k_options import Cp2kOptions
from activecharge.reference.codes.cp2k.cp2k_template import PROJECT, built_in

RESTART = f"../zero/{PROJECT}-RESTART.wfn"
NEEDED = ("%CELL%", "%COORD%", "%GUESS%", "%FIELD%", "%STRESS%", f"PROJECT {PROJECT}")


def template(options: Cp2kOptions, periodic: bool, elements: list[str]) -> str:
    """Return the input with placeholders: the user's, or one that follows the settings.

    Raises
    ------
    UserError
        If the user's template cannot be read or lacks a placeholder.
    """
    if options.template is None:
        return built_in(options, periodic, elements)
    try:
        text = options.template.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"reference.template: {options.template} cannot be read ({error}); "
            "give an existing CP2K input file."
        ) from error
    missing = [word for word in NEEDED if word not in text]
    if missing:
        raise UserError(
            f"reference.template: {options.template} lacks {', '.join(missing)}; "
            "docs/references.md shows a template."
        )
    return text


def fill(text: str, atoms: Atoms, options: Cp2kOptions, field: np.ndarray | None) -> str:
    """Put one configuration, and one field in atomic units or None, into a template."""
    periodic = bool(atoms.pbc.all())
    guess = "MOPAC" if options.method == "GFN1-xTB" and options.template is None else "ATOMIC"
    eps = options.convergence if field is None else options.field_convergence
    for word, value in {
        "%CELL%": _cell(atoms, options.vacuum),
        "%COORD%": _coordinates(atoms, options.vacuum),
        "%GUESS%": guess if field is None else "RESTART",
        "%FIELD%": "" if field is None else _field(field, periodic),
        "%STRESS%": "ANALYTICAL" if periodic and field is None else "NONE",
        "%EPS_SCF%": f"{eps:.3E}",
    }.items():
        text = text.replace(word, value)
    return text


def farm(jobs: list[str]) -> str:
    """Return an input that runs the jobs one after another in one process.

    Starting CP2K takes as long as a tight-binding run of a small cluster.
    """
    lines = [
        f"&JOB\n  DIRECTORY {job}\n  INPUT_FILE_NAME cp2k.inp\n  OUTPUT_FILE_NAME cp2k.out\n&END"
        for job in jobs
    ]
    head = f"&GLOBAL\n  PROJECT {PROJECT}\n  PROGRAM FARMING\n  RUN_TYPE NONE\n&END"
    return "\n".join([head, "&FARMING", "  NGROUPS 1", *lines, "&END", ""])


def _field(field: np.ndarray, periodic: bool) -> str:
    """Return the restart file and a section for a field that pulls positive charges along it.

    Both sections have that sign in DFT, as the local one has in GFN1-xTB. The local one is in
    atomic units in static calculations, in spite of the unit of its keyword.
    """
    strength = float(np.linalg.norm(field))
    x, y, z = field / strength
    name, rest = ("PERIODIC_EFIELD", "") if periodic else ("EFIELD", "\n      ENVELOP CONSTANT")
    return (
        f"WFN_RESTART_FILE_NAME {RESTART}\n    &{name}\n      INTENSITY {strength:.12E}\n"
        f"      POLARISATION {x:.12f} {y:.12f} {z:.12f}{rest}\n    &END"
    )


def _cell(atoms: Atoms, vacuum: float) -> str:
    periodic = bool(atoms.pbc.all())
    vectors = atoms.cell.array if periodic else _box(atoms, vacuum) * np.eye(3)
    lines = [
        f"{name} " + " ".join(f"{x:.10f}" for x in row)
        for name, row in zip("ABC", vectors, strict=True)
    ]
    return "\n      ".join([*lines, f"PERIODIC {'XYZ' if periodic else 'NONE'}"])


def _box(atoms: Atoms, vacuum: float) -> float:
    """Edge in Å of the cubic cell of a free cluster; the wavelet Poisson solver wants a cube."""
    return float(np.ptp(atoms.positions, axis=0).max()) + 2 * vacuum


def _coordinates(atoms: Atoms, vacuum: float) -> str:
    positions = atoms.positions
    if not atoms.pbc.all():
        middle = (positions.min(axis=0) + positions.max(axis=0)) / 2
        positions = positions - middle + _box(atoms, vacuum) / 2
    return "\n      ".join(
        f"{symbol} " + " ".join(f"{x:.10f}" for x in position)
        for symbol, position in zip(symbols(atoms), positions, strict=True)
    )
