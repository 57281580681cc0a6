"""Settings of the order in which a campaign does its stages."""

from typing import Annotated, Literal

from pydantic import Field

from activecharge.options import Options


class BatchOptions(Options):
    """One stage after another; the same seed gives the same bytes."""

    kind: Literal["batch"] = Field("batch", description="Chooses this schedule.")


class StreamingOptions(Options):
    """Labels, training and exploration overlap; slow labels hold up nothing."""

    kind: Literal["streaming"] = Field("streaming", description="Chooses this schedule.")
    train_after: int | None = Field(
        None,
        ge=1,
        description="New labels that start the next training; absent: as many as "
        "`selection.batch`.",
    )
    queue: float = Field(
        1.0,
        ge=0,
        description="Labels kept waiting for each label that can run at a time; the next "
        "selection begins when fewer wait.",
    )
    selections: int = Field(
        2,
        ge=1,
        description="Selections that one committee may make before a newer one is waited for; "
        "more keep workers busier, fewer make better use of each label.",
    )


ScheduleOptions = Annotated[BatchOptions | StreamingOptions, Field(discriminator="kind")]
