"""Calibrations of predictions whose errors follow a law that is known."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from committee_cases import make_pairs

from activecharge.committee.calibration.blind import blind
from activecharge.committee.calibration.calibration import CALIBRATION, Calibration
from activecharge.committee.calibration.error_model import FEWEST_FRAMES, LEVELS
from activecharge.committee.calibration.reliability import judge, reliability
from activecharge.errors import UserError
from activecharge.records import Prediction

SYMBOLS = ["O", "H", "H"]


@pytest.fixture(scope="module")
def calibration():
    return Calibration.fit(make_pairs(300))


def test_expected_errors_follow_the_law_of_each_element(calibration):
    spread = np.array([0.01, 0.01, 0.02])
    # 300 frames of errors half of which are common to a frame: 2/√600 of the square, and what
    # two parameters share. At 3000 frames both agree to 2 %.
    for name in ("charges", "bec"):
        found = calibration.expected_error(name, spread, SYMBOLS)
        np.testing.assert_allclose(found, [0.02, 0.03, 0.06], rtol=0.2)
    # Energies: 4 meV an atom, whatever the constant spread.
    energy = calibration.expected_error("energy", np.asarray(0.006), SYMBOLS)
    assert energy.shape == ()
    np.testing.assert_allclose(energy, 3 * 0.004, rtol=0.15)  # √(2/300) and half of it


def test_an_error_is_the_root_mean_square_over_components():
    pairs = make_pairs(3, seed=4)
    for name in ("charges", "bec"):
        by_hand = [
            np.sqrt(np.mean(np.reshape(pair.prediction.mean[name], (len(spread), -1)) ** 2, axis=1))
            for pair in pairs
            for spread in [pair.prediction.std[name]]
        ]
        # Labels are zero; the same sums.
        np.testing.assert_allclose(blind(name, pairs).error, np.concatenate(by_hand), rtol=1e-12)


def test_coverage_of_new_frames_is_as_promised(calibration):
    """On 2000 frames that were drawn alike; the promise itself rests on 300."""
    rows = reliability([judge(calibration, make_pairs(2000, seed=1))])
    assert {(r.property, r.element) for r in rows} >= {("charges", "O"), ("bec", "all")}
    for row in rows:
        for nominal, found in row.coverage.items():
            # Binomial over 300 frames there and 2000 here, if atoms of a frame were as one.
            error = math.sqrt(nominal * (1 - nominal) * (1 / 300 + 1 / 2000))
            assert abs(found.share - nominal) < 4 * error, row
        assert row.area < 0.05
        # Scales are known to 2/√600.
        assert row.expected == pytest.approx(row.observed, rel=0.15)


def test_chosen_frames_do_not_enter_the_bounds():
    """Were they counted, bounds would be three times wider or narrower than control needs."""
    control, chosen = make_pairs(200), make_pairs(400, seed=2, why="uncertain", scale=3.0)
    rows = reliability([judge(Calibration.fit(control + chosen), make_pairs(1000, seed=3))])
    assert {(r.property, r.element) for r in rows} >= {("charges", "O"), ("bec", "all")}
    for row in rows:
        assert len(row.coverage) == len(LEVELS)
        for level, found in row.coverage.items():
            error = math.sqrt(level * (1 - level) * (1 / 200 + 1 / 1000))
            assert abs(found.share - level) < 4 * error, row


def test_shuffled_pairs_give_the_same_calibration(calibration):
    pairs = make_pairs(300)
    shuffled = [pairs[i] for i in np.random.default_rng(0).permutation(300)]
    assert Calibration.fit(shuffled) == calibration


def test_bounds_widen_with_the_level(calibration):
    [pair] = make_pairs(1)
    symbols = pair.label.candidate.atoms.symbols
    prediction = calibration.apply(pair.prediction, symbols)
    widths = [calibration.half_width(prediction, "bec", level, symbols) for level in LEVELS]
    assert (np.diff(widths, axis=0) >= 0).all()
    assert widths[0].shape == (len(symbols),)
    with pytest.raises(UserError, match=r"level 0\.99; choose one of 0\.05 to 0\.95"):
        calibration.half_width(prediction, "bec", 0.99, symbols)


# -- what is not claimed -----------------------------------------------------------------


@pytest.mark.parametrize(("control", "claimed"), [(3, 0.75), (4, 0.8), (9, 0.9), (19, 0.95)])
def test_bounds_need_control_frames(control, claimed):
    pairs = make_pairs(control) + make_pairs(30, seed=1, why="uncertain")
    fit = Calibration.fit(pairs).fits["charges"]["O"]
    factors = [level for level, factor in zip(LEVELS, fit.factors, strict=True) if factor]
    assert max(factors) == claimed
    assert (fit.control_frames, fit.frames) == (control, control + 30)


def test_without_control_frames_errors_are_expected_and_nothing_is_promised():
    found = Calibration.fit(make_pairs(40, why="uncertain"))
    pair = make_pairs(1)[0]
    symbols = pair.label.candidate.atoms.symbols
    said = found.apply(pair.prediction, symbols)
    assert (said.expected_error["charges"] > 0).all()
    assert np.isnan(found.half_width(said, "charges", 0.5, symbols)).all()


def test_too_few_frames_calibrate_nothing():
    assert Calibration.fit([]).fits == {}
    assert Calibration.fit(make_pairs(FEWEST_FRAMES - 1)).fits == {}
    assert Calibration.fit(make_pairs(FEWEST_FRAMES)).fits.keys() == {"energy", "charges", "bec"}


def test_an_uncalibrated_committee_leaves_predictions_as_they_are():
    said = make_pairs(1)[0].prediction
    assert Calibration().apply(said, SYMBOLS).expected_error == {}


def test_an_unknown_element_has_no_expected_error(calibration):
    said = Prediction({}, {"charges": np.full(3, 0.01)}, np.empty(0))
    mixed = calibration.apply(said, ["O", "Na", "H"]).expected_error["charges"]
    assert np.isnan(mixed).tolist() == [False, True, False]
    assert calibration.apply(said, ["Na", "Na", "Na"]).expected_error == {}


# -- what is not a number ----------------------------------------------------------------


def test_entries_that_are_not_numbers_are_left_out():
    pairs = make_pairs(30)
    spoiled = []
    for number, pair in enumerate(pairs):
        values = {k: np.array(v) for k, v in pair.label.values.items()}
        std = {k: np.array(v) for k, v in pair.prediction.std.items()}
        if number % 3 == 0:
            values["charges"][0] = np.nan  # not labelled
            std["bec"][1] = np.inf
        label, said = replace(pair.label, values=values), replace(pair.prediction, std=std)
        spoiled.append(replace(pair, label=label, prediction=said))
    whole, rest = blind("charges", pairs), blind("charges", spoiled)
    assert len(rest) == len(whole) - 10
    assert len(blind("bec", spoiled)) == len(whole) - 10
    fit = Calibration.fit(spoiled).fits
    assert fit["charges"]["O"].control_entries < fit["bec"]["O"].control_entries
    assert fit["charges"]["H"].control_entries > fit["bec"]["H"].control_entries
    assert all(math.isfinite(f.slope + f.floor) for of in fit.values() for f in of.values())


@pytest.mark.parametrize("value", [0.0, 0.02])
def test_spreads_that_do_not_vary(value):
    pairs = [
        replace(
            pair,
            prediction=replace(
                pair.prediction,
                std={k: np.full_like(v, value) for k, v in pair.prediction.std.items()},
            ),
        )
        for pair in make_pairs(60)
    ]
    found = Calibration.fit(pairs)
    rows = [r for r in reliability([judge(found, pairs)]) if r.property == "charges"]
    assert [row.element for row in rows] == ["H", "O", "all"]
    for row in rows[:2]:
        assert row.spearman is None
        assert row.expected == pytest.approx(row.observed, rel=1e-6)


# -- files -------------------------------------------------------------------------------


def test_it_comes_back_as_it_was(calibration, tmp_path):
    path = calibration.save(tmp_path / CALIBRATION)
    assert Calibration.load(path) == calibration
    before = path.read_bytes()
    assert Calibration.load(path).save(path).read_bytes() == before
    sparse = Calibration.fit(make_pairs(6))
    assert Calibration.load(sparse.save(path)) == sparse
    assert "NaN" not in path.read_text() and "Infinity" not in path.read_text()


@pytest.mark.parametrize("damage", ["cut", "format", "levels", "foreign", "key"])
def test_a_damaged_file_is_named(calibration, tmp_path, damage):
    path = calibration.save(tmp_path / CALIBRATION)
    data = json.loads(path.read_text())
    if damage == "format":
        data["format"] = "activecharge calibration 99"
    if damage == "levels":
        data["levels"] = [0.5]
    if damage == "key":
        del data["fits"]["bec"]["O"]["slope"]
    text = {"cut": path.read_text()[:99], "foreign": "[1, 2]"}.get(damage, json.dumps(data))
    path.write_text(text)
    with pytest.raises(UserError, match=r"calibration\.json: not a calibration .*delete it"):
        Calibration.load(path)


# -- what control labels had -------------------------------------------------------------


def test_the_usual_error_is_what_most_control_atoms_stay_below(calibration):
    """Of control labels alone: wild ones that were chosen for their spread do not raise it."""
    pairs = make_pairs(300)
    wild = make_pairs(60, seed=5, why="uncertain", scale=9.0)
    for name in ("charges", "bec"):
        for known in (calibration, Calibration.fit(pairs + wild)):
            for element in ("H", "O"):
                spread = np.concatenate(
                    [
                        p.prediction.std[name][np.array(p.label.candidate.atoms.symbols) == element]
                        for p in pairs
                    ]
                )
                symbols = [element] * len(spread)
                below = known.expected_error(name, spread, symbols) <= known.usual_error(
                    name, symbols
                )
                # Frames count alike, whatever their atoms: not exactly 95 % of the atoms.
                assert below.mean() == pytest.approx(0.95, abs=0.02)


def test_without_control_labels_and_in_former_files_nothing_is_usual(calibration, tmp_path):
    chosen = Calibration.fit(make_pairs(20, why="uncertain"))
    assert np.isnan(chosen.usual_error("charges", SYMBOLS)).all()
    data = json.loads(calibration.save(tmp_path / CALIBRATION).read_text())
    for fit in (fit for of in data["fits"].values() for fit in of.values()):
        del fit["usual"]
    (tmp_path / CALIBRATION).write_text(json.dumps(data))
    former = Calibration.load(tmp_path / CALIBRATION)
    assert np.isnan(former.usual_error("bec", SYMBOLS)).all()
    assert former.fits.keys() == calibration.fits.keys()
