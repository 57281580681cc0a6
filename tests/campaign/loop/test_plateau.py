"""Stop rules on errors that are known, with the noise of few labels."""

import numpy as np
import pytest
from ase import Atoms

from activecharge.campaign.loop.stopping import expected_target, gain_and_noise, plateau
from activecharge.records import BlindPair, Candidate, Label, Prediction


def make_pair(error, expected=None, names=("charges", "bec")):
    """One molecule, every component of every property wrong by `error`."""
    atoms = Atoms("OH2", positions=np.eye(3))
    zeros = {"charges": np.zeros(3), "bec": np.zeros((3, 3, 3)), "energy": np.zeros(())}
    values = {name: zeros[name] for name in names}
    mean = {name: value + error for name, value in values.items()}
    known = (
        {} if expected is None else {n: np.full(np.shape(values[n])[:1], expected) for n in names}
    )
    std = {name: np.ones(np.shape(value)[:1]) for name, value in values.items()}
    said = Prediction(mean, std, np.empty(0), known)
    label = Label(Candidate(atoms, "", "clusters"), values, "tblite", {})
    return BlindPair(label, said, "control")


def rounds(means, frames=5, scatter=0.1, **options):
    """Control labels of rounds with given mean errors."""
    rng = np.random.default_rng(0)
    return [
        [make_pair(mean * (1 + scatter * rng.uniform(-1, 1)), **options) for _ in range(frames)]
        for mean in means
    ]


FALLING = [0.04, 0.03, 0.02, 0.015, 0.011, 0.008]
LEVEL = [0.04, 0.03, 0.02, 0.02, 0.02, 0.02]


def test_errors_that_fall_go_on():
    assert plateau(rounds(FALLING), 2) == ""


def test_errors_that_stay_stop():
    # Equal means: the difference exceeds one standard error one time in six, not for this seed.
    text = plateau(rounds(LEVEL), 2)
    assert text.startswith(
        "in 2 rounds the error of control labels fell by no more than noise: q by "
    )
    assert ", Z by " in text


def test_a_gain_smaller_than_its_noise_is_none():
    """0.7 me less, where the scatter of three frames on each side makes 2 me of noise."""
    before, after = (0.018, 0.020, 0.024), (0.018, 0.020, 0.022)
    assert plateau([[make_pair(e) for e in errors] for errors in (before, after)], 1)


def test_errors_that_rise_stop():
    assert plateau(rounds([*LEVEL[:4], 0.03, 0.04]), 2)


def test_too_few_rounds_go_on():
    assert plateau(rounds(LEVEL[-3:]), 2) == ""
    assert plateau([], 1) == ""


def test_too_few_control_labels_go_on():
    assert plateau(rounds(LEVEL, frames=1), 2) == ""
    assert plateau([[]] * 6, 2) == ""


def test_one_property_that_still_gains_goes_on():
    """Born effective charges stay, static ones fall."""
    level, falling = rounds(LEVEL, names=("bec",)), rounds(FALLING, names=("charges",))
    both = [a + b for a, b in zip(level, falling, strict=True)]
    assert plateau(both, 2) == ""
    assert plateau(level, 2)


def test_properties_that_nobody_follows_do_not_stop():
    assert plateau(rounds(LEVEL, names=("energy",)), 2) == ""


def test_the_noise_is_that_of_a_difference_of_means():
    gain, noise = gain_and_noise(np.array([1.0, 3.0]), np.array([0.0, 1.0, 2.0]))
    # Variances 2 and 1 over 2 and 3 frames.
    assert (gain, noise) == (1.0, pytest.approx(np.sqrt(1 + 1 / 3)))


def test_pure_noise_is_told_from_a_gain_as_often_as_it_should():
    rng, stopped = np.random.default_rng(1), 0
    for _ in range(2000):
        gain, noise = gain_and_noise(*rng.normal(size=(2, 12)))
        stopped += gain < noise
    # One-sided one standard error of Student's t with 22 degrees of freedom: 0.836; ± 4 × 0.008.
    assert 0.80 < stopped / 2000 < 0.87


# -- calibrated target -------------------------------------------------------------------


def control(error, expected, **options):
    return [make_pair(error, expected, **options) for _ in range(4)]


def test_both_errors_must_meet_the_target():
    targets = {"charges": 0.01, "bec": 0.02}
    text = expected_target(control(0.005, 0.008), targets)
    assert text == (
        "the calibrated errors of control labels met the target: "
        "charges 0.008 expected, 0.005 found, bec 0.008 expected, 0.005 found"
    )
    assert expected_target(control(0.005, 0.012), targets) == ""
    assert expected_target(control(0.012, 0.005), targets) == ""


@pytest.mark.parametrize(
    "case",
    [
        control(0.005, None),
        control(0.005, np.nan),
        control(0.005, 0.005, names=("charges",)),
        [],
    ],
    ids=["uncalibrated", "unknown element", "property missing", "no control"],
)
def test_what_is_not_known_does_not_meet_a_target(case):
    assert expected_target(case, {"charges": 0.01, "bec": 0.02}) == ""


def test_no_target_no_stop():
    assert expected_target(control(0.0, 0.0), {}) == ""


def test_energies_count_per_atom():
    met = control(0.009, 0.009, names=("energy",))
    assert expected_target(met, {"energy": 0.0031})
    assert expected_target(met, {"energy": 0.0029}) == ""
