"""Committees of small random models: statistics, batching, invariance, loading."""

from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from scipy.spatial.transform import Rotation

from activecharge.committee import committee as module
from activecharge.committee.calibration.calibration import CALIBRATION, Calibration, Fit
from activecharge.committee.committee import Committee
from activecharge.errors import UserError
from activecharge.model.checkpoint import save_model
from activecharge.model.graph import build_graph
from activecharge.properties import PROPERTIES

pytestmark = pytest.mark.slow

# The same sums in another order, on double-precision numbers up to 1e3 (energies).
NOISE = {"rtol": 1e-11, "atol": 1e-11}
COUPLINGS = ("independent", "local")


def assert_same(first, second):
    assert first.mean.keys() == second.mean.keys() == first.std.keys() == second.std.keys()
    for name in first.mean:
        np.testing.assert_allclose(first.mean[name], second.mean[name], **NOISE)
        # A spread near zero is the root of what cancelled: rounding of 1e-13 in energies
        # near 1e3 is all that is left of it.
        np.testing.assert_allclose(first.std[name], second.std[name], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(first.descriptor, second.descriptor, **NOISE)


@pytest.mark.parametrize("coupling", COUPLINGS)
def test_mean_and_spread_are_those_of_the_members(make_model, frames, coupling):
    committee = Committee([make_model(seed, coupling=coupling) for seed in range(3)])
    for frame, prediction in zip(frames[:2], committee.predict(frames[:2]), strict=True):
        graph = build_graph(frame, ("H", "O"), 5.0).to("cpu", torch.float64)
        periodic = frame.pbc.all()
        names = set(PROPERTIES) - {"dipole" if periodic else "stress"}
        assert set(prediction.mean) == set(prediction.std) == names
        outputs = [member(graph, names) for member in committee.members]
        for name in names:
            kind = PROPERTIES[name]
            values = np.stack([output[name].numpy() for output in outputs])
            values = values if kind.per_atom else values[:, 0]
            assert prediction.mean[name].shape == (len(frame),) * kind.per_atom + kind.shape
            np.testing.assert_allclose(prediction.mean[name], values.mean(0), **NOISE)
            components = tuple(range(-len(kind.shape), 0))
            variance = values.var(axis=0, ddof=1)
            expected = np.sqrt(variance.mean(axis=components) if components else variance)
            assert prediction.std[name].shape == (len(frame),) * kind.per_atom
            np.testing.assert_allclose(prediction.std[name], expected, rtol=1e-9, atol=1e-9)


def test_free_and_periodic_frames_mix_and_keep_their_order(committee, frames):
    together = committee.predict(frames)
    for frame, prediction in zip(frames, together, strict=True):
        [alone] = committee.predict([frame])
        assert_same(prediction, alone)
        assert ("stress" in prediction.mean) == frame.pbc.all() != ("dipole" in prediction.mean)
    for frame, prediction in zip(frames[::-1], committee.predict(frames[::-1]), strict=True):
        assert len(prediction.mean["charges"]) == len(frame)


@pytest.mark.parametrize("limit", [1, 7, 12])
def test_the_size_of_batches_does_not_matter(committee, frames, limit, monkeypatch):
    whole = committee.predict(frames)
    monkeypatch.setattr(module, "ATOMS_PER_BATCH", limit)
    for first, second in zip(committee.predict(frames), whole, strict=True):
        assert_same(first, second)


def test_only_the_outputs_asked_for(committee, frames):
    for outputs in (("charges",), ("forces", "bec"), ("stress",)):
        for frame, found in zip(frames, committee.predict(frames, outputs), strict=True):
            expected = set(outputs) - (set() if frame.pbc.all() else {"stress"})
            assert set(found.mean) == set(found.std) == expected
            assert found.descriptor.shape == (8,)


def test_no_frames_no_predictions(committee):
    assert committee.predict([]) == []


def test_frames_are_left_as_they_were(committee, frames):
    before = [frame.copy() for frame in frames]
    committee.predict(frames)
    assert frames == before


def test_single_precision_members_give_double_precision_records(make_model, frames):
    committee = Committee([make_model(seed, dtype="float32") for seed in range(2)])
    exact = Committee([make_model(seed) for seed in range(2)])
    for frame, rough, fine in zip(
        frames[:2], committee.predict(frames[:2]), exact.predict(frames[:2]), strict=True
    ):
        assert {array.dtype for array in rough.mean.values()} == {np.dtype("float64")}
        assert np.isfinite(rough.mean["energy"])
        # Energies are summed in double precision: the baseline's 1e3 eV cost no digits, and
        # what single precision leaves is its 1e-7 on terms of order 1 eV per atom.
        baseline = sum({"H": -13.0, "O": -430.0}[symbol] for symbol in frame.symbols)
        assert abs(rough.mean["energy"] - baseline) < 100
        np.testing.assert_allclose(rough.mean["charges"].sum(), 0.0, atol=1e-5)
        assert fine.mean.keys() == rough.mean.keys()


# -- descriptor --------------------------------------------------------------------------


def test_the_descriptor_is_the_mean_per_element(committee, frames):
    frame = frames[1]
    graph = build_graph(frame, ("H", "O"), 5.0).to("cpu", torch.float64)
    features = committee.members[0](graph, {"charges"})["descriptor"].numpy()
    expected = [features[frame.symbols == symbol].mean(axis=0) for symbol in ("H", "O")]
    [prediction] = committee.predict([frame], ("charges",))
    np.testing.assert_allclose(prediction.descriptor, np.concatenate(expected), **NOISE)


def test_the_descriptor_is_invariant(committee, frames):
    rng = np.random.default_rng(0)
    for frame in frames:
        turned = frame.copy()
        turn = Rotation.random(random_state=2).as_matrix()
        turned.positions = frame.positions @ turn.T + rng.normal(size=3)
        turned.cell = np.asarray(frame.cell) @ turn.T
        shuffled = turned[rng.permutation(len(frame))]
        first, second = committee.predict([frame, shuffled], ("charges",))
        # Spherical harmonics round at 1e-15; products of features of order 10 at 1e-13.
        np.testing.assert_allclose(first.descriptor, second.descriptor, rtol=1e-9, atol=1e-10)


def test_an_element_that_a_frame_lacks_leaves_zeros(committee):
    oxygen = Atoms("O2", positions=[[0, 0, 0], [0, 0, 3.0]])
    [prediction] = committee.predict([oxygen], ("charges",))
    assert (prediction.descriptor[:4] == 0).all()
    assert (prediction.descriptor[4:] != 0).any()


def test_different_frames_have_different_descriptors(committee, frames):
    descriptors = np.array([p.descriptor for p in committee.predict(frames, ("charges",))])
    assert len(np.unique(descriptors.round(6), axis=0)) == len(frames)


# -- what is refused ---------------------------------------------------------------------


def test_an_unknown_element_names_the_frame(committee, frames):
    with pytest.raises(UserError, match=r"frame 2 .*not Na"):
        committee.predict([*frames[:2], Atoms("Na"), frames[0]])


def test_partly_periodic_frames_are_refused(committee, frames):
    slab = frames[1].copy()
    slab.pbc = (True, True, False)
    with pytest.raises(UserError, match=r"frame 1 .*periodic in all three"):
        committee.predict([frames[0], slab])


def test_one_member_is_no_committee(make_model):
    with pytest.raises(UserError, match="at least two members"):
        Committee([make_model(0)])


def test_members_must_be_alike(make_model):
    with pytest.raises(UserError, match="same elements"):
        Committee([make_model(0), make_model(1, elements=("O", "H"))])
    with pytest.raises(UserError, match="options of the model"):
        Committee([make_model(0), make_model(1, cutoff=4.0)])


# -- loading -----------------------------------------------------------------------------


@pytest.fixture
def saved(committee, tmp_path):
    """A run directory whose `committee` folder holds the members."""
    for index, member in enumerate(committee.members):
        save_model(member, tmp_path / "run" / "committee" / f"member-{index:02d}")
    return tmp_path / "run"


@pytest.mark.parametrize("place", [Path, lambda run: str(run / "committee")])
def test_load_from_the_run_directory_or_the_folder(committee, frames, saved, place):
    loaded = Committee.load(place(saved))
    assert len(loaded.members) == 3
    [found], [expected] = loaded.predict(frames[:1]), committee.predict(frames[:1])
    assert_same(found, expected)


def test_load_says_where_it_looked_in_vain(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: no committee here"):
        Committee.load(tmp_path / "nowhere")


def test_load_refuses_a_single_member_and_names_the_folder(make_model, tmp_path):
    save_model(make_model(0), tmp_path / "member-00")
    with pytest.raises(UserError, match=rf"{tmp_path.name}: .*at least two members.*not 1"):
        Committee.load(tmp_path)


def test_load_passes_over_a_member_without_architecture(committee, saved):
    """The architecture is written last: a member without it was never completed."""
    (saved / "committee" / "member-02" / "model.json").unlink()
    assert len(Committee.load(saved).members) == 2


def test_load_refuses_damaged_weights(saved):
    weights = saved / "committee" / "member-01" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(UserError, match=r"member-01.*not a readable model"):
        Committee.load(saved)


# -- calibration -------------------------------------------------------------------------


@pytest.fixture
def calibration():
    """Charges of oxygen only; Born effective charges of both; energies."""
    fit = Fit(2.0, 0.5, (None,) * 19, 9, 9, 9, 9)
    return Calibration({"charges": {"O": fit}, "bec": {"H": fit, "O": fit}, "energy": {"": fit}})


def test_a_calibration_comes_with_the_committee(committee, frames, saved, calibration):
    before = Committee.load(saved).predict(frames[:2])
    assert all(said.expected_error == {} for said in before)
    calibration.save(saved / "committee" / CALIBRATION)
    for frame, said, raw in zip(
        frames, Committee.load(saved).predict(frames[:2]), before, strict=False
    ):
        assert said.expected_error.keys() == {"charges", "bec", "energy"}
        assert_same(said, raw)
        bec = np.hypot(2.0 * raw.std["bec"], 0.5)
        np.testing.assert_allclose(said.expected_error["bec"], bec, rtol=1e-9)
        oxygen = frame.symbols == "O"
        charges = said.expected_error["charges"]
        assert np.isnan(charges[~oxygen]).all() and (charges[oxygen] >= 0.5).all()
        energy = np.hypot(2.0 * raw.std["energy"] / len(frame), 0.5) * len(frame)
        np.testing.assert_allclose(said.expected_error["energy"], energy, rtol=1e-9)


def test_a_damaged_calibration_is_named(saved):
    (saved / "committee" / CALIBRATION).write_text("{}")
    with pytest.raises(UserError, match=r"calibration\.json: not a calibration"):
        Committee.load(saved)
