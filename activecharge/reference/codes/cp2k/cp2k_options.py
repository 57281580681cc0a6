"""Settings of CP2K."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from activecharge.reference.codes.code_options import AbsolutePath, CodeOptions


class Cp2kOptions(CodeOptions):
    """CP2K: periodic systems and clusters, density functional theory or GFN1-xTB."""

    # Charges are printed with three to six decimals. Density grids break translation and
    # rotation: a water molecule at 400 Ry has a net force of 0.1 eV/Å and a sum of 6e-3 e.
    wider: ClassVar[Mapping[str, float]] = {
        "neutrality": 2e-2,
        "acoustic_sum_rule": 1e-2,
        "rotational_sum_rule": 3e-2,
        "net_force": 0.2,
        "net_torque": 0.3,
    }
    probe: ClassVar[Mapping[str, object]] = {"method": "GFN1-xTB"}

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

    @property
    def chosen_minimiser(self) -> Literal["diagonalization", "OT"]:
        """The minimiser that is used."""
        return self.minimiser or ("diagonalization" if self.method == "GFN1-xTB" else "OT")

    def remedies(self) -> list[CodeOptions]:
        """Return what to try next: the other minimiser, which a user's template has to name."""
        other = "OT" if self.chosen_minimiser == "diagonalization" else "diagonalization"
        return [self.model_copy(update={"minimiser": other})]
