"""Labels from CP2K: cells and clusters, density functional theory or GFN1-xTB.

CP2K: Kühne et al., J. Chem. Phys. 152, 194103 (2020), DOI 10.1063/5.0007045. Periodic fields
by the Berry phase: Souza, Íñiguez, Vanderbilt, Phys. Rev. Lett. 89, 117602 (2002),
DOI 10.1103/PhysRevLett.89.117602.

CP2K's GFN1-xTB knows no atomic dipoles: its polarization is the sum of charges times
positions, so its Born effective charges are not those of tblite or xtb. In cells CP2K 2023.1
takes that sum over wrapped positions: it tears the molecules at the cell's edge, where the
charges are not whole numbers. A lone molecule moved there changes from -0.65 e to -1.95 e at its
oxygen, so cells get no polarization and no Born effective charges from GFN1-xTB.
"""

import re
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from activecharge.errors import UserError
from activecharge.reference.checks import check, symbols
from activecharge.reference.codes.cp2k.cp2k_input import farm, fill, template
from activecharge.reference.codes.cp2k.cp2k_output import Output, read
from activecharge.reference.codes.dft_options import Cp2kOptions
from activecharge.reference.failure import ReferenceFailure, describe_exit
from activecharge.reference.response import from_field
from activecharge.rounding import as_stored
from activecharge.units import BOHR, HARTREE

HEAVIEST = 86
DETAILS = {
    "DFT": (
        "functional",
        "dispersion",
        "basis",
        "basis_file",
        "potential",
        "potential_file",
        "cutoff",
        "relative_cutoff",
    ),
    "GFN1-xTB": (),
}
"""Settings that fix the values, method by method."""


def settings(options: Cp2kOptions) -> dict[str, Any]:
    """Return what fixes the values of a label, as JSON-able data."""
    given: dict[str, Any] = {"version": _version(options.command)}
    if options.template is None:
        given |= {name: getattr(options, name) for name in ("method", *DETAILS[options.method])}
    else:
        given["template"] = options.template.read_text(encoding="utf-8")
    return given | {
        "charges": options.charges,
        "field_au": options.field,
        "eps_scf": options.convergence,
        "eps_scf_field": options.field_convergence,
    }


def remedies(options: Cp2kOptions) -> list[Cp2kOptions]:
    """Return what to try next: the other minimiser, which a user's template has to name."""
    default = "diagonalization" if options.method == "GFN1-xTB" else "OT"
    other = "OT" if (options.minimiser or default) == "diagonalization" else "diagonalization"
    return [options.model_copy(update={"minimiser": other})]


def label(atoms: Atoms, options: Cp2kOptions) -> dict[str, np.ndarray]:
    """Compute the label of one neutral closed-shell configuration.

    Seven runs in one process: without a field, then with six that start from its wavefunction.
    Cells in GFN1-xTB have the first alone.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms, positions in Å; free, or periodic in all directions (Γ point).
    options : Cp2kOptions

    Returns
    -------
    dict of str to numpy.ndarray
        energy () eV; forces (N, 3) eV/Å; charges (N,) e; of cells stress (3, 3) eV/Å³,
        positive under tension. Of clusters, and of cells in DFT, also dipole (3,) e·Å, for cells
        the Berry-phase polarization, known up to e times a lattice vector; and bec (N, 3, 3) e,
        polarization index first. Rounded to 8 decimals.

    Raises
    ------
    ReferenceFailure
        If a run fails, is cut short or does not converge.
    UserError
        If CP2K cannot be started or a template cannot be used.
    """
    check(atoms, "cp2k", HEAVIEST)
    periodic = bool(atoms.pbc.all())
    text = template(options, periodic, sorted(set(symbols(atoms))))
    polarized = not (periodic and re.search(r"METHOD\s+XTB", text, re.IGNORECASE))
    axes = np.eye(3) if polarized else np.empty((0, 3))
    fields = [sign * options.field * axis for axis in axes for sign in (1, -1)]
    outputs = _run(atoms, options, text, fields)
    zero = outputs["zero"]
    values = {
        "energy": np.array(zero.energy()),
        "forces": zero.forces() * (HARTREE / BOHR),
        "charges": zero.charges(options.charges),
    }
    if periodic:
        values["stress"] = zero.stress()
    if polarized:
        values["dipole"] = zero.dipole()
        values["bec"] = from_field(lambda field: outputs[_name(field)].forces(), options.field)
    return {name: as_stored(value) for name, value in values.items()}


def _run(
    atoms: Atoms, options: Cp2kOptions, text: str, fields: list[np.ndarray]
) -> dict[str, Output]:
    """Run without and with fields in the current folder; all outputs by name."""
    jobs = {"zero": None} | {_name(field): field for field in fields}
    for job, field in jobs.items():
        Path(job).mkdir()
        Path(job, "cp2k.inp").write_text(fill(text, atoms, options, field), encoding="utf-8")
    Path("farm.inp").write_text(farm(list(jobs)), encoding="utf-8")
    fault = _execute([*options.command, "-i", "farm.inp", "-o", "farm.out"])
    outputs = {}
    for job in jobs:
        path = Path(job, "cp2k.out")
        if not path.exists() and fault:
            raise ReferenceFailure(f"cp2k ({job}): {fault}")
        written = path.read_text(errors="replace") if path.exists() else ""
        outputs[job] = read(job, written, len(atoms))
    if fault:
        raise ReferenceFailure(f"cp2k: {fault}")
    return outputs


def _name(field: np.ndarray) -> str:
    axis = int(np.argmax(np.abs(field)))
    return f"field-{'xyz'[axis]}-{'plus' if field[axis] > 0 else 'minus'}"


def _execute(command: list[str]) -> str | None:
    """Run CP2K to its end; a phrase with what went wrong, if anything."""
    log = Path("launch.log")
    with log.open("wb") as stream:
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
        except OSError as error:
            raise _absent(command[0], error) from error
    if not done.returncode:
        return None
    lines = log.read_text(errors="replace").strip().splitlines()
    said = f"; its last line was: {lines[-1].strip()[:200]}" if lines else ""
    return f"{command[0]} {describe_exit(done.returncode)}{said}"


@lru_cache(maxsize=8)
def _version(command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(
            [*command, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    except OSError as error:
        raise _absent(command[0], error) from error
    found = re.search(r"CP2K version (\S+)", done.stdout)
    return found[1] if found else "unknown"


def _absent(program: str, error: OSError) -> UserError:
    return UserError(
        f"reference.command: cannot start {program!r} ({error.strerror}); install CP2K with "
        "`apt-get install cp2k`, or give its launch command, [mpirun, -n, 8, cp2k.psmp], say."
    )
