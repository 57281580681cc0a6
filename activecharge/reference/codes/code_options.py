"""What the settings of all reference codes share."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from activecharge.options import Options

AbsolutePath = Annotated[Path, AfterValidator(Path.absolute)]
"""A file that is found from any folder; codes run in scratch folders of their own."""


@dataclass(frozen=True)
class Package:
    """A Python package that something needs.

    Attributes
    ----------
    name : str
        As its distribution is called.
    purpose : str
        What it is for.
    install : str
        Command that installs it.
    """

    name: str
    purpose: str
    install: str


class CodeOptions(Options):
    """What every reference code has: settings, and facts that a code may override.

    Attributes
    ----------
    kind : str
        Name of the code; each class gives its own as a `Literal` with a default.
    wider : mapping of str to float
        Tolerances of gates that the code needs wider than `gate_options.TOLERANCES`, by name.
    probe : mapping of str to object
        Settings with which the doctor labels one molecule: fast, or possible at all.
    for_cells : mapping of str to object, or None
        Settings that a campaign on periodic cells begins with; None for a code that refuses cells.
    packages : tuple of Package
        What the doctor looks for beside the code itself.
    leaves_processes : bool
        Whether runs may leave processes behind, which must not outlive their label.
    """

    wider: ClassVar[Mapping[str, float]] = {}
    probe: ClassVar[Mapping[str, object]] = {}
    for_cells: ClassVar[Mapping[str, object] | None] = {}
    packages: ClassVar[tuple[Package, ...]] = ()
    leaves_processes: ClassVar[bool] = False
    if TYPE_CHECKING:  # a field here would change the order of every code's keys
        kind: str

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

    def remedies(self) -> list["CodeOptions"]:
        """Return settings to try one after another when a run has failed; none for most codes."""
        return []


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
