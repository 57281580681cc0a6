"""Settings of where configurations come from and which of them are sane."""

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt

from activecharge.options import Options

_Number = TypeVar("_Number", int, float)


def _ordered(bounds: tuple[_Number, _Number]) -> tuple[_Number, _Number]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"the lower bound {bounds[0]} exceeds the upper bound {bounds[1]}")
    return bounds


IntegerRange = Annotated[tuple[PositiveInt, PositiveInt], AfterValidator(_ordered)]
"""Two positive integers, lower and upper bound, both included."""

PositiveRange = Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(_ordered)]
"""Two positive numbers, lower and upper bound."""


class WaterOptions(Options):
    """What builders of water share: shape of the molecules and distance between them."""

    count: int = Field(100, description="configurations to deliver", ge=1)
    bond_spread: float = Field(
        0.04, description="standard deviation of O-H bond lengths [Å]", ge=0, le=0.08
    )
    angle_spread: float = Field(
        5.0, description="standard deviation of H-O-H angles [degree]", ge=0, le=15
    )
    min_distance: float = Field(
        1.5, description="least distance between atoms of different molecules [Å]", gt=0, le=2.5
    )


class ClustersOptions(WaterOptions):
    """Free clusters of water, grown molecule by molecule."""

    kind: Literal["clusters"] = Field("clusters", description="free clusters of water")
    molecules: IntegerRange = Field(
        (1, 8), description="smallest and largest number of molecules, all equally likely"
    )
    contact: PositiveRange = Field(
        (2.5, 3.6), description="range of the O-O distance of a molecule to one before it [Å]"
    )


class BoxesOptions(WaterOptions):
    """Cubic periodic boxes of water, filled by random insertion."""

    kind: Literal["boxes"] = Field("boxes", description="cubic periodic boxes of water")
    molecules: IntegerRange = Field(
        (16, 32), description="smallest and largest number of molecules, all equally likely"
    )
    density: float = Field(0.997, description="mass density [g/cm³]", gt=0, le=2)
    density_spread: float = Field(
        0.02, description="half width of the uniform spread of densities, relative", ge=0, le=0.5
    )
    min_oo: float = Field(2.5, description="least O-O distance [Å]", gt=0, le=3)


class RattleOptions(Options):
    """Frames already labelled, with their atoms displaced at random."""

    kind: Literal["rattle"] = Field("rattle", description="displaced labelled frames")
    count: int = Field(100, description="configurations to deliver", ge=1)
    amplitude: PositiveRange = Field(
        (0.02, 0.08),
        description="range of the standard deviation of each coordinate, one draw a frame [Å]",
    )


class FileOptions(Options):
    """Configurations from an extxyz file, in random order."""

    kind: Literal["file"] = Field("file", description="configurations from an extxyz file")
    path: str = Field(description="the extxyz file", min_length=1)
    count: int | None = Field(
        None, description="configurations to deliver; all of them when absent", ge=1
    )


class SpreadLimits(Options):
    """Spread of a frame's worst atom beyond which a walker has run away.

    What the committee gives no spread of, as of forces with `uncertainty: last_layer`, stops none.
    """

    forces: float = Field(2.0, gt=0, description="Forces [eV/Å].")
    charges: float = Field(0.1, gt=0, description="Static charges [e].")
    bec: float = Field(0.3, gt=0, description="Born effective charges [e].")


class DynamicsOptions(Options):
    """Langevin dynamics from labelled frames, driven by the committee's mean forces."""

    kind: Literal["dynamics"] = Field("dynamics", description="committee-driven dynamics")
    walkers: int = Field(
        12, ge=1, description="independent trajectories; they share the temperatures evenly"
    )
    temperatures: tuple[PositiveFloat, ...] = Field(
        (300.0, 450.0, 600.0), min_length=1, description="thermostat temperatures [K]"
    )
    steps: int = Field(200, ge=1, description="time steps of a trajectory")
    timestep: float = Field(0.5, gt=0, le=2, description="time step [fs]")
    friction: float = Field(0.02, gt=0, description="Langevin friction [1/fs]")
    interval: int = Field(
        20, ge=1, description="steps between kept frames; the runaway checks are made then"
    )
    limits: SpreadLimits = Field(
        default_factory=SpreadLimits,
        description="a walker stops once its spread passes one of these",
    )


SourceOptions = Annotated[
    ClustersOptions | BoxesOptions | RattleOptions | FileOptions, Field(discriminator="kind")
]
"""Any source of configurations that needs no committee, told apart by `kind`."""

ExploreOptions = Annotated[
    ClustersOptions | BoxesOptions | RattleOptions | FileOptions | DynamicsOptions,
    Field(discriminator="kind"),
]
"""Any source of configurations, told apart by `kind`."""


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
