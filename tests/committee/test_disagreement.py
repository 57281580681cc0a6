"""Spreads against sums done by hand, and what a score does and does not depend on."""

import numpy as np
import pytest
from ase import Atoms
from scipy.spatial.transform import Rotation

from activecharge.committee.disagreement import score, spread
from activecharge.records import Candidate, Prediction

# Every comparison below is of a few double-precision operations on numbers near one.
CLOSE = {"rtol": 1e-12, "atol": 1e-14}


def test_spread_of_a_frame_scalar_is_the_sample_standard_deviation():
    # Mean 7/3; squared deviations 16/9, 1/9 and 25/9, over two degrees of freedom.
    found = spread(np.array([1.0, 2.0, 4.0]), "energy")
    assert found.shape == ()
    np.testing.assert_allclose(found, np.sqrt(7 / 3), **CLOSE)


def test_spread_of_an_atom_scalar():
    found = spread(np.array([[0.0, 1.0], [2.0, 1.0]]), "charges")
    np.testing.assert_allclose(found, [np.sqrt(2.0), 0.0], **CLOSE)


def test_spread_of_vectors_is_the_root_of_the_mean_component_variance():
    members = np.array([[[0.0, 0.0, 0.0]], [[2.0, 0.0, 4.0]]])
    # Component variances 2, 0 and 8.
    np.testing.assert_allclose(spread(members, "forces"), [np.sqrt(10 / 3)], **CLOSE)
    frame = spread(members[:, 0], "dipole")
    assert frame.shape == ()
    np.testing.assert_allclose(frame, np.sqrt(10 / 3), **CLOSE)


def test_spread_of_tensors():
    members = np.stack([np.zeros((2, 3, 3)), np.stack([3 * np.eye(3), np.zeros((3, 3))])])
    # Three of nine components vary, by 3²/2 each.
    np.testing.assert_allclose(spread(members, "bec"), [np.sqrt(1.5), 0.0], **CLOSE)
    frame = spread(members[:, 0], "stress")
    assert frame.shape == ()
    np.testing.assert_allclose(frame, np.sqrt(1.5), **CLOSE)


def test_spread_does_not_depend_on_the_axes():
    rng = np.random.default_rng(0)
    turn = Rotation.random(random_state=1).as_matrix()
    forces, bec = rng.normal(size=(4, 5, 3)), rng.normal(size=(4, 5, 3, 3))
    np.testing.assert_allclose(spread(forces @ turn.T, "forces"), spread(forces, "forces"), **CLOSE)
    np.testing.assert_allclose(spread(turn @ bec @ turn.T, "bec"), spread(bec, "bec"), **CLOSE)


def test_one_member_that_is_not_a_number_makes_the_spread_so():
    values = np.array([[0.1, 0.2], [0.1, np.nan], [0.1, 0.3]])
    found = spread(values, "charges")
    assert found[0] < 1e-15 and np.isnan(found[1])


def floats(values):
    return {k: np.asarray(v, float) for k, v in values.items()}


def rate(pool, weights, reduce="max", errors=None):
    """Scores of frames given by their spreads, each frame of as many atoms as its charges'."""
    sizes = [np.size(std.get("charges", std.get("latent_charges", 0.0))) for std in pool]
    candidates = [Candidate(Atoms("H" * n), f"{i}", "file") for i, n in enumerate(sizes)]
    predictions = [
        Prediction({}, floats(std), np.zeros(1), floats(error))
        for std, error in zip(pool, errors or [{}] * len(pool), strict=True)
    ]
    return score(candidates, predictions, weights, reduce)


def random_pool(count=15, seed=0):
    rng = np.random.default_rng(seed)
    return [
        {
            "charges": rng.gamma(2.0, 0.01, 3),
            "bec": rng.gamma(2.0, 0.05, 3),
            "forces": rng.gamma(2.0, 0.2, 3),
            "energy": rng.gamma(2.0, 0.003),
        }
        for _ in range(count)
    ]


def values(scored):
    return np.array([item.score for item in scored])


def test_scores_do_not_depend_on_the_units():
    pool = random_pool()
    weights = {"charges": 1.0, "bec": 2.0, "forces": 0.5, "energy": 0.3}
    rescaled = [std | {"bec": 1000 * std["bec"], "energy": std["energy"] / 27.2} for std in pool]
    np.testing.assert_allclose(values(rate(rescaled, weights)), values(rate(pool, weights)))


def test_equal_weights_weigh_alike():
    """A frame twice the median in one property scores as one twice the median in the other."""
    pool = [{"charges": [0.01], "bec": [0.5]} for _ in range(5)]
    pool += [{"charges": [0.02], "bec": [0.5]}, {"charges": [0.01], "bec": [1.0]}]
    found = values(rate(pool, {"charges": 1.0, "bec": 1.0}))
    np.testing.assert_allclose(found, [1.0] * 5 + [1.5, 1.5], **CLOSE)


def test_information_is_the_sum_of_nats_of_the_atoms():
    """½ ln(1 + (u/u₀)²) an atom, over the pool's median of that; u₀ is the median atom, 0.02."""
    pool = [{"charges": values} for values in ([0.02], [0.02, 0.02], [0.02, 0.02, 2.0])]
    found = values(rate(pool, {"charges": 1.0}, "information"))
    nats = 0.5 * np.log([2.0, 4.0, 4.0 * (1 + 100.0**2)])
    np.testing.assert_allclose(found, nats / nats[1], **CLOSE)


def test_many_atoms_tell_as_much_as_one_that_is_far_off():
    pool = [{"charges": [0.01] * 4}, {"charges": [0.02] * 10}, {"charges": [0.1, 0.01, 0.01]}]
    most = [
        int(np.argmax(values(rate(pool, {"charges": 1.0}, reduce))))
        for reduce in ("max", "information")
    ]
    assert most == [2, 1]


def test_weights_are_relative_and_zero_turns_a_property_off():
    pool = random_pool()
    twice = values(rate(pool, {"charges": 2.0, "bec": 4.0, "forces": 0.0}))
    np.testing.assert_allclose(twice, values(rate(pool, {"charges": 1.0, "bec": 2.0})), **CLOSE)
    assert (values(rate(pool, {"charges": 0.0, "bec": 0.0})) == 0).all()


def test_a_frame_counts_with_its_worst_atom_or_with_the_mean():
    pool = [{"charges": [0.1, 0.1, 0.1, 0.1]}, {"charges": [0.02, 0.02, 0.02, 0.3]}]
    worst = values(rate(pool, {"charges": 1.0}, "max"))
    mean = values(rate(pool, {"charges": 1.0}, "mean"))
    # Medians of the two frames: of maxima 0.2, of means 0.095.
    np.testing.assert_allclose(worst, [0.5, 1.5], **CLOSE)
    np.testing.assert_allclose(mean, [0.1 / 0.095, 0.09 / 0.095], **CLOSE)


def test_energies_count_per_atom():
    """Two frames equally uncertain per atom score alike, however large they are."""
    small, large = {"charges": [0.1] * 3, "energy": 0.3}, {"charges": [0.1] * 30, "energy": 3.0}
    first, second = rate([small, large], {"energy": 1.0})
    assert first.score == pytest.approx(second.score)
    assert first.worst["energy"] == pytest.approx(0.1)


def test_worst_holds_every_predicted_property_in_its_unit():
    [item] = rate([{"charges": [0.1, 0.3], "dipole": 0.7, "energy": 0.5}], {"charges": 1.0})
    assert item.worst == {"charges": 0.3, "dipole": 0.7, "energy": 0.25}


def test_a_property_without_spread_in_most_frames_stays_harmless():
    pool = [{"charges": [0.0], "bec": [0.5]} for _ in range(4)] + [{"charges": [0.1], "bec": [0.5]}]
    found = values(rate(pool, {"charges": 1.0, "bec": 1.0}))
    assert np.isfinite(found).all()
    assert found.argmax() == 4


def test_a_property_that_a_frame_lacks_counts_as_zero_there():
    pool = [
        {"charges": [0.1], "dipole": 0.2},
        {"charges": [0.1], "dipole": 0.2},
        {"charges": [0.1]},
    ]
    found = values(rate(pool, {"charges": 1.0, "dipole": 1.0}))
    np.testing.assert_allclose(found, [1.0, 1.0, 0.5], **CLOSE)


@pytest.mark.parametrize("reduce", ["max", "mean", "information"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["charges", "forces"])
def test_a_broken_prediction_stands_out_and_leaves_the_others_alone(name, bad, reduce):
    """Also where the broken property has no weight: the committee is lost on that frame."""
    pool, weights = random_pool(), {"charges": 1.0, "bec": 1.0}
    broken = {k: np.array(v) for k, v in pool[4].items()}
    broken[name][1] = bad
    found = values(rate([*pool[:4], broken, *pool[5:]], weights, reduce))
    assert found[4] == np.inf
    rest = values(rate([*pool[:4], *pool[5:]], weights, reduce))
    np.testing.assert_allclose(np.delete(found, 4), rest, **CLOSE)


def test_a_pool_with_most_predictions_broken_still_ranks_the_others():
    pool = [{"charges": [np.nan]}] * 6 + [{"charges": [0.1]}, {"charges": [0.2]}]
    found = values(rate(pool, {"charges": 1.0}))
    assert np.isinf(found[:6]).all()
    np.testing.assert_allclose(found[6:], [2 / 3, 4 / 3], **CLOSE)
    assert np.isinf(values(rate(pool[:2], {"charges": 1.0}))).all()


def test_an_empty_pool_has_no_scores():
    assert score([], [], {"charges": 1.0}) == []


def test_candidates_and_predictions_stay_together():
    pool = random_pool(4)
    scored = rate(pool, {"charges": 1.0})
    assert [item.candidate.hash for item in scored] == ["0", "1", "2", "3"]
    for item, std in zip(scored, pool, strict=True):
        np.testing.assert_array_equal(item.prediction.std["bec"], std["bec"])
        assert item.worst["bec"] == std["bec"].max()


# -- calibrated ------------------------------------------------------------------------------


def test_calibrated_errors_take_the_place_of_spreads():
    pool, errors = random_pool(seed=1), random_pool(seed=2)
    weights = {"charges": 1.0, "bec": 1.0}
    np.testing.assert_allclose(
        values(rate(pool, weights, errors=errors)), values(rate(errors, weights)), **CLOSE
    )
    [first, *_] = rate(pool, weights, errors=errors)
    assert first.worst["bec"] == pool[0]["bec"].max()
    assert first.worst_error["bec"] == errors[0]["bec"].max()
    assert first.worst_error["energy"] == pytest.approx(errors[0]["energy"] / 3)


def test_a_property_calibrated_for_some_atoms_only_counts_by_its_spread():
    """Else one frame would be rated by errors and the next by spreads."""
    pool, errors = random_pool(seed=1), random_pool(seed=2)
    errors[3]["charges"][1] = np.nan
    del errors[5]["bec"]
    weights = {"charges": 1.0, "bec": 1.0}
    found = rate(pool, weights, errors=errors)
    np.testing.assert_allclose(values(found), values(rate(pool, weights)), **CLOSE)
    assert found[3].worst_error["charges"] == np.nanmax(errors[3]["charges"])


def test_broken_frames_do_not_turn_the_calibration_off():
    pool, errors = random_pool(seed=1), random_pool(seed=2)
    pool[4]["charges"][0] = errors[4]["charges"][0] = np.nan
    found = rate(pool, {"charges": 1.0}, errors=errors)
    kept = [e for i, e in enumerate(errors) if i != 4]
    np.testing.assert_allclose(
        np.delete(values(found), 4), values(rate(kept, {"charges": 1.0})), **CLOSE
    )


def test_latent_charges_weigh_as_charges_do():
    pool = random_pool()
    latent = [
        {("latent_charges" if n == "charges" else n): v for n, v in spreads.items()}
        for spreads in pool
    ]
    weights = {"charges": 2.0, "bec": 1.0}
    first, second = rate(pool, weights), rate(latent, weights)
    np.testing.assert_array_equal(values(first), values(second))
    assert [s.worst for s in first] == [s.worst for s in second]
    assert [s.cause for s in first] == [s.cause for s in second]
