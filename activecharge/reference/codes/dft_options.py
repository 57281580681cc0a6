"""Settings of the density-functional reference codes."""

from typing import Literal

from pydantic import Field, model_validator

from activecharge.reference.codes.code_options import AbsolutePath, CodeOptions


class PyscfOptions(CodeOptions):
    """Density functional theory of clusters with PySCF."""

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


class Cp2kOptions(CodeOptions):
    """CP2K: periodic systems and clusters, density functional theory or GFN1-xTB."""

    kind: Literal["cp2k"] = Field("cp2k", description="Reference code")
    timeout: float = Field(
        86400.0, gt=0, description="Time after which one run of one configuration is killed [s]"
    )
    command: tuple[str, ...] = Field(
        ("cp2k.psmp",),
        min_length=1,
        description="Launch command, without a shell; [mpirun, -n, 8, cp2k.psmp], say",
    )
    method: Literal["DFT", "GFN1-xTB"] = Field("DFT", description="Hamiltonian")
    functional: str = Field(
        "revPBE",
        description=(
            "Exchange-correlation functional of the DFT method: PBE, revPBE, PBEsol, BLYP, or a "
            "name that CP2K's XC_FUNCTIONAL section knows"
        ),
    )
    dispersion: bool = Field(True, description="Whether D3 dispersion is added to the functional")
    basis: str = Field(
        "DZVP-MOLOPT-SR-GTH", description="Basis set of every element, from `basis_file`"
    )
    basis_file: str = Field("BASIS_MOLOPT", description="CP2K data file or absolute path")
    potential: str = Field("GTH-PBE", description="Pseudopotential of every element")
    potential_file: str = Field("GTH_POTENTIALS", description="CP2K data file or absolute path")
    cutoff: float = Field(600.0, gt=0, description="Plane-wave cutoff of the finest grid [Ry]")
    relative_cutoff: float = Field(
        60.0, gt=0, description="Plane-wave cutoff that a Gaussian asks its grid for [Ry]"
    )
    vacuum: float = Field(
        5.0, gt=0, description="Empty space between a free cluster and the edge of its cell [Å]"
    )
    convergence: float = Field(
        1e-8, gt=0, le=1e-5, description="EPS_SCF, at which the zero-field run is converged"
    )
    field_convergence: float = Field(
        1e-6,
        gt=0,
        le=1e-5,
        description=(
            "EPS_SCF of the runs in a field, which start from there; 1e-6 leaves an error of "
            "5e-5 e in Born effective charges"
        ),
    )
    max_iterations: int = Field(
        200, ge=1, description="Self-consistency cycles before a run counts as not converged"
    )
    minimiser: Literal["diagonalization", "OT"] | None = Field(
        None,
        description=(
            "Diagonalization with mixing, or orbital transformation; absent takes the first for "
            "GFN1-xTB and the second for DFT, and a retry swaps them"
        ),
    )
    field: float = Field(
        5e-4,
        ge=1e-5,
        le=1e-2,
        description=(
            "Field strength of the finite differences for Born effective charges "
            "[atomic units, 51.4 V/Å]"
        ),
    )
    charges: Literal["mulliken", "hirshfeld"] = Field(
        "mulliken",
        description="Partial charges; Hirshfeld's need DFT and are printed with three decimals",
    )
    template: AbsolutePath | None = Field(
        None,
        description=(
            "CP2K input of your own, which takes the place of all settings on method, basis set "
            "and convergence; docs/references.md explains its placeholders"
        ),
    )

    @model_validator(mode="after")
    def _hirshfeld_needs_a_density(self) -> "Cp2kOptions":
        if self.method == "GFN1-xTB" and self.charges == "hirshfeld" and self.template is None:
            raise ValueError("charges: hirshfeld needs method: DFT; GFN1-xTB has mulliken only")
        return self
