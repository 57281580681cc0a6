"""What a committee says, by coupling, supervision, source of spreads, loss weights and labels.

This is the table of docs/predictions.md, cell by cell.
"""

import functools
import itertools
from dataclasses import replace

import pytest
from learning_cases import ELEMENTS, TINY, mixed_labels, synthetic, training_set, waters

from activecharge.committee.committee import Committee
from activecharge.errors import UserError
from activecharge.learning.batches import make_batch
from activecharge.learning.finish import settle
from activecharge.learning.fit_last_layer import fit_last_layer
from activecharge.learning.loss import active_weights
from activecharge.learning.start import check
from activecharge.learning.trainer import train_member
from activecharge.learning.training_options import LossWeights
from activecharge.learning.training_set import Member, TrainingSet, trainings
from activecharge.model.checkpoint import load_model, save_model
from activecharge.model.model_options import ModelOptions
from activecharge.model.network import Architecture, ChargeModel
from activecharge.model.shared import SharedBackbone
from activecharge.model.taught import offered
from activecharge.properties import PROPERTIES

pytestmark = pytest.mark.slow

COUPLINGS = ("independent", "global", "local", "dipolar")
ENERGIES = {"energy", "forces", "stress"}
BOX, CLUSTER = waters(2, 5, cell=5.2), waters(2, 2)

LESSONS = {
    "everything": ({}, ()),
    "no dipole weighed": ({"dipole": 0}, ()),
    "no Z weighed": ({"bec": 0}, ()),
    "no dipole labelled": ({}, ("dipole",)),
    "no Z labelled": ({}, ("bec",)),
    "neither dipole nor Z": ({"dipole": 0}, ("bec",)),
    "no charges weighed": ({"charges": 0}, ()),
    "forces alone of the energy": ({"energy": 0, "stress": 0}, ()),
    "energies alone": ({"forces": 0, "stress": 0}, ()),
    "no energies at all": ({"energy": 0, "forces": 0, "stress": 0}, ()),
}
"""By name: changed loss weights, and what no label has."""


def expected(coupling: str, charges: str, lesson: str) -> set[str]:
    """What is said of any frame, written out by hand."""
    own = {
        "no dipole weighed": {"bec"},
        "no dipole labelled": {"bec"},
        "no Z weighed": {"dipole"},
        "no Z labelled": {"dipole"},
        "neither dipole nor Z": set(),
    }.get(lesson, {"dipole", "bec"})
    # Where Z is the dipole's slope, either follows from the other.
    polarization = {"dipole", "bec"} if own and coupling != "independent" else own
    energies = {
        "forces alone of the energy": {"forces", "stress"},
        "no energies at all": set(),
    }.get(lesson, ENERGIES)
    static = {"latent_charges"} if charges == "latent" else {"charges"}
    if static == {"charges"} and lesson == "no charges weighed":
        static = set()
    return polarization | energies | static


def spreads(said: set[str], uncertainty: str) -> set[str]:
    return said & {"charges", "bec"} if uncertainty == "last_layer" else said


@functools.cache
def untaught(coupling: str, charges: str, count: int) -> tuple[ChargeModel, ...]:
    """Models on one backbone; the tests below change nothing of them but what they know of."""
    options = TINY.model_copy(update={"coupling": coupling, "charges": charges})
    models = [ChargeModel(Architecture(options, ELEMENTS, 10.0, (0.0, 0.0))) for _ in range(count)]
    return tuple(SharedBackbone(models).models)


def data_of(lesson: str, model: ModelOptions, uncertainty: str = "committee") -> TrainingSet:
    changes, without = LESSONS[lesson]
    labels = [
        synthetic(x.candidate.atoms, seed, without=without) for seed, x in enumerate(mixed_labels())
    ]
    weights = LossWeights(**changes)
    settings = {"steps": 1, "bootstrap": False, "weights": weights, "uncertainty": uncertainty}
    return training_set(labels, model, **settings)


def taught_committee(coupling: str, charges: str, uncertainty: str, lesson: str) -> Committee:
    """What the end of a training makes of models, without the training."""
    models = untaught(coupling, charges, 2 if uncertainty == "heads" else 1)
    data = data_of(lesson, models[0].architecture.options, uncertainty)
    check(data)
    batches = [make_batch(label, ELEMENTS, TINY.cutoff) for label in data.train]
    weights = active_weights(data.training.weights, data.model)
    for model in models:
        settle(model, data, batches, batches, weights)
    if uncertainty == "last_layer":
        return Committee(models, last_layer=fit_last_layer(models[0], batches, batches))
    return Committee(models * (2 // len(models)))


@pytest.mark.parametrize("charges", ["reference", "latent"])
@pytest.mark.parametrize(
    "coupling, uncertainty",
    [
        (coupling, uncertainty)
        for coupling, uncertainty in itertools.product(
            COUPLINGS, ("committee", "heads", "last_layer")
        )
        if coupling == "independent" or uncertainty != "last_layer"
    ],
)
def test_a_committee_says_what_labels_have_taught(coupling, uncertainty, charges):
    for lesson in LESSONS:
        said = expected(coupling, charges, lesson)
        if uncertainty == "last_layer" and not spreads(said, uncertainty):
            with pytest.raises(UserError, match="no label teaches either; choose heads"):
                taught_committee(coupling, charges, uncertainty, lesson)
            continue
        committee = taught_committee(coupling, charges, uncertainty, lesson)
        assert committee.offers == said, lesson
        found = committee.predict([CLUSTER, BOX])
        for prediction, absent in zip(found, ("stress", "dipole"), strict=True):
            assert set(prediction.mean) == said - {absent}, lesson
            assert set(prediction.std) == spreads(said, uncertainty) - {absent}, lesson
        [everything] = committee.predict([CLUSTER], tuple(PROPERTIES))
        assert everything.mean.keys() == found[0].mean.keys()
        for name in set(PROPERTIES) - said:
            with pytest.raises(UserError, match=r"^no "):
                committee.require([name])


@pytest.mark.parametrize("uncertainty, count", [("committee", 1), ("heads", 2), ("last_layer", 1)])
def test_training_writes_down_what_was_taught(uncertainty, count, tmp_path):
    data = data_of("no Z labelled", TINY, uncertainty)
    [member] = trainings(
        [Member(i, i, str(tmp_path / f"{i}")) for i in range(count)], data.training
    )
    train_member(data, member)
    for index in range(count):
        taught = load_model(tmp_path / f"{index}").architecture.taught
        assert taught == ("energy", "forces", "stress", "charges", "dipole")


def test_whatever_was_taught_no_name_is_borrowed():
    """Over all sets of taught properties: nothing is said from nothing, nor less from more."""
    names = tuple(PROPERTIES)
    subsets = [
        frozenset(chosen)
        for size in range(len(names) + 1)
        for chosen in itertools.combinations(names, size)
    ]
    for coupling, charges in itertools.product(COUPLINGS, ("reference", "latent")):
        options = ModelOptions(coupling=coupling, charges=charges)
        assert not offered(options, ()) & set(names)
        for taught in subsets:
            said = offered(options, taught)
            latent = charges == "latent"
            assert taught - said == ({"charges"} & taught if latent else set())
            assert ("latent_charges" in said) == latent
            assert all(said <= offered(options, taught | {name}) for name in names)
            assert said <= offered(options, taught) | set(names)
            borrowed = (said & set(names)) - taught
            assert borrowed <= {"forces", "stress", "dipole", "bec"}
            if coupling == "independent":
                assert borrowed <= {"forces", "stress"}


def test_a_fitted_screening_factor_is_a_lesson_on_z(tmp_path):
    model = TINY.model_copy(update={"coupling": "global", "screening": "fitted"})
    train_member(data_of("everything", model), Member(0, 0, str(tmp_path)))
    taught = load_model(tmp_path).architecture.taught
    assert "bec" in taught and "dipole" not in taught
    assert {"dipole", "bec"} <= offered(model, taught)


def test_what_one_member_was_not_taught_the_committee_does_not_say():
    """A bootstrap may draw none of the few frames that have a property."""
    first, second = (untaught("independent", "reference", 2)[i] for i in (0, 1))
    for model, taught in ((first, ("bec", "dipole")), (second, ("bec", "forces"))):
        model.architecture = replace(model.architecture, taught=taught)
    assert Committee([first, second]).offers == {"bec"}


def test_training_goes_on_from_checkpoints_without_a_dipole_head(tmp_path):
    """Of former versions: the head is added, and what it learns is known."""
    data = training_set(mixed_labels(), steps=1, warm_steps=1, bootstrap=False)
    train_member(data, Member(0, 0, str(tmp_path / "new")))
    model = load_model(tmp_path / "new")
    old = ChargeModel(replace(model.architecture, own_dipoles=False, taught=("bec",)))
    old.load_state_dict(
        {k: v for k, v in model.state_dict().items() if not k.startswith("own_dipoles.")},
        strict=False,
    )
    save_model(old, tmp_path / "old")
    first, second = (
        train_member(data, Member(0, 3, str(tmp_path / name), str(tmp_path / "old")))
        for name in ("a", "b")
    )
    assert first.history == second.history
    grown = load_model(tmp_path / "a")
    assert grown.architecture.has_own_dipoles and "dipole" in grown.architecture.taught
