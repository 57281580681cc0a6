"""Settings of scoring and selection."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from activecharge.extensions import STRATEGIES, names
from activecharge.options import Options

if TYPE_CHECKING:
    Strategy = str
else:
    Strategy = Literal[("top", "threshold", "logdet", "farthest", "random", *names(STRATEGIES))]
"""How a batch is chosen; other packages may bring more."""


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
    """Expected error of a frame's worst atom above which it is worth a label; absent: none.

    Before there are enough blind predictions to calibrate a property, its plain spread counts.
    """

    charges: float | None = Field(None, gt=0, description="Static charges [e].")
    bec: float | None = Field(None, gt=0, description="Born effective charges [e].")
    forces: float | None = Field(None, gt=0, description="Forces [eV/Å].")
    energy: float | None = Field(None, gt=0, description="Energy per atom [eV].")


class SelectionOptions(Options):
    """Which candidates of a round are labelled.

    Strategies: `top` takes the most uncertain frames, `threshold` any frames above the threshold,
    in random order, both thinned by `diversity`; `logdet` weighs uncertainty against likeness
    by the determinant of a kernel (the most probable batch of a determinantal point process);
    `farthest` takes what lies farthest from all that is known, whatever its uncertainty;
    `random` takes any.
    """

    batch: int = Field(20, ge=1, description="Labels a round.")
    strategy: Strategy = Field(
        "logdet", description="How the batch is chosen, but for its control share."
    )
    control: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Share of the batch drawn at random from all candidates; their errors, "
        "predicted before training on them, are the campaign's honest learning curve.",
    )
    reduce: Literal["max", "mean", "information"] = Field(
        "information",
        description="A frame's disagreement is that of its worst atom, the mean, or what its label "
        "would tell: the sum of logarithms over atoms, so that many uncertain atoms count as much "
        "as one that is far off. Large frames tell more and cost more; take `mean` where labels of "
        "whole molecules in many sizes are to be cheap.",
    )
    weights: ScoreWeights = Field(default_factory=ScoreWeights, description="Weight per property.")
    threshold: Thresholds = Field(
        default_factory=Thresholds,
        description="Frames must exceed at least one of these, where any is given, but for the "
        "control share.",
    )
    quotas: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict,
        description="Largest share of the batch, but for its control share, that may come from a "
        "source, by its kind, as `{dynamics: 0.5}`; rounded up.",
    )
    diversity: float = Field(
        0.5,
        ge=0,
        description="Least distance between chosen frames, and to labelled ones, in the "
        "backbone's descriptor space, as a multiple of the pool's median nearest-neighbour "
        "distance; 0 turns thinning off. With `logdet`, to labelled ones only.",
    )

    @model_validator(mode="after")
    def _has_threshold(self) -> "SelectionOptions":
        limits = self.threshold.model_dump().values()
        if self.strategy == "threshold" and all(limit is None for limit in limits):
            raise ValueError("the strategy `threshold` needs a threshold, as {bec: 0.03}")
        return self
