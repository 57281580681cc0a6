"""Settings of where configurations come from and which of them are sane."""

from typing import Annotated

from pydantic import Field

from activecharge.options import Options
from activecharge.sampling.builders.builder_options import (
    BoxesOptions,
    ClustersOptions,
    FileOptions,
    IceOptions,
    SlabsOptions,
)
from activecharge.sampling.derived.derived_options import (
    CarvedOptions,
    CompressedOptions,
    DissociatedOptions,
    RattleOptions,
    Undriven,
)
from activecharge.sampling.dynamics.dynamics_options import (
    BiasOptions,
    DynamicsOptions,
    SpreadLimits,
)

__all__ = [
    "BiasOptions",
    "BoxesOptions",
    "CarvedOptions",
    "ClustersOptions",
    "CompressedOptions",
    "DissociatedOptions",
    "DynamicsOptions",
    "ExploreOptions",
    "FileOptions",
    "IceOptions",
    "RattleOptions",
    "SanityOptions",
    "SlabsOptions",
    "SourceOptions",
    "SpreadLimits",
    "needs_labelled",
]

SourceOptions = Annotated[Undriven, Field(discriminator="kind")]
"""Any source of configurations that needs no committee, told apart by `kind`."""

ExploreOptions = Annotated[Undriven | DynamicsOptions, Field(discriminator="kind")]
"""Any source of configurations, told apart by `kind`."""


def needs_labelled(source: Options) -> bool:
    """Whether a source, one of the above, has nothing to begin with but labelled frames."""
    if isinstance(source, DynamicsOptions):
        return True
    if getattr(type(source), "needs_labelled", False):  # of another package
        return True
    return isinstance(source, RattleOptions) or getattr(source, "of", source) is None


class SanityOptions(Options):
    """Which configurations are worth a reference calculation."""

    min_oh: float = Field(0.7, description="least O-H distance [Å]", ge=0, lt=1)
    min_oo: float = Field(1.8, description="least O-O distance [Å]", ge=0, le=2.6)
    min_hh: float = Field(0.9, description="least H-H distance [Å]", ge=0, le=1.5)
    min_other: float = Field(
        0.7,
        description="least distance of other pairs of elements, relative to the sum of their "
        "covalent radii",
        ge=0,
        le=1.5,
    )
    max_bond: float = Field(1.25, description="longest O-H bond of a whole molecule [Å]", gt=1)
    allow_dissociated: bool = Field(
        False, description="accept O and H that do not form whole water molecules"
    )
    max_gap: float = Field(
        6.0,
        description="largest distance between the parts of a free cluster, atom to atom [Å]",
        gt=2,
    )
