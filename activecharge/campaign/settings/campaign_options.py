"""A campaign as the user writes it."""

from collections.abc import Iterator
from itertools import chain

from pydantic import Field, field_validator, model_validator

from activecharge.campaign.settings import rules
from activecharge.campaign.settings.compare_options import CompareOptions
from activecharge.campaign.settings.executor_options import ClusterOptions, ExecutorOptions
from activecharge.campaign.settings.schedule_options import BatchOptions, ScheduleOptions
from activecharge.committee.selection.selection_options import SelectionOptions
from activecharge.learning.training_options import TrainingOptions
from activecharge.model.model_options import ModelOptions
from activecharge.options import Options
from activecharge.reference.reference_options import GateOptions, ReferenceOptions, TbliteOptions
from activecharge.sampling.source_options import (
    ExploreOptions,
    SanityOptions,
    SourceOptions,
    needs_labelled,
)


class Targets(Options):
    """Errors on a round's control labels; the campaign stops when it is at or below all given."""

    charges: float | None = Field(None, gt=0, description="Static charges [e].")
    bec: float | None = Field(None, gt=0, description="Born effective charges [e].")
    forces: float | None = Field(None, gt=0, description="Forces [eV/Å].")
    energy: float | None = Field(None, gt=0, description="Energy per atom [eV].")


class StopOptions(Options):
    """When the campaign ends: at whichever comes first."""

    rounds: int = Field(
        5, ge=0, description="Rounds of exploration after the initial one; 0 trains once."
    )
    labels: int | None = Field(
        None, ge=1, description="Most labels in the dataset, the test set not counted."
    )
    target: Targets = Field(
        default_factory=Targets,
        description="Errors that suffice, measured on control labels before training on them.",
    )
    expected: Targets = Field(
        default_factory=Targets,
        description="Root mean square errors that suffice: both the expected (calibrated) and the "
        "actual ones of a round's control labels must be as low.",
    )
    plateau: int | None = Field(
        None,
        ge=1,
        description="Rounds in which the errors of control labels in charges and Born effective "
        "charges fell by less than their noise, compared with as many rounds before; absent: no "
        "such rule.",
    )


class Campaign(Options):
    """Everything that defines a campaign."""

    name: str = Field(
        "campaign",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Name; the default run directory is `runs/<name>`.",
    )
    seed: int = Field(0, ge=0, description="Seed of everything random.")
    elements: tuple[str, ...] = Field(
        ("H", "O"), min_length=1, description="Chemical symbols that may occur."
    )
    reference: ReferenceOptions = Field(
        default_factory=TbliteOptions, description="Where labels come from."
    )
    gates: GateOptions = Field(
        default_factory=GateOptions, description="Checks that every label must pass."
    )
    model: ModelOptions = Field(default_factory=ModelOptions, description="Every member's model.")
    training: TrainingOptions = Field(
        default_factory=TrainingOptions, description="The committee and its training."
    )
    initial: tuple[SourceOptions, ...] = Field(
        min_length=1, description="Sources of the first labels, all of which are labelled."
    )
    test: tuple[SourceOptions, ...] = Field(
        (), description="Sources of a fixed test set: labelled once, never trained on."
    )
    explore: tuple[ExploreOptions, ...] = Field(
        (), description="Sources of each later round's candidates."
    )
    sanity: SanityOptions = Field(
        default_factory=SanityOptions, description="Which configurations are worth a label."
    )
    selection: SelectionOptions = Field(
        default_factory=SelectionOptions, description="Which candidates are labelled."
    )
    stop: StopOptions = Field(default_factory=StopOptions, description="When the campaign ends.")
    compare: CompareOptions = Field(
        default_factory=CompareOptions,
        description="What `activecharge compare` sets side by side; `run` does not look at it.",
    )
    schedule: ScheduleOptions = Field(
        default_factory=BatchOptions, description="In which order the stages go."
    )
    executor: ExecutorOptions = Field(
        default_factory=ExecutorOptions, description="Where the work runs."
    )
    cluster: ClusterOptions = Field(
        default_factory=ClusterOptions, description="Which Ray cluster does it."
    )

    @property
    def level_of_theory(self) -> str:
        """Reference code and, where it offers several, its method."""
        return f"{self.reference.kind} {getattr(self.reference, 'method', '')}".strip()

    @field_validator("elements")
    @classmethod
    def _known_elements(cls, elements: tuple[str, ...]) -> tuple[str, ...]:
        from ase.data import chemical_symbols

        for symbol in elements:
            if symbol not in chemical_symbols[1:]:
                raise ValueError(f"{symbol!r} is not a chemical symbol")
        if len(set(elements)) < len(elements):
            raise ValueError("an element is named twice")
        return elements

    @field_validator("initial", "test")
    @classmethod
    def _stands_alone(cls, sources: tuple[SourceOptions, ...]) -> tuple[SourceOptions, ...]:
        for source in filter(needs_labelled, sources):
            also = ", or must say `of` what it is made" if hasattr(source, "of") else ""
            raise ValueError(
                f"`{source.kind}` needs labelled frames and belongs under `explore`{also}"
            )
        return sources

    @model_validator(mode="after")
    def _groups_fit(self) -> "Campaign":
        for mistake in self._mistakes():
            raise ValueError(mistake)
        return self

    def _mistakes(self) -> Iterator[str]:
        model, training, selection, stop = self.model, self.training, self.selection, self.stop
        weighed = {"weights": selection.weights, "threshold": selection.threshold}
        targets = {"target": stop.target, "expected": stop.expected}
        return chain(
            rules.spread_of_training(model, training),
            rules.properties_asked_for("selection", model, training, weighed, list(weighed)),
            rules.properties_asked_for("stop", model, training, targets, ["expected"]),
            rules.dynamics(training, self.explore),
            rules.quotas(selection, self.explore),
            rules.broken_molecules(self.sanity, (*self.initial, *self.test, *self.explore)),
        )
