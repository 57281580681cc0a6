"""Settings of the stages of a simulation, and of fields that act in them."""

from typing import Annotated, Literal

from pydantic import Field

from activecharge.options import Options

Vector = tuple[float, float, float]


class ConstantField(Options):
    """A field that is the same all the time."""

    kind: Literal["constant"] = Field("constant", description="a field that stays the same")
    vector: Vector = Field(description="the field along x, y and z [V/Å]")


class OscillatingField(Options):
    """A field E cos(ωt + φ), t counted from the stage's beginning."""

    kind: Literal["oscillating"] = Field("oscillating", description="a field E cos(ωt + φ)")
    vector: Vector = Field(description="its amplitude along x, y and z [V/Å]")
    wavenumber: float = Field(description="ω/2πc [1/cm]", gt=0)
    phase: float = Field(0.0, description="φ [degree]")


class PulseField(Options):
    """A field E exp(−(t − t₀)²/2w²) cos(ω(t − t₀)), t counted from the stage's beginning."""

    kind: Literal["pulse"] = Field("pulse", description="a Gaussian pulse")
    vector: Vector = Field(description="its amplitude along x, y and z [V/Å]")
    centre: float = Field(description="t₀ [fs]", ge=0)
    width: float = Field(description="w, its standard deviation [fs]", gt=0)
    wavenumber: float = Field(0.0, description="ω/2πc; 0 for a pulse of one sign [1/cm]", ge=0)


FieldOptions = Annotated[ConstantField | OscillatingField | PulseField, Field(discriminator="kind")]
"""A uniform electric field, told apart by `kind`."""


class StageOptions(Options):
    """What all stages have."""

    name: str = Field(
        "", description="Name of its folder; absent: the ensemble.", pattern=r"^[A-Za-z0-9_-]*$"
    )
    steps: int = Field(10_000, ge=1, description="Time steps.")
    temperature: float | None = Field(
        None, gt=0, description="In place of the simulation's temperature [K]."
    )


class NveStage(StageOptions):
    """Constant energy: velocity Verlet."""

    kind: Literal["nve"] = Field("nve", description="constant energy and volume")
    field: FieldOptions | None = Field(None, description="A uniform field; absent: none.")


class NvtStage(StageOptions):
    """Constant temperature and volume.

    `bussi` rescales all velocities by one random factor (Bussi, Donadio, Parrinello, J. Chem. Phys.
    126, 014101 (2007), https://doi.org/10.1063/1.2408420) and disturbs spectra little. `langevin`
    (BAOAB: Leimkuhler, Matthews, J. Chem. Phys. 138, 174102 (2013),
    https://doi.org/10.1063/1.4802990) brings every atom to the temperature, and spoils spectra.
    """

    kind: Literal["nvt"] = Field("nvt", description="constant temperature and volume")
    thermostat: Literal["bussi", "langevin"] = Field("bussi", description="Which thermostat.")
    relaxation: float = Field(
        100.0, gt=0, description="Relaxation time of the kinetic energy by `bussi` [fs]."
    )
    friction: float = Field(0.01, gt=0, description="Friction of `langevin` [1/fs].")
    field: FieldOptions | None = Field(None, description="A uniform field; absent: none.")


class NptStage(StageOptions):
    """Constant temperature and pressure: the cell keeps its shape.

    Stochastic cell rescaling (Bernetti, Bussi, J. Chem. Phys. 153, 114107 (2020),
    https://doi.org/10.1063/5.0020514) with Bussi's thermostat.
    """

    kind: Literal["npt"] = Field("npt", description="constant temperature and pressure")
    relaxation: float = Field(
        100.0, gt=0, description="Relaxation time of the kinetic energy [fs]."
    )
    pressure: float = Field(1.0, description="Pressure [bar].")
    pressure_relaxation: float = Field(
        1000.0, gt=0, description="Relaxation time of the volume [fs]."
    )
    compressibility: float = Field(
        4.5e-5,
        gt=0,
        description="Guess of the isothermal compressibility, which with the relaxation time says "
        "how fast the volume moves, and not where to; water's by default [1/bar].",
    )
    every: int = Field(
        10, ge=1, description="Steps between changes of the cell, for which alone stress is had."
    )


AnyStage = Annotated[NveStage | NvtStage | NptStage, Field(discriminator="kind")]
"""A stage, its ensemble told by `kind`."""
