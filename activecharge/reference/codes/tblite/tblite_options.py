"""Settings of the tblite library."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from activecharge.reference.codes.code_options import CodeOptions, Package, TightBindingOptions


class TbliteOptions(TightBindingOptions):
    """Extended tight binding with the tblite library: clusters and cells, fast, in-process."""

    for_cells: ClassVar[Mapping[str, object]] = {
        "method": "GFN1-xTB",
        "periodic_bec": True,
        "timeout": 3600.0,
    }
    packages = (Package("tblite", "reference tblite", "pip install tblite"),)

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

    def remedies(self) -> list[CodeOptions]:
        """Return what to try next: gentler mixing and more cycles."""
        gentle = {"damping": self.damping / 2, "max_iterations": 2 * self.max_iterations}
        return [self.model_copy(update=gentle)]
