"""Settings of spectra and vibrations."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, model_validator

from activecharge.options import Options

Window = Literal["hann", "blackman", "gaussian", "rectangular"]
Correction = Literal["harmonic", "classical", "standard", "schofield", "mixed"]
Marks = Literal["liquid", "gas"]


class SpectrumOptions(Options):
    """How an infrared spectrum is made of a simulation's current."""

    resolution: float = Field(
        20.0, gt=0, le=1000, description="Full width at half height that a sharp line gets [cm⁻¹]."
    )
    window: Window = Field("hann", description="Taper of the segments of a trajectory.")
    upto: float = Field(4500.0, gt=0, description="Highest wavenumber [cm⁻¹].")
    lowest: float | None = Field(
        None,
        gt=0,
        description="Where peaks and the contribution to ε begin [cm⁻¹]; absent: twice the "
        "resolution, below which the window mixes in what rotates and drifts.",
    )
    blocks: int | None = Field(
        None,
        ge=1,
        description="Parts of each trajectory that are taken for independent; absent: as many as "
        "are as long as a segment, at most 8.",
    )
    correction: Correction = Field(
        "harmonic", description="Quantum correction; `classical` is the same as `harmonic`."
    )
    temperature: PositiveFloat | None = Field(
        None, description="Of the formula [K]; absent: of each trajectory, that of its velocities."
    )
    step_correction: bool = Field(
        True,
        description="Whether to take back the shift that the steps of velocity Verlet give to "
        "frequencies, ω = (2/Δt) sin(ω′Δt/2).",
    )
    skip: float = Field(0.0, ge=0, description="Left out at the beginning of each trajectory [ps].")
    stage: str | None = Field(
        None, description="Stage of the simulation; absent: the last, which samples."
    )
    bands: tuple[tuple[float, float], ...] = Field(
        ((300.0, 1200.0), (1200.0, 2500.0), (2500.0, 4500.0)),
        description="Ranges [cm⁻¹] whose areas are told; those of H2O's librations, bends and "
        "stretches.",
    )
    prominence: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.03, description="How far a peak stands out, as a share of the highest."
    )

    @model_validator(mode="after")
    def _check(self) -> "SpectrumOptions":
        for low, high in self.bands:
            if not 0 <= low < high:
                raise ValueError(
                    f"band {low:g}:{high:g} is empty; give two wavenumbers, the lower one first"
                )
        start = self.lowest or 2 * self.resolution
        if start >= self.upto:
            raise ValueError(
                f"nothing is left between {start:g} cm⁻¹, where peaks begin, and `upto`, "
                f"{self.upto:g} cm⁻¹; raise it, or lower `resolution` or `lowest`"
            )
        return self


class VibrationsOptions(Options):
    """How harmonic vibrations of a cluster are found."""

    fmax: float = Field(
        1e-4, gt=0, description="Largest force on an atom at which relaxing ends [eV/Å]."
    )
    steps: int = Field(1000, ge=1, description="Steps of the relaxation at most.")
    displacement: float = Field(
        0.005, gt=0, le=0.1, description="By which atoms are moved for central differences [Å]."
    )
    degenerate: float = Field(
        0.5, ge=0, description="Modes closer than this are one degenerate set [cm⁻¹]."
    )
