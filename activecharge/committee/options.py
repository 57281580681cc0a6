"""Settings of scoring and selection."""

from typing import Literal

from pydantic import Field

from activecharge.options import Options


class ScoreWeights(Options):
    """How much each property's disagreement counts in a frame's score.

    Disagreements are divided by the pool's median of that property first, so equal weights
    let properties of different size and unit weigh alike.
    """

    charges: float = Field(1.0, ge=0, description="Static charges.")
    bec: float = Field(1.0, ge=0, description="Born effective charges.")
    forces: float = Field(0.0, ge=0, description="Forces.")
    energy: float = Field(0.0, ge=0, description="Energy per atom.")


class Thresholds(Options):
    """Spread of a frame's worst atom above which it is worth a label; absent: no threshold."""

    charges: float | None = Field(None, gt=0, description="Static charges [e].")
    bec: float | None = Field(None, gt=0, description="Born effective charges [e].")
    forces: float | None = Field(None, gt=0, description="Forces [eV/Å].")
    energy: float | None = Field(None, gt=0, description="Energy per atom [eV].")


class SelectionOptions(Options):
    """Which candidates of a round are labelled."""

    batch: int = Field(20, ge=1, description="Labels a round.")
    control: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Share of the batch drawn at random from all candidates; their errors, "
        "predicted before training on them, are the campaign's honest learning curve.",
    )
    reduce: Literal["max", "mean"] = Field(
        "max", description="A frame's disagreement is that of its worst atom, or the mean."
    )
    weights: ScoreWeights = Field(default_factory=ScoreWeights, description="Weight per property.")
    threshold: Thresholds = Field(
        default_factory=Thresholds,
        description="Uncertain frames must exceed at least one of these, where any is given.",
    )
    diversity: float = Field(
        0.5,
        ge=0,
        description="Least distance between chosen frames, and to labelled ones, in the "
        "backbone's descriptor space, as a multiple of the pool's median nearest-neighbour "
        "distance; 0 turns thinning off.",
    )
