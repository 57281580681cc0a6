"""Rules between groups of a campaign's settings. Each gives its mistakes as "group: sentence"."""

from collections.abc import Iterator, Mapping, Sequence

from activecharge.committee.selection.selection_options import SelectionOptions
from activecharge.learning.training_options import TrainingOptions, why_no_last_layer
from activecharge.model.model_options import ModelOptions
from activecharge.model.taught import OF_THE_ENERGY
from activecharge.options import Options
from activecharge.properties import PROPERTIES
from activecharge.sampling.source_options import DynamicsOptions, ExploreOptions, SanityOptions

KNOWN_TO_LAST_LAYERS = ("charges", "bec")


def outputs(training: TrainingOptions) -> tuple[str, ...]:
    """Properties that committees are asked for: energies and their derivatives only where taught.

    Forces and stresses take a backward pass through every member. Of all that is asked for, they
    say what labels have taught, see `activecharge.model.taught`.
    """
    without = {"energy"} if training.weights.energy == 0 else set()
    if not _teaches_energies(training):
        without = set(OF_THE_ENERGY)
    return tuple(name for name in PROPERTIES if name not in without)


def spread_of_training(model: ModelOptions, training: TrainingOptions) -> Iterator[str]:
    """Where spreads come from must suit the model."""
    if mistake := why_no_last_layer(model, training):
        yield f"training: {mistake}"


def properties_asked_for(
    group: str,
    model: ModelOptions,
    training: TrainingOptions,
    wanted: Mapping[str, Options],
    spread: Sequence[str],
) -> Iterator[str]:
    """What a group weighs or limits must be predicted, and its spread known where that counts.

    Parameters
    ----------
    group : str
    model : ModelOptions
    training : TrainingOptions
    wanted : mapping of str to Options
        Settings of the group by key, each with a number for some properties.
    spread : sequence of str
        Those keys that ask for spreads.
    """
    asked = [(key, name) for key, settings in wanted.items() for name, value in settings if value]
    for key, name in asked:
        where = f"{group}: {key}.{name}"
        if name not in outputs(training):
            yield f"{where} needs predictions of {name}, but {_untaught(training)}"
        if model.charges == "latent" and name == "charges" and group == "stop":
            yield (
                f"{where} needs errors of the charges, which latent ones have not; remove it, or "
                "set model.charges to reference"
            )
        unknown = training.uncertainty == "last_layer" and name not in KNOWN_TO_LAST_LAYERS
        if key in spread and unknown:
            yield (
                f"{where} needs the spread of {name}, which training.uncertainty last_layer does "
                "not give; remove it, or choose heads or committee"
            )


def _untaught(training: TrainingOptions) -> str:
    """Why there is no energy, or nothing of it."""
    if _teaches_energies(training):
        return "training.weights.energy is 0; remove it, or set that"
    return "training.weights of energy, forces and stress are all 0; remove it, or set one of them"


def dynamics(training: TrainingOptions, explore: Sequence[ExploreOptions]) -> Iterator[str]:
    """Members that drive dynamics need forces, and a bias needs members that disagree."""
    sources = [source for source in explore if isinstance(source, DynamicsOptions)]
    if sources and not _teaches_energies(training):
        yield (
            "explore: dynamics needs forces, but training.weights of energy, forces and stress "
            "are all 0; set one of them, or explore without dynamics"
        )
    biased = any(source.bias is not None for source in sources)
    if biased and training.uncertainty == "last_layer":
        yield (
            "explore: a dynamics source has a bias, which climbs the disagreement of members, but "
            "training.uncertainty last_layer trains one network; choose heads or committee"
        )


def quotas(selection: SelectionOptions, explore: Sequence[ExploreOptions]) -> Iterator[str]:
    """Quotas are of sources that there are."""
    kinds = sorted({source.kind for source in explore})
    for name in selection.quotas:
        if name not in kinds:
            yield (
                f"selection: quotas names the source {name!r}, which is not under `explore`; "
                f"there are: {', '.join(kinds) or 'none'}"
            )


def broken_molecules(sanity: SanityOptions, sources: Sequence[Options]) -> Iterator[str]:
    """Sources of dissociated frames need a sanity that lets them pass."""
    starts = [getattr(source, "starts", None) for source in sources]
    asked = any(getattr(source, "kind", "") == "dissociated" for source in (*sources, *starts))
    if asked and not sanity.allow_dissociated:
        yield (
            "sanity: `dissociated` frames hold molecules that are not whole; set "
            "allow_dissociated to true"
        )


def _teaches_energies(training: TrainingOptions) -> bool:
    return any(getattr(training.weights, name) > 0 for name in OF_THE_ENERGY)
