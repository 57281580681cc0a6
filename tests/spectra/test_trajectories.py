"""What simulations must be for a spectrum: one sentence for each that is not."""

import numpy as np
import pytest
from spectra_cases import oscillator, record, spectrum

from activecharge.errors import UserError
from activecharge.spectra.trajectories import gather, read_system


@pytest.fixture(scope="module")
def track():
    return oscillator(1600.0, 4000)


def refused(*records, match, **options):
    with pytest.raises(UserError, match=match) as caught:
        spectrum(*records, **options)
    text = str(caught.value)
    assert "\n" not in text and len(text) < 300
    return text


def test_no_simulation(tmp_path):
    with pytest.raises(UserError, match=r"holds no simulation .* `activecharge simulate` wrote"):
        read_system([tmp_path], None, 0.0)
    with pytest.raises(UserError, match="there are no simulations"):
        read_system([], None, 0.0)


def test_cells_and_clusters_do_not_mix(track):
    cell, cluster = record(*track, volume=900.0), record(*track)
    refused(cell, cluster, match=r"run1: is a simulation of a free cluster, unlike run0")
    refused(cluster, cell, match=r"run1: is a simulation of a cell, unlike run0")


@pytest.mark.parametrize(
    "change, words",
    [
        ({"symbols": ("O", "H", "O")}, "other atoms"),
        ({"masses": np.array([16.0, 2.0, 2.0])}, "other atoms"),
        ({"members": (1,)}, r"members \[1\]"),
        ({"spacing": 2.0}, "a current every 2 fs"),
        ({"timestep": 0.5}, "steps of 0.5 fs"),
        ({"temperature_K": 10.0}, "at 10 K"),
    ],
)
def test_other_systems(track, change, words):
    refused(record(*track), record(*track, **change), match=rf"run1: .*{words}.* unlike run0")


def test_too_short(track):
    text = refused(record(*track), match="simulate longer", resolution=10)
    finest = int(text.split("--resolution ")[1].split()[0])
    spectrum(record(*track), resolution=finest)  # what is advised works
    refused(record(*track), match="simulate longer", resolution=finest - 2)
    refused(record(*track), match="in 3 blocks", blocks=3)


def test_too_coarse():
    current, temperature = oscillator(1600.0, 4000, spacing=5.0)
    text = refused(record(current, temperature, spacing=5.0), match="Nyquist")
    assert "3336 cm⁻¹" in text
    every = float(text.split("every ")[2].split(" fs")[0])
    assert every < 1e15 / (2 * 2.998e10 * 4500)  # what is advised suffices
    found = spectrum(record(current, temperature, spacing=5.0), upto=3300, bands=())
    assert found.wavenumber[-1] <= 3300


def test_not_a_number(track):
    current = track[0].copy()
    current[17, 1, 2] = np.nan
    refused(record(current), match="run0: the current at 17 fs is not a number")


def test_no_currents(track):
    empty = record(np.zeros((4000, 2, 0, 3)))
    refused(empty, match="no label taught its committee Born effective")


def test_skipping(track):
    one = record(*track)
    system = gather({"a": one}, skip=1.5)
    assert [len(t.current) for t in system.trajectories] == [2500, 2500]
    with pytest.raises(UserError, match="nothing is left of its 4 ps"):
        gather({"a": one}, skip=4.0)


def test_notes(track):
    found = spectrum(record(*track, complete=False), blocks=1)
    assert any("not complete" in note for note in found.notes)
    pushed = spectrum(record(*track, field_work=np.ones((4000, 2))), blocks=1)
    assert any("ran in a field" in note for note in pushed.notes)
    assert found.formula == "H2O"


def test_each_trajectory_has_its_own_temperature(track):
    """Half and twice the energy, seen at half and twice the temperature: the same spectrum."""
    current, temperature = track
    scale = np.sqrt([0.5, 2.0])[:, None]
    one = spectrum(record(current, temperature), blocks=1)
    two = spectrum(record(current * scale, temperature * scale[:, 0] ** 2), blocks=1)
    assert two.temperature == pytest.approx(1.25 * one.temperature, rel=1e-3)
    top = one.absorption.value.max()
    np.testing.assert_allclose(two.absorption.value, one.absorption.value, atol=1e-12 * top)
    # A temperature that is given holds for all.
    fixed = spectrum(record(current * scale, temperature), blocks=1, temperature=300.0)
    assert fixed.absorption.value.max() == pytest.approx(
        1.25 * one.absorption.value.max(), rel=0.02
    )


def test_frozen(track):
    refused(record(0 * track[0], 0.0), match="its mean temperature is 0 K")
