"""Settings of a comparison of couplings."""

from pydantic import Field, PositiveInt, field_validator

from activecharge.model.model_options import Coupling
from activecharge.options import Options


class CompareOptions(Options):
    """What `activecharge compare` sets side by side.

    All models learn from the labels of `initial` and are judged by those of `test`.
    """

    couplings: tuple[Coupling, ...] = Field(
        ("independent", "global", "local", "dipolar"),
        min_length=1,
        description="Couplings to train, each with the rest of `model` and `training` as given.",
    )
    latent: bool = Field(
        True,
        description="Also train latent charges from energies, forces and stresses alone; their "
        "Born effective charges follow, untaught, from the charges.",
    )
    seeds: int = Field(3, ge=1, description="Trainings of each, which differ by their seed.")
    boxes: tuple[PositiveInt, ...] = Field(
        (11, 88, 297),
        description="Water molecules of the periodic boxes on which predictions are timed.",
    )

    @field_validator("couplings")
    @classmethod
    def _each_once(cls, couplings: tuple[Coupling, ...]) -> tuple[Coupling, ...]:
        if len(set(couplings)) < len(couplings):
            raise ValueError("a coupling is named twice")
        return couplings
