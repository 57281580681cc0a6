"""Settings of committee-driven dynamics."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat

from activecharge.options import Options
from activecharge.sampling.builders.builder_options import (
    Density,
    IntegerRange,
)
from activecharge.sampling.derived.derived_options import Undriven


class SpreadLimits(Options):
    """Spread of a frame's worst atom beyond which a walker has run away.

    What the committee gives no spread of, as of forces with `uncertainty: last_layer`, stops none.
    """

    forces: float = Field(2.0, gt=0, description="Forces [eV/Å].")
    charges: float = Field(0.1, gt=0, description="Static charges [e].")
    bec: float = Field(0.3, gt=0, description="Born effective charges [e].")


class BiasOptions(Options):
    """A push to where members disagree, after hyperactive learning and uncertainty-driven dynamics.

    The bias is the energy −energy · Σ_i (1 − exp(−½ (s_i / (reach · s_0))²)), where s_i is the
    spread at atom i and s_0 the typical one of its element in labelled frames. It levels off where
    members disagree clearly, gives an atom no more than `energy`, and its force is scaled down to
    `max_force`.
    """

    property: Literal["charges", "bec"] = Field(
        "charges", description="Whose spread draws; `bec` costs more."
    )
    energy: float = Field(0.2, gt=0, le=2, description="The most an atom gains [eV].")
    reach: float = Field(
        2.0, gt=0, description="Spread, in units of that in labelled frames, that draws most."
    )
    max_force: float = Field(
        1.0, gt=0, le=5, description="Largest force of the bias on an atom [eV/Å]."
    )


class DynamicsOptions(Options):
    """Langevin dynamics from labelled frames, driven by the committee's mean forces.

    Walkers share each ladder (temperatures, densities, fields) evenly and combine them at random.
    """

    kind: Literal["dynamics"] = Field("dynamics", description="committee-driven dynamics")
    starts: Annotated[Undriven, Field(discriminator="kind")] | None = Field(
        None,
        description="where walkers start: settings of any source but dynamics, which gives one "
        "frame a walker; absent: labelled frames",
    )
    walkers: int = Field(12, ge=1, description="independent trajectories")
    batch: int = Field(
        12,
        ge=1,
        description="walkers that go through the network together; more suit a GPU, fewer spread "
        "the walkers over more CPUs",
    )
    temperatures: tuple[PositiveFloat, ...] = Field(
        (300.0, 450.0, 600.0), min_length=1, description="thermostat temperatures [K]"
    )
    densities: tuple[Density, ...] = Field(
        (),
        description="mass densities to which periodic starts are brought, molecules staying "
        "rigid; empty: as they are [g/cm³]",
    )
    fields: tuple[Annotated[NonNegativeFloat, Field(le=2)], ...] = Field(
        (0.0,),
        min_length=1,
        description="strengths of a uniform electric field in a random direction, one a walker; "
        "it acts on the committee's mean Born effective charges [V/Å]",
    )
    bias: BiasOptions | None = Field(None, description="a push towards disagreement; absent: none")
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
    carve: IntegerRange | None = Field(
        None,
        description="of periodic frames, keep only a free cluster of so many molecules around the "
        "atom that members disagree about most; frames with molecules that are not whole are left "
        "out; absent: keep whole frames",
    )
