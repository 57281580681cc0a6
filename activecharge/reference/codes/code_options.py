"""Settings of the reference codes other than density functional theory."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from activecharge.options import Options

AbsolutePath = Annotated[Path, AfterValidator(Path.absolute)]
"""A file that is found from any folder; codes run in scratch folders of their own."""


class CodeOptions(Options):
    """What every reference code has."""

    timeout: float = Field(
        600.0, gt=0, description="Time after which one run of one configuration is killed [s]"
    )
    retries: int = Field(
        1,
        ge=0,
        description=(
            "How often a failed run is tried again, first with another mixing or minimiser where "
            "the code has one; configurations the code cannot treat are not tried again"
        ),
    )
    max_failed_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description=(
            "Share of failed runs beyond which a campaign stops, judged from 20 runs on "
            "[dimensionless]"
        ),
    )


class TightBindingOptions(CodeOptions):
    """What the two tight-binding libraries share."""

    method: Literal["GFN2-xTB", "GFN1-xTB"] = Field(
        "GFN2-xTB",
        description=(
            "Hamiltonian; take GFN1-xTB for cells, where tblite's charges of GFN2-xTB do not "
            "match those of clusters (docs/references.md)"
        ),
    )
    accuracy: float = Field(
        1e-4,
        gt=0,
        le=1,
        description=(
            "Scale of the code's convergence thresholds (1 is 1e-6 hartree) [dimensionless]; "
            "1e-4 keeps the noise of Born effective charges below 1e-6 e"
        ),
    )
    max_iterations: int = Field(
        250, ge=1, description="Self-consistency cycles before a run counts as not converged"
    )
    electronic_temperature: float = Field(
        300.0, gt=0, description="Temperature of the electronic occupation [K]"
    )


class TbliteOptions(TightBindingOptions):
    """Extended tight binding with the tblite library: clusters and cells, fast, in-process."""

    kind: Literal["tblite"] = Field("tblite", description="Reference code")
    field: float = Field(
        5e-4,
        ge=1e-5,
        le=1e-2,
        description=(
            "Field strength of the finite differences for Born effective charges of clusters "
            "[atomic units, 51.4 V/Å]"
        ),
    )
    periodic_bec: bool = Field(
        False,
        description=(
            "Whether cells get polarization and Born effective charges too: three runs an atom, "
            "for 16 molecules of water 1 minute with GFN1-xTB and 4 with GFN2-xTB; larger cells "
            "need a longer timeout (docs/benchmarks.md)"
        ),
    )
    step: float = Field(
        1e-5,
        ge=1e-6,
        le=1e-2,
        description=(
            "Displacement of the finite differences, taken to one side, for Born effective charges "
            "of cells [Å]"
        ),
    )
    damping: float = Field(
        0.4,
        gt=0,
        le=1,
        description="Share of a new density that a self-consistency cycle mixes in [dimensionless]",
    )


class XtbOptions(TightBindingOptions):
    """Extended tight binding with the xtb library: clusters only, fields by displacement."""

    kind: Literal["xtb"] = Field("xtb", description="Reference code")
    step: float = Field(
        1e-3,
        ge=1e-5,
        le=1e-1,
        description="Displacement of the finite differences for Born effective charges [Å]",
    )


class CommandOptions(CodeOptions):
    """A program of the user's own, started once for each configuration."""

    kind: Literal["command"] = Field("command", description="Reference code")
    command: tuple[str, ...] = Field(
        min_length=1,
        description=(
            "Program and arguments, without a shell; it runs in an empty folder that holds "
            "input.extxyz and must write output.extxyz there with REF_* keys, so name other "
            "files by absolute paths"
        ),
    )
    retries: int = Field(0, ge=0, description="How often a failed run is tried again")


class AseOptions(CodeOptions):
    """Any ASE calculator that gives a dipole or Born effective charges."""

    kind: Literal["ase"] = Field("ase", description="Reference code")
    calculator: str = Field(
        pattern=r"^\w+(\.\w+)*:\w+$",
        description="Calculator class or factory as package.module:Name; campaigns run its code",
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="Keyword arguments of the calculator"
    )
    bec: Literal["calculator", "displacement", "none"] = Field(
        "displacement",
        description=(
            "Where Born effective charges come from: the calculator's own, displaced dipoles "
            "(six runs an atom, clusters only), or nowhere"
        ),
    )
    bec_convention: Literal["pol_disp", "disp_pol"] | None = Field(
        None,
        description=(
            "Index order of the calculator's own Born effective charges, polarization or "
            "displacement first; it must be given to take them"
        ),
    )
    step: float = Field(
        5e-3,
        ge=1e-5,
        le=1e-1,
        description="Displacement of the finite differences for Born effective charges [Å]",
    )


class RecordedOptions(CodeOptions):
    """Labels looked up in a file, for studies of selection on a labelled pool."""

    kind: Literal["recorded"] = Field("recorded", description="Reference code")
    file: AbsolutePath = Field(description="Labelled extxyz file with REF_* keys")
    retries: int = Field(0, ge=0, description="Of no use here: a file says the same again")
