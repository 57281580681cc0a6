"""Density-functional labels of clusters with PySCF: Gaussian basis sets, all electrons.

PySCF: Sun et al., J. Chem. Phys. 153, 024109 (2020), DOI 10.1063/5.0006074. Intrinsic atomic
orbitals: Knizia, J. Chem. Theory Comput. 9, 4834 (2013), DOI 10.1021/ct400687b.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field, JsonValue

from activecharge.errors import UserError
from activecharge.reference.checks import check, check_free, require, symbols
from activecharge.reference.codes.code_options import CodeOptions, Package
from activecharge.reference.failure import ReferenceFailure
from activecharge.reference.response import from_field
from activecharge.units import BOHR, HARTREE

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms
    from pyscf.dft.rks import RKS
    from pyscf.gto import Mole

HEAVIEST = 86
INSTALL = "pip install 'activecharge[pyscf]'"


class PyscfOptions(CodeOptions):
    """Density functional theory of clusters with PySCF."""

    probe: ClassVar[Mapping[str, object]] = {
        "functional": "PBE",
        "basis": "sto-3g",
        "dispersion": None,
    }
    for_cells = None
    packages = (
        Package("pyscf", "reference pyscf", "pip install pyscf"),
        Package("pyscf-dispersion", "D3 and D4 of reference pyscf", "pip install pyscf-dispersion"),
    )
    kind: Literal["pyscf"] = Field("pyscf", description="Reference code")
    timeout: float = Field(
        86400.0, gt=0, description="Time after which one run of one configuration is killed [s]"
    )
    functional: str = Field(
        "PBE0", description="Exchange-correlation functional, as PySCF names it"
    )
    basis: str = Field("def2-svpd", description="Gaussian basis set, as PySCF names it")
    dispersion: Literal["d3bj", "d3zero", "d4"] | None = Field(
        "d3bj", description="Dispersion correction added to the functional; null for none"
    )
    density_fitting: bool = Field(
        True, description="Whether Coulomb and exchange integrals are fitted: faster, 1e-4 e apart"
    )
    grid_level: int = Field(
        3, ge=0, le=9, description="Fineness of the integration grid, as PySCF numbers it"
    )
    convergence: float = Field(
        1e-10, gt=0, le=1e-6, description="Energy change at which a run is converged [hartree]"
    )
    max_iterations: int = Field(
        100, ge=1, description="Self-consistency cycles before a run counts as not converged"
    )
    solver: Literal["diis", "newton"] = Field(
        "diis", description="First-order mixing, or the slower and surer second-order solver"
    )
    field: float = Field(
        1e-3,
        ge=1e-5,
        le=1e-2,
        description=(
            "Field strength of the finite differences for Born effective charges "
            "[atomic units, 51.4 V/Å]"
        ),
    )
    charges: Literal["iao", "mulliken"] = Field(
        "iao",
        description=(
            "Partial charges: populations of intrinsic atomic orbitals, which hardly depend on "
            "the basis set, or Mulliken's"
        ),
    )

    def remedies(self) -> list[CodeOptions]:
        """Return what to try next: the second-order solver, which does not oscillate."""
        return [self.model_copy(update={"solver": "newton"})]


OPTIONS = PyscfOptions


def settings(options: PyscfOptions) -> dict[str, JsonValue]:
    """Return what fixes the values of a label, as JSON-able data."""
    _require(options)
    from pyscf import __version__

    return {
        "functional": options.functional,
        "basis": options.basis,
        "dispersion": options.dispersion,
        "density_fitting": options.density_fitting,
        "grid_level": options.grid_level,
        "convergence_hartree": options.convergence,
        "field_au": options.field,
        "charges": options.charges,
        "version": __version__,
    }


def label(atoms: Atoms, options: PyscfOptions) -> dict[str, np.ndarray]:
    """Compute the label of one neutral closed-shell cluster.

    Parameters
    ----------
    atoms : ase.Atoms
        N atoms, positions in Å, free.
    options : PyscfOptions

    Returns
    -------
    dict of str to numpy.ndarray
        energy () eV; forces (N, 3) eV/Å; charges (N,) e; dipole (3,) e·Å; bec (N, 3, 3) e,
        polarization index first, from forces in a field.

    Raises
    ------
    ReferenceFailure
        If the configuration cannot be treated or does not converge.
    UserError
        If PySCF is not installed or does not know the functional or basis set.
    """
    import numpy as np

    _require(options)
    check(atoms, "pyscf", HEAVIEST)
    check_free(atoms, "pyscf", "dipoles of cells are not defined")
    molecule = _molecule(atoms, options)
    zero = _converge(molecule, options, np.zeros(3))
    density = zero.make_rdm1()

    def forces(field: np.ndarray) -> np.ndarray:
        run = _converge(molecule, options, field, density)
        return _forces(run, field)

    return {
        "energy": zero.e_tot * HARTREE,
        "forces": _forces(zero, np.zeros(3)) * (HARTREE / BOHR),
        "charges": _charges(zero, options),
        "dipole": zero.dip_moment(unit="AU", verbose=0) * BOHR,
        "bec": from_field(forces, options.field),
    }


def _molecule(atoms: Atoms, options: PyscfOptions) -> Mole:
    from pyscf import gto
    from pyscf.lib.exceptions import BasisNotFoundError

    try:
        return gto.M(
            atom=list(zip(symbols(atoms), (atoms.positions / BOHR).tolist(), strict=True)),
            unit="Bohr",
            basis=options.basis,
            verbose=0,
        )
    except BasisNotFoundError as error:
        raise UserError(
            f"reference.basis: pyscf has no basis set {options.basis!r} for these elements; "
            "give one of its names, def2-svpd, say."
        ) from error


def _converge(
    molecule: Mole, options: PyscfOptions, field: np.ndarray, density: np.ndarray | None = None
) -> RKS:
    """Converge the density in a uniform field (atomic units), from `density` if given."""
    import numpy as np
    from pyscf import dft

    try:
        run = dft.RKS(molecule, xc=options.functional)
        run._numint.libxc.parse_xc(options.functional)
    except (KeyError, ValueError) as error:
        raise UserError(
            f"reference.functional: pyscf does not know {options.functional!r}; "
            "give a name of its library, PBE0, say."
        ) from error
    run.disp = options.dispersion
    run.grids.level = options.grid_level
    run.conv_tol = options.convergence
    # Forces in a field are first order in the error of the density, the energy second order.
    run.conv_tol_grad = 0.1 * options.convergence**0.5
    run.max_cycle = options.max_iterations
    # An electron, of charge -1, has the energy +E·r in the field E.
    core = run.get_hcore() + np.einsum("x,xij->ij", field, molecule.intor("int1e_r"))
    run.get_hcore = lambda *_: core
    if options.density_fitting:
        run = run.density_fit()
    if options.solver == "newton":
        run = run.newton()
    run.kernel(dm0=density)
    if not run.converged:
        raise ReferenceFailure(
            f"pyscf ({options.functional}/{options.basis}) did not converge "
            f"in {options.max_iterations} cycles"
        )
    return run


def _forces(run: RKS, field: np.ndarray) -> np.ndarray:
    """Return forces in hartree/bohr, shape (N, 3), in a uniform field (atomic units)."""
    import numpy as np

    molecule = run.mol
    gradient = run.nuc_grad_method()
    # With the motion of the grid, forces and Born effective charges obey their sum rules.
    gradient.grid_response = True
    # <∇_b i| r_a |j>, with the sign that the gradient's core Hamiltonian has.
    basis = molecule.intor("int1e_irp").reshape(3, 3, molecule.nao, molecule.nao)
    core = gradient.get_hcore() - np.einsum("a,abji->bij", field, basis)
    gradient.get_hcore = lambda *_: core
    return -gradient.kernel() + np.outer(molecule.atom_charges(), field)


def _charges(run: RKS, options: PyscfOptions) -> np.ndarray:
    density, overlap = run.make_rdm1(), run.get_ovlp()
    if options.charges == "mulliken":
        return run.mulliken_pop(run.mol, density, overlap, verbose=0)[1]
    from pyscf.lo import iao, orth

    orbitals = iao.iao(run.mol, run.mo_coeff[:, run.mo_occ > 0])
    orbitals = orbitals @ orth.lowdin(orbitals.T @ overlap @ orbitals)
    return iao.fast_iao_mullikan_pop(run.mol, density, orbitals, verbose=0)[1]


def _require(options: PyscfOptions) -> None:
    require("pyscf", "pyscf", INSTALL)
    if options.dispersion is not None:
        require("pyscf", "pyscf.dispersion", INSTALL)
