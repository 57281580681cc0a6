"""A campaign as the user writes it: one YAML file, validated before any compute is spent."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import Field, TypeAdapter, ValidationError, field_validator

from activecharge.campaign.compare_options import CompareOptions
from activecharge.campaign.executor_options import ClusterOptions, ExecutorOptions
from activecharge.campaign.mistakes import sentence
from activecharge.campaign.uncertainty import dynamics_mistake, spread_mistake
from activecharge.campaign.yaml_file import named_value, read_settings
from activecharge.committee.selection.selection_options import SelectionOptions
from activecharge.errors import UserError
from activecharge.learning.training_options import TrainingOptions
from activecharge.model.model_options import ModelOptions
from activecharge.options import Options
from activecharge.reference.reference_options import GateOptions, ReferenceOptions, TbliteOptions
from activecharge.sampling.source_options import (
    DynamicsOptions,
    ExploreOptions,
    SanityOptions,
    SourceOptions,
    needs_labelled,
)

Parsed = TypeVar("Parsed")


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
        default_factory=SanityOptions,
        validate_default=True,
        description="Which configurations are worth a label.",
    )
    selection: SelectionOptions = Field(
        default_factory=SelectionOptions, description="Which candidates are labelled."
    )
    stop: StopOptions = Field(default_factory=StopOptions, description="When the campaign ends.")
    compare: CompareOptions = Field(
        default_factory=CompareOptions,
        description="What `activecharge compare` sets side by side; `run` does not look at it.",
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

    @field_validator("training", "selection", "stop")
    @classmethod
    def _spreads_are_known(cls, settings: Options, info: Any) -> Options:
        if mistake := spread_mistake(info.field_name, settings, info.data):
            raise ValueError(mistake)
        return settings

    @field_validator("explore")
    @classmethod
    def _members_can_drive(cls, sources: tuple[Any, ...], info: Any) -> tuple[Any, ...]:
        training = info.data.get("training")
        dynamics = [source for source in sources if isinstance(source, DynamicsOptions)]
        biased = any(source.bias is not None for source in dynamics)
        if dynamics and training and (mistake := dynamics_mistake(training, biased)):
            raise ValueError(mistake)
        return sources

    @field_validator("selection")
    @classmethod
    def _quotas_of_sources(cls, selection: SelectionOptions, info: Any) -> SelectionOptions:
        kinds = sorted({source.kind for source in info.data.get("explore", ())})
        for name in selection.quotas:
            if name not in kinds:
                raise ValueError(
                    f"quotas names the source {name!r}, which is not under `explore`; "
                    f"there are: {', '.join(kinds) or 'none'}"
                )
        return selection

    @field_validator("initial", "test")
    @classmethod
    def _stands_alone(cls, sources: tuple[SourceOptions, ...]) -> tuple[SourceOptions, ...]:
        for source in filter(needs_labelled, sources):
            also = ", or must say `of` what it is made" if hasattr(source, "of") else ""
            raise ValueError(
                f"`{source.kind}` needs labelled frames and belongs under `explore`{also}"
            )
        return sources

    @field_validator("sanity")
    @classmethod
    def _lets_protons_leave(cls, sanity: SanityOptions, info: Any) -> SanityOptions:
        sources = [s for name in ("initial", "test", "explore") for s in info.data.get(name, ())]
        sources += [getattr(source, "starts", None) for source in sources]
        asked = any(getattr(source, "kind", "") == "dissociated" for source in sources)
        if asked and not sanity.allow_dissociated:
            raise ValueError(
                "`dissociated` frames hold molecules that are not whole; set allow_dissociated to "
                "true"
            )
        return sanity


def load_campaign(path: Path | str) -> Campaign:
    """Read and validate a campaign file.

    Relative paths of files in it count from its folder.

    Raises
    ------
    UserError
        One sentence naming the file and the key, and for an unknown key the nearest known.
    """
    path = Path(path)
    data = read_settings(path, "name, reference, ...")
    _resolve_paths(data, path.parent)
    try:
        return Campaign.model_validate(data)
    except ValidationError as error:
        raise UserError(f"{path}: {sentence(error, Campaign)}") from error


def parse_reference(kind: str, method: str | None, settings: Sequence[str]) -> ReferenceOptions:
    """Settings of a reference code given on the command line, further ones as "key=value"."""
    data: dict[str, Any] = {"kind": kind} | ({"method": method} if method else {})
    for item in settings:
        key, text = named_value(item, "timeout=3600")
        try:
            data[key] = yaml.safe_load(text)
        except yaml.YAMLError:
            data[key] = text
    return _parse("reference", lambda: TypeAdapter(ReferenceOptions).validate_python(data))


def parse_training(
    coupling: str, members: int, steps: int | None
) -> tuple[ModelOptions, TrainingOptions]:
    """Settings of a training given on the command line."""
    training: dict[str, Any] = {"members": members} | ({"steps": steps} if steps else {})
    return (
        _parse("model", lambda: ModelOptions.model_validate({"coupling": coupling})),
        _parse("training", lambda: TrainingOptions.model_validate(training)),
    )


def parse_selection(batch: int, control: float, strategy: str) -> SelectionOptions:
    """Settings of a selection given on the command line."""
    data = {"batch": batch, "control": control, "strategy": strategy}
    return _parse("selection", lambda: SelectionOptions.model_validate(data))


def _parse(group: str, parse: Callable[[], Parsed]) -> Parsed:
    try:
        return parse()
    except ValidationError as error:
        raise UserError(sentence(error, Campaign, below=(group,))) from error


def at_address(campaign: Campaign, address: str | None) -> Campaign:
    """The same campaign on another Ray cluster, where an address is given."""
    if address is None:
        return campaign
    cluster = _parse("--address", lambda: ClusterOptions(address=address))
    return campaign.model_copy(update={"cluster": cluster})


def dump_campaign(campaign: Campaign) -> str:
    """The campaign with every default written out, as YAML."""
    return yaml.safe_dump(campaign.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _resolve_paths(data: dict[str, Any], folder: Path) -> None:
    groups = [data.get("reference")]
    for name in ("initial", "test", "explore"):
        sources = data.get(name)
        groups += sources if isinstance(sources, list) else []
    for group in groups:
        if isinstance(group, dict):
            # What a source is made of, or starts from, may be a file, too.
            groups += [group.get("of"), group.get("starts")]
            for key in ("path", "file", "template"):
                if isinstance(group.get(key), str):
                    group[key] = str((folder / group[key]).resolve())
