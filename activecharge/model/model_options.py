"""Settings of one charge model."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from activecharge.options import Options

Coupling = Literal["independent", "global", "local", "dipolar"]


class ModelOptions(Options):
    """Backbone and heads of every committee member."""

    coupling: Coupling = Field(
        "independent",
        description="How Born effective charges follow from the model: `independent` (own "
        "tensor head), `global` (charges times one screening factor), `local` (a screening "
        "factor per atom), `dipolar` (charges plus atomic dipoles).",
    )
    screening: Literal["learned", "fitted"] | Annotated[float, Field(gt=0)] = Field(
        "learned",
        description="The factor of the global coupling: `learned` along with the charges, `fitted` "
        "to Born effective charges by least squares once energies, forces and charges are learned, "
        "or a fixed number.",
    )
    charges: Literal["reference", "latent"] = Field(
        "reference",
        description="What teaches the static charges: `reference` partial charges, or `latent`: "
        "only energy, forces, dipole and Born effective charges (oxygen is made negative).",
    )
    coulomb_exclusion: float = Field(
        3.0,
        ge=0,
        description="Distance within which the Coulomb energy of pairs fades out and is left to "
        "the network, at most the cutoff; 0 keeps bare point charges at all distances [Å].",
    )
    coulomb_accuracy: float = Field(
        1e-4,
        ge=1e-6,
        le=1e-2,
        description="Error of Coulomb forces in periodic frames relative to their size, from which "
        "the Ewald sum's Gaussians, waves and mesh follow.",
    )
    interactions: int = Field(
        1, ge=1, le=4, description="Message-passing interactions of the MACE backbone."
    )
    cutoff: float = Field(5.0, gt=1.0, description="Radius of an atom's environment [Å].")
    channels: int = Field(16, ge=1, description="Channels per angular momentum.")
    max_ell: int = Field(2, ge=2, le=4, description="Highest ℓ of the spherical harmonics.")
    correlation: int = Field(
        2, ge=1, le=4, description="Correlation order of the MACE product (body order minus one)."
    )
    radial: int = Field(8, ge=1, description="Bessel functions of the radial basis.")
    dtype: Literal["float32", "float64"] = Field(
        "float32", description="Floating-point type for training and prediction."
    )

    @model_validator(mode="after")
    def _exclusion_within_cutoff(self) -> "ModelOptions":
        if self.coulomb_exclusion > self.cutoff:
            raise ValueError(
                f"coulomb_exclusion {self.coulomb_exclusion} exceeds the cutoff {self.cutoff}"
            )
        return self

    @model_validator(mode="after")
    def _screening_only_where_global(self) -> "ModelOptions":
        if self.screening != "learned" and self.coupling != "global":
            raise ValueError(
                f"screening {self.screening} is for the coupling global, not {self.coupling}"
            )
        return self
