"""Settings of a simulation."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, field_validator, model_validator

from activecharge.options import Options
from activecharge.sampling.source_options import BoxesOptions, ClustersOptions, IceOptions
from activecharge.simulation.stage_options import AnyStage, NveStage, NvtStage


class FileStart(Options):
    """A frame of a file."""

    kind: Literal["file"] = Field("file", description="a frame of a file")
    path: str = Field(description="extxyz, or what ASE reads", min_length=1)
    frame: int | Literal["all"] = Field(
        0,
        description="which frame, counting from 0, from the end if negative; `all`: each is a "
        "start of its own",
    )
    velocities: Literal["draw", "keep"] = Field(
        "draw", description="whether velocities are drawn, or those of the file's momenta"
    )


StartOptions = Annotated[
    FileStart | BoxesOptions | ClustersOptions | IceOptions, Field(discriminator="kind")
]
"""Where a simulation starts: a file, or a builder, whose `count` is not used."""


class GuardOptions(Options):
    """What is done where the committee no longer knows.

    An atom's expected error of forces, charges or Born effective charges counts in units of what
    95 % of the atoms of the control labels stay below. Without a calibration there is no guard.
    """

    beyond: float = Field(
        2.0, gt=0, description="Expected error, in such units, beyond which a frame is uncertain."
    )
    then: Literal["warn", "stop", "continue"] = Field(
        "warn", description="What to do then: say it once, stop, or go on in silence."
    )
    keep: int = Field(
        50, ge=0, description="The most uncertain frames kept, in `uncertain.extxyz`."
    )
    apart: float = Field(
        100.0, ge=0, description="Least time between kept frames of one replica [fs]."
    )


def _stages() -> tuple[AnyStage, ...]:
    return (NvtStage(name="equilibrate", steps=2_000), NveStage(name="sample", steps=10_000))


class SimulationOptions(Options):
    """A simulation that a committee drives: what `activecharge simulate` can be told."""

    committee: str | None = Field(
        None, description="Folder of a committee, or a run directory.", min_length=1
    )
    start: StartOptions | None = Field(None, description="Where it starts.")
    forces: Literal["mean", "each"] | NonNegativeInt = Field(
        "mean",
        description="What drives: the `mean` of the members; one member, by its number; or `each`: "
        "a replica for each member, for error bars that contain the forces'.",
    )
    replicas: int = Field(
        1,
        ge=1,
        description="Trajectories side by side with velocities of their own, from builders also "
        "positions; with `each`, for each member; with frames `all`, from each frame.",
    )
    seed: int = Field(0, ge=0, description="Seed of everything random.")
    timestep: float = Field(0.5, gt=0, le=5, description="Time step [fs].")
    temperature: float = Field(
        300.0, gt=0, description="Of all stages that name no other; of the first velocities [K]."
    )
    stages: tuple[AnyStage, ...] = Field(
        default_factory=_stages,
        min_length=1,
        description="What is done in turn, by default 1 ps of NVT, then 5 ps of NVE. The last one "
        "samples.",
    )
    sample_every: int = Field(
        4,
        ge=1,
        description="Steps between rows of the table, for which Born effective charges of every "
        "member are had.",
    )
    currents: Literal["all", "driver"] = Field(
        "all",
        description="Of which members each row tells Ṁ: `all`, or with `forces` of one member the "
        "`driver` alone, which costs less and leaves the guard without spreads.",
    )
    frames_every: int = Field(100, ge=1, description="Steps between frames of the trajectory.")
    checkpoint_every: int = Field(
        200, ge=1, description="Steps after which all is written, from where a stopped run goes on."
    )
    relax: float = Field(
        0.5,
        ge=0,
        description="Largest force to which the frames of a builder are relaxed before the first "
        "stage; 0 leaves them as they are drawn [eV/Å].",
    )
    remove_rotation: bool = Field(
        True, description="Whether free clusters are kept from turning; where no field acts."
    )
    skin: float = Field(
        0.5, ge=0, le=3, description="How far beyond the cutoff neighbours are listed [Å]."
    )
    guard: GuardOptions = Field(
        default_factory=GuardOptions, description="Where the committee no longer knows."
    )

    @field_validator("stages")
    @classmethod
    def _names(cls, stages: tuple[AnyStage, ...]) -> tuple[AnyStage, ...]:
        named = tuple(s.model_copy(update={"name": s.name or s.kind}) for s in stages)
        names = [stage.name for stage in named]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"two stages are named {twice[0]!r}; give each a `name` of its own")
        return named

    @model_validator(mode="after")
    def _one_driver(self) -> "SimulationOptions":
        if self.currents == "driver" and not isinstance(self.forces, int):
            raise ValueError(
                f"currents driver is for the forces of one member, not of {self.forces}; give "
                "forces a member's number, or remove it"
            )
        return self

    @model_validator(mode="after")
    def _whole_blocks(self) -> "SimulationOptions":
        if self.checkpoint_every % self.sample_every:
            raise ValueError(
                f"checkpoint_every {self.checkpoint_every} must be a multiple of sample_every "
                f"{self.sample_every}; give such a number"
            )
        for stage in self.stages:
            if stage.steps < self.sample_every:
                raise ValueError(
                    f"stages: {stage.name!r} has {stage.steps} steps, fewer than sample_every "
                    f"{self.sample_every}, so that its table would be empty; give more steps"
                )
        return self
