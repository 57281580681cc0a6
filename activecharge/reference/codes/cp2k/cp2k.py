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

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import JsonValue

from activecharge.reference.checks import check, symbols
from activecharge.reference.codes.cp2k.cp2k_options import Cp2kOptions
from activecharge.reference.response import from_field
from activecharge.units import BOHR, HARTREE

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms

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

OPTIONS = Cp2kOptions


def settings(options: Cp2kOptions) -> dict[str, JsonValue]:
    """Return what fixes the values of a label, as JSON-able data."""
    from activecharge.reference.codes.cp2k.cp2k_run import version

    given: dict[str, JsonValue] = {"version": version(options.command)}
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


def label(atoms: Atoms, options: Cp2kOptions) -> dict[str, np.ndarray]:
    """Compute the label of one neutral closed-shell configuration in one process.

    Seven runs, the first without a field; cells in GFN1-xTB have that one alone.

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
        polarization index first.

    Raises
    ------
    ReferenceFailure, UserError
        As `Code.label` says; the latter also for a template that cannot be used.
    """
    from activecharge.reference.codes.cp2k.cp2k_input import template
    from activecharge.reference.codes.cp2k.cp2k_run import run, run_name

    check(atoms, "cp2k", HEAVIEST)
    periodic = bool(atoms.pbc.all())
    text = template(options, periodic, sorted(set(symbols(atoms))))
    polarized = not (periodic and re.search(r"METHOD\s+XTB", text, re.IGNORECASE))
    outputs = run(atoms, options, text, polarized)
    zero = outputs["zero"]
    values = {
        "energy": zero.energy(),
        "forces": zero.forces() * (HARTREE / BOHR),
        "charges": zero.charges(options.charges),
    }
    if periodic:
        values["stress"] = zero.stress()
    if polarized:
        values["dipole"] = zero.dipole()
        values["bec"] = from_field(lambda field: outputs[run_name(field)].forces(), options.field)
    return values
