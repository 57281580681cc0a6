"""Ions and fields, whatever they are called."""

import numpy as np
import pytest
from ase import Atoms
from foreign_cases import PLAIN, text

from activecharge.dataset.extxyz import read_labels
from activecharge.errors import UserError
from activecharge.sampling.pool import read_pool

WATER = Atoms("OHH", positions=[[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])


@pytest.mark.parametrize(
    "key",
    [
        *("charge", "Charge", "total_charge", "TotalCharge", "totalcharge", "tot_charge", "q"),
        *("net_charge", "netCharge", "overall_charge", "qtot", "Q_total", "REF_charge", "dft_q"),
        *("system_charge", "molecular_charge", "cluster_charge", "charge_of_the_system"),
    ],
)
def test_ions_under_any_name_are_refused(write, key):
    for value in ("1", "-1.0", "+1"):
        path = write(text(WATER, f"{key}={value} energy=-14.5 {PLAIN}"))
        with pytest.raises(UserError, match=rf"frame 0 .*{key} is -?1, but only neutral"):
            read_pool(path)


def test_of_several_charges_the_largest_counts(write):
    path = write(text(WATER, f"charge=0 total_charge=-1 energy=-14.5 {PLAIN}"))
    with pytest.raises(UserError, match="total_charge is -1, but only neutral"):
        read_pool(path)


@pytest.mark.parametrize(
    "comment",
    [
        *("charge=0", "total_charge=-0.0", "q=1e-7", 'q="1 0 0"', "charge_mixing=0.2"),
        *("charge=neutral", "charges_from=mulliken", "charge=F", "quality=3", "charge_density=1"),
    ],
)
def test_neutral_frames_and_other_words_pass(write, comment):
    assert len(read_pool(write(text(WATER, f"{comment} {PLAIN}")))) == 1


@pytest.mark.parametrize("key", ["charge_state", "ion", "anion_count"])
def test_what_may_be_a_charge_is_named(take, write, key):
    facts = take(write(text(WATER, f"{key}=2 energy=-14.5 {PLAIN}"))).facts()
    (told,) = facts["not_read"]
    assert told.startswith(f"{key} (1 number, in 1 frame): if it is the total charge")


@pytest.mark.parametrize(
    "key",
    ["electric_field", "efield", "E_field", "field", "external_field", "REF_electric_field"],
)
def test_labels_in_a_field_are_refused_unless_asked_for(take, write, key):
    path = write(text(WATER, f'{key}="0 0 0.01" energy=-14.5 REF_energy=-14.5 {PLAIN}'))
    with pytest.raises(UserError, match=rf"frame 0 .*{key} is 0 0 0.01, .*electric field"):
        take(path)
    with pytest.raises(UserError, match="electric field"):
        read_labels(path)
    assert take(path, electric_field="keep").imported.frames == {"energy": 1}
    assert len(read_pool(path)) == 1  # the configuration alone is as good as any


@pytest.mark.parametrize("comment", ['efield="0 0 0"', 'magnetic_field="0 0 1"', "force_field=1"])
def test_no_field_and_other_fields_pass(take, write, comment):
    path = write(text(WATER, f"{comment} energy=-14.5 {PLAIN}"))
    assert np.isclose(take(path).imported.labels[0].values["energy"], -14.5)
