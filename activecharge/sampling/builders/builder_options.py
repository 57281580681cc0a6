"""Settings of sources that make configurations from nothing, or read them from a file."""

from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PositiveFloat,
    PositiveInt,
    WithJsonSchema,
)

from activecharge.options import Options

_Number = TypeVar("_Number", int, float)


def _ordered(bounds: tuple[_Number, _Number]) -> tuple[_Number, _Number]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"the lower bound {bounds[0]} exceeds the upper bound {bounds[1]}")
    return bounds


def _as_ladder(value: object) -> object:
    return (value,) if isinstance(value, int | float) else value


IntegerRange = Annotated[tuple[PositiveInt, PositiveInt], AfterValidator(_ordered)]
"""Two positive integers, lower and upper bound, both included."""

PositiveRange = Annotated[tuple[PositiveFloat, PositiveFloat], AfterValidator(_ordered)]
"""Two positive numbers, lower and upper bound."""

Density = Annotated[float, Field(gt=0, le=2)]
"""Mass density [g/cm³]."""

_DENSITY_SCHEMA = {"type": "number", "exclusiveMinimum": 0, "maximum": 2}

DensityLadder = Annotated[
    tuple[Density, ...],
    Field(min_length=1),
    BeforeValidator(_as_ladder),
    WithJsonSchema(
        {"anyOf": [_DENSITY_SCHEMA, {"type": "array", "items": _DENSITY_SCHEMA, "minItems": 1}]}
    ),
]
"""Mass densities [g/cm³]; a single number is a ladder of one rung."""


class MoleculeOptions(Options):
    """What all builders of water share: how many frames, and the shape of molecules."""

    count: int = Field(100, description="configurations to deliver", ge=1)
    bond_spread: float = Field(
        0.04, description="standard deviation of O-H bond lengths [Å]", ge=0, le=0.08
    )
    angle_spread: float = Field(
        5.0, description="standard deviation of H-O-H angles [degree]", ge=0, le=15
    )


class WaterOptions(MoleculeOptions):
    """What builders share that place molecules at random."""

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
    density: DensityLadder = Field(
        (0.997,), description="mass density, or a ladder of them, taken in turn [g/cm³]"
    )
    density_spread: float = Field(
        0.02, description="half width of the uniform spread of densities, relative", ge=0, le=0.5
    )
    min_oo: float = Field(2.5, description="least O-O distance [Å]", gt=0, le=3)


class IceOptions(MoleculeOptions):
    """Periodic ice with disordered protons: every molecule gives two hydrogen bonds and takes two,
    and the cell has no net dipole."""

    kind: Literal["ice"] = Field("ice", description="periodic proton-disordered ice")
    structure: Literal["Ih", "Ic"] = Field(
        "Ih", description="hexagonal ice, in orthorhombic cells of 8 molecules, or cubic ice"
    )
    repeats: tuple[PositiveInt, PositiveInt, PositiveInt] = Field(
        (2, 1, 1), description="cells along each axis; one of Ih is 4.5 by 7.8 by 7.4 Å"
    )
    density: DensityLadder = Field(
        (0.92,), description="mass density, or a ladder of them, taken in turn [g/cm³]"
    )
    shift: float = Field(
        0.1,
        description="standard deviation of each molecule's place, in every direction [Å]",
        ge=0,
        le=0.3,
    )


class SlabsOptions(Options):
    """Slabs of water or ice between vacuum, periodic in all three directions: the model and most
    references know no two-dimensional periodicity, so images are kept apart by the vacuum."""

    kind: Literal["slabs"] = Field("slabs", description="vacuum-padded slabs of water or ice")
    count: int = Field(100, description="configurations to deliver", ge=1)
    of: Annotated[BoxesOptions | IceOptions, Field(discriminator="kind")] = Field(
        default_factory=BoxesOptions,
        description="the bulk that is cut, at a random plane across a random axis: settings of "
        "boxes or ice, whose `count` is not used",
    )
    vacuum: PositiveRange = Field(
        (10.0, 16.0), description="range of the vacuum's thickness, one draw a frame [Å]"
    )


class FileOptions(Options):
    """Configurations from an extxyz file, in random order."""

    kind: Literal["file"] = Field("file", description="configurations from an extxyz file")
    path: str = Field(description="the extxyz file", min_length=1)
    count: int | None = Field(
        None, description="configurations to deliver; all of them when absent", ge=1
    )
