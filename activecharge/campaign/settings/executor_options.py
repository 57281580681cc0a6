"""Settings of where the work runs and what each item of it may use."""

import math
from typing import Literal

from pydantic import Field, PositiveFloat, model_validator

from activecharge.execution.opening import Workplace
from activecharge.execution.resources import GIB, Slot
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
    """Where the work runs and what each item of it may use."""

    kind: Literal["ray", "inline"] = Field(
        "ray", description="`ray`: parallel workers; `inline`: one item after another, here."
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

    @property
    def label_slot(self) -> Slot:
        """What one reference run may use."""
        custom = tuple(sorted(self.label_resources.items()))
        return Slot(cpus=self.label_cpus, memory=self.label_memory or 0.0, custom=custom)

    @property
    def member_slot(self) -> Slot:
        """What one member's training, or one prediction task, may use."""
        return Slot(self.member_cpus, self.member_gpus)

    def workplace(self, cluster: ClusterOptions) -> Workplace:
        """Where the work runs, as executors have it."""
        node = {
            "CPU": float(max(self.label_cpus, self.member_cpus)),
            "GPU": float(math.ceil(self.member_gpus)),
            "memory": (self.label_memory or 0.0) * GIB,
        }
        keys = {
            "CPU": "executor.label_cpus or member_cpus",
            "GPU": "executor.member_gpus",
            "memory": "executor.label_memory",
        }
        custom = {name: f"executor.label_resources.{name}" for name in self.label_resources}
        return Workplace(
            kind=self.kind,
            cpus=self.cpus,
            address=cluster.address,
            node=node | self.label_resources,
            keys=keys | custom,
        )
