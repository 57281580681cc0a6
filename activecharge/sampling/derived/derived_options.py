"""Settings of sources that change other frames: those labelled, or of another source."""

from typing import TYPE_CHECKING, Annotated, Literal, Union

from pydantic import Field

from activecharge.options import Options
from activecharge.sampling.builders.builder_options import (
    BoxesOptions,
    ClustersOptions,
    FileOptions,
    IceOptions,
    IntegerRange,
    PositiveRange,
    SlabsOptions,
)
from activecharge.sampling.foreign_sources import FOREIGN

_OF = (
    "what is changed: settings of clusters, boxes, ice, slabs or a file, whose `count` is not "
    "used; absent: labelled frames"
)

Parents = Annotated[
    ClustersOptions | BoxesOptions | IceOptions | SlabsOptions | FileOptions,
    Field(discriminator="kind"),
]
"""Sources that stand alone."""

PeriodicParents = Annotated[BoxesOptions | IceOptions | FileOptions, Field(discriminator="kind")]
"""Sources of periodic frames that stand alone."""


class RattleOptions(Options):
    """Frames already labelled, with their atoms displaced at random."""

    kind: Literal["rattle"] = Field("rattle", description="displaced labelled frames")
    count: int = Field(100, description="configurations to deliver", ge=1)
    amplitude: PositiveRange = Field(
        (0.02, 0.08),
        description="range of the standard deviation of each coordinate, one draw a frame [Å]",
    )


class CarvedOptions(Options):
    """Free clusters cut out of periodic frames: a molecule and those nearest to it, all whole.

    Their insides are as in the liquid or in ice, for the price of a cluster's label.
    """

    kind: Literal["carved"] = Field("carved", description="clusters carved from periodic frames")
    count: int = Field(100, description="configurations to deliver", ge=1)
    of: PeriodicParents | None = Field(
        None,
        description="what is carved: settings of boxes, ice or a file, whose `count` is not used; "
        "absent: labelled frames that are periodic",
    )
    molecules: IntegerRange = Field(
        (3, 10), description="smallest and largest number of molecules, all equally likely"
    )


class CompressedOptions(Options):
    """Frames with molecules nearer to one another, and some with compressed bonds."""

    kind: Literal["compressed"] = Field("compressed", description="frames under compression")
    count: int = Field(100, description="configurations to deliver", ge=1)
    of: Parents | None = Field(None, description=_OF)
    spacing: PositiveRange = Field(
        (0.92, 1.0),
        description="range of the factor on the places of molecules and on the cell, one draw a "
        "frame; molecules stay rigid",
    )
    bonds: PositiveRange = Field(
        (0.82, 0.93), description="range of the O-H bonds of compressed molecules [Å]"
    )
    share: float = Field(
        0.3, description="share of the molecules whose bonds are compressed", ge=0, le=1
    )


class DissociatedOptions(Options):
    """Frames in which protons are on their way from one molecule to another.

    Needs `sanity.allow_dissociated`.
    """

    kind: Literal["dissociated"] = Field("dissociated", description="molecules coming apart")
    count: int = Field(100, description="configurations to deliver", ge=1)
    of: Parents | None = Field(None, description=_OF)
    protons: IntegerRange = Field(
        (1, 1), description="fewest and most protons that leave, all equally likely"
    )
    distance: PositiveRange = Field(
        (1.2, 1.8),
        description="range of the distance that a proton has from the oxygen it leaves [Å]; it "
        "goes straight to the nearest other one, up to 0.95 Å, or where that is over 2.6 Å "
        "away, along its own bond",
    )


_Own = (
    ClustersOptions
    | BoxesOptions
    | IceOptions
    | SlabsOptions
    | FileOptions
    | RattleOptions
    | CarvedOptions
    | CompressedOptions
    | DissociatedOptions
)

if TYPE_CHECKING:
    Undriven = _Own
else:
    Undriven = Union[(_Own, *(source.OPTIONS for source in FOREIGN.values()))]
"""Any source that needs no committee, those of other packages among them."""
