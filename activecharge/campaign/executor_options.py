"""Settings of where the work runs, in which order, and what each piece of it may use."""

from typing import Literal

from pydantic import Field, PositiveFloat, model_validator

from activecharge.options import Options


class ClusterOptions(Options):
    """Which Ray cluster does the work."""

    address: str | None = Field(
        None,
        min_length=1,
        description="Address of a running Ray cluster, such as 10.0.0.1:6379, or `auto`; absent: "
        "Ray is started on this machine and ends with the campaign.",
    )


class ExecutorOptions(Options):
    """Where the work runs and what each piece of it may use."""

    kind: Literal["ray", "inline"] = Field(
        "ray", description="`ray`: parallel workers; `inline`: one piece after another, here."
    )
    schedule: Literal["batch", "streaming"] = Field(
        "batch",
        description="`batch`: one stage after another, byte-identical data for a seed; "
        "`streaming`: labels, training and exploration overlap and slow labels hold up nothing.",
    )
    train_after: int | None = Field(
        None,
        ge=1,
        description="`streaming`: new labels that start the next training; "
        "absent: as many as `selection.batch`.",
    )
    queue: float = Field(
        1.0,
        ge=0,
        description="`streaming`: labels kept waiting for each label that can run at a time; "
        "the next selection begins when fewer wait.",
    )
    selections: int = Field(
        2,
        ge=1,
        description="`streaming`: selections that one committee may make before a newer one is "
        "waited for; more keep workers busier, fewer make better use of each label.",
    )
    cpus: int | None = Field(
        None, ge=1, description="CPUs that Ray may use; absent: all of this machine."
    )
    label_cpus: int = Field(1, ge=1, description="CPUs and threads of one reference run.")
    label_memory: float | None = Field(
        None, gt=0, description="Memory set aside for one reference run [GiB]; absent: not counted."
    )
    label_resources: dict[str, PositiveFloat] = Field(
        default_factory=dict,
        description="Custom Ray resources of one reference run, which tie labels to nodes that "
        "have them, such as {label_node: 1}.",
    )
    member_cpus: int = Field(
        1, ge=1, description="CPUs and threads of one member's training, or one prediction task."
    )
    member_gpus: float = Field(
        0.0,
        ge=0,
        description="GPUs of one such task; fractions share a GPU and its memory, above 0 the "
        "models run on it.",
    )

    @model_validator(mode="after")
    def _fits(self) -> "ExecutorOptions":
        for key in ("label_cpus", "member_cpus"):
            if self.cpus is not None and getattr(self, key) > self.cpus:
                raise ValueError(f"{key} is {getattr(self, key)}, above the {self.cpus} of cpus")
        if self.member_gpus > 1:
            raise ValueError(
                f"member_gpus is {self.member_gpus:g}, but a member computes on one GPU at most"
            )
        return self
