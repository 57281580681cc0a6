"""Every gate lets a real label through and stops one that breaks its law alone."""

import re

import numpy as np
import pytest

from activecharge.reference.codes.tblite.tblite import label
from activecharge.reference.failure import Retry
from activecharge.reference.gates import gate
from activecharge.reference.reference_options import GateOptions, TbliteOptions


def test_real_labels_pass_far_inside_the_tolerances(trimer, trimer_label, box):
    # A hundred times tighter than the defaults: those never refuse a sound tblite label.
    options = GateOptions()
    tight = GateOptions(
        **{name: value / 100 for name, value in options.tolerances().items() if name != "max_force"}
    )
    assert gate(trimer, trimer_label, tight) is None
    assert gate(box, label(box, TbliteOptions()), tight) is None


def test_a_label_is_as_good_wherever_its_frame_lies(trimer, trimer_label):
    """What is left of net forces and sums of tensors must not get a lever of a micrometre."""
    far = trimer.copy()
    far.positions += [1e4, 0, 0]
    allowed = trimer_label | {"bec": trimer_label["bec"] + 1e-4}
    assert gate(trimer, allowed, GateOptions()) is None
    assert gate(far, allowed, GateOptions()) is None


def shifted(value, amount):
    return value + amount


def pulled_apart(forces):
    """Add a pair of opposite forces beside the line of their atoms: torque, no net force."""
    forces = forces.copy()
    forces[0] += [0.3, 0, 0]
    forces[8] -= [0.3, 0, 0]
    return forces


def holed(value):
    value = value.copy()
    value.flat[0] = np.nan
    return value


@pytest.mark.parametrize(
    ("name", "doctor", "words"),
    [
        ("forces", holed, "forces has 1 of 27 values that are not finite"),
        ("energy", holed, "energy has 1 of 1 values"),
        ("bec", lambda v: v.reshape(-1, 9), r"bec has shape \(9, 9\), expected \(9, 3, 3\)"),
        ("charges", lambda v: shifted(v, 1e-3), "sum of charges: 0.009 e is above .* 0.001 e"),
        ("charges", lambda v: shifted(v, -1e-3), "sum of charges: 0.009 e is above"),
        ("bec", lambda v: shifted(v, 1e-3), "acoustic sum rule: 0.009 e is above .* 0.002 e"),
        ("bec", lambda v: v.transpose(0, 2, 1), "rotational sum rule: .* e·Å is above"),
        ("bec", lambda v: -v, "rotational sum rule"),
        ("dipole", lambda v: 1.1 * v, "rotational sum rule"),
        ("forces", lambda v: 100 * v, "largest force: .* eV/Å is above .* 30 eV/Å"),
        ("forces", lambda v: shifted(v, 0.01), "net force: 0.09 eV/Å is above"),
        ("forces", pulled_apart, "net torque: .* eV is above"),
    ],
)
def test_each_law_refuses(trimer, trimer_label, name, doctor, words):
    doctored = {**trimer_label, name: doctor(trimer_label[name])}
    breach = gate(trimer, doctored, GateOptions())
    assert breach is not None
    assert re.search(words, breach.sentence), breach.sentence
    # Overlapping atoms stay so; a density that is not the ground state breaks all other laws.
    ceiling = "largest force" in words
    assert breach.retry is (Retry.NEVER if ceiling else Retry.OTHERWISE)


def test_rotational_rule_and_torque_are_not_asked_of_cells(trimer, trimer_label):
    periodic = trimer.copy()
    periodic.set_cell([15, 15, 15])
    periodic.pbc = True
    doctored = {
        **trimer_label,
        "dipole": 2 * trimer_label["dipole"],
        "forces": pulled_apart(trimer_label["forces"]),
    }
    assert gate(periodic, doctored, GateOptions()) is None


def test_only_present_properties_are_checked(trimer, trimer_label):
    assert gate(trimer, {"charges": trimer_label["charges"]}, GateOptions()) is None
    assert gate(trimer, {}, GateOptions()).sentence == "the label has no values"
    spins = gate(trimer, {"spin": np.zeros(9)}, GateOptions())
    assert "not a known property" in spins.sentence


def test_values_stay_as_they_are(trimer, trimer_label):
    before = {name: value.copy() for name, value in trimer_label.items()}
    gate(trimer, trimer_label, GateOptions())
    for name, value in before.items():
        np.testing.assert_array_equal(trimer_label[name], value)
