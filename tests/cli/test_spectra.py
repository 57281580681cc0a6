"""The commands spectrum and vibrations: what they leave, and what they refuse."""

import json
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule
from ase.io import write as write_file
from spectra_cases import oscillator, record, write
from vibration_cases import make_committee

from activecharge.model.checkpoint import save_model


def refused(outcome, *words):
    code, out, err = outcome
    assert (code, out) == (2, ""), err
    assert err.startswith("error: ") and err.count("\n") == 1
    for word in words:
        assert word in err


@pytest.fixture
def box(tmp_path) -> Path:
    current, temperature = oscillator(1600.0, 4000)
    return write(tmp_path / "box", record(current, temperature, volume=900.0))


@pytest.fixture
def cluster(tmp_path) -> Path:
    return write(tmp_path / "cluster", record(*oscillator(1600.0, 4000)))


@pytest.fixture(scope="module")
def committee(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("committee")
    for index, model in enumerate(make_committee().members):
        save_model(model, folder / f"member-{index:02d}")
    return folder


@pytest.fixture
def water(tmp_path) -> Path:
    write_file(tmp_path / "water.xyz", molecule("H2O"), format="extxyz")
    return tmp_path / "water.xyz"


def test_spectrum(call, box, tmp_path):
    code, out, err = call("spectrum", box, "--marks", "liquid", "--set", "window=blackman")
    assert (code, err) == (0, "")
    assert "nα [cm⁻¹]" in out and "1600" in out
    assert {"spectrum.csv", "spectrum.json", "spectrum.png"} <= {p.name for p in box.iterdir()}
    code, out, _ = call("spectrum", box, "-o", tmp_path / "new", "--json", "--band", "1000:2000")
    data = json.loads(out)
    assert code == 0 and (tmp_path / "new" / "spectrum.png").exists()
    assert [a["low"] for a in data["areas"]] == [1000.0]
    assert data["options"]["window"] == "hann"


def test_the_same_spectrum_is_the_same_bytes(call, box, tmp_path):
    for name in ("one", "two"):
        assert call("spectrum", box, "-o", tmp_path / name).code == 0
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


@pytest.mark.parametrize(
    "options, words",
    [
        (["--resolution", "5"], ["simulate longer", "--resolution 13"]),
        (["--upto", "20000"], ["Nyquist"]),
        (["--upto", "-1"], ["upto"]),
        (["--correction", "wigner"], ["correction", "schofield"]),
        (["--set", "window=kaiser"], ["window", "hann"]),
        (["--set", "widow=hann"], ["widow"]),
        (["--band", "1200"], ["--band 1200", "1200:2500"]),
        (["--band", "2500:1200"], ["band 2500:1200 is empty"]),
        (["--marks", "ice"], ["--marks ice", "liquid, gas"]),
        (["--set", "skip=4"], ["nothing is left of its 4 ps"]),
        (["--set", "stage=warm"], ["no stage 'warm'"]),
        (["--upto", "30"], ["upto"]),
    ],
)
def test_options_that_are_refused(call, box, options, words):
    before = sorted(box.iterdir())
    refused(call("spectrum", box, *options), *words)
    assert sorted(box.iterdir()) == before


def test_simulations_that_are_refused(call, box, cluster, tmp_path):
    refused(call("spectrum", tmp_path), str(tmp_path), "holds no simulation")
    refused(call("spectrum", box, cluster), "of a free cluster, unlike")
    refused(call("spectrum", box, box), "given twice")
    (box / "simulation.json").write_text("{}")
    refused(call("spectrum", box), "simulation.json")
    current, temperature = oscillator(1600.0, 4000)
    current[100, 0, 0] = np.nan
    broken = write(tmp_path / "broken", record(current, temperature))
    refused(call("spectrum", broken), "the current at 100 fs is not a number")


def test_vibrations(call, committee, water, tmp_path):
    code, out, err = call("vibrations", committee, water, "-o", "modes")
    assert (code, err) == (0, "")
    assert "wavenumber [cm⁻¹]" in out and "spread of 2 members" in out
    names = {path.name for path in (tmp_path / "modes").iterdir()}
    assert names == {"modes.csv", "modes.json", "modes.png", "relaxed.extxyz"}


def test_vibrations_that_are_refused(call, committee, water, tmp_path):
    cell = molecule("H2O")
    cell.set_cell([9.0] * 3)
    cell.pbc = True
    lost = molecule("H2O")
    lost.positions[1, 2] = np.nan
    write_file(tmp_path / "cell.xyz", cell, format="extxyz")
    write_file(tmp_path / "lost.xyz", lost, format="extxyz")
    write_file(tmp_path / "two.xyz", [molecule("H2O")] * 2, format="extxyz")

    def vibrations(file, *options):
        return call("vibrations", committee, file, "-o", "modes", *options)

    refused(vibrations("cell.xyz"), "cell.xyz", "periodic", "activecharge spectrum")
    refused(vibrations("lost.xyz"), "lost.xyz", "frame 0")
    refused(vibrations("two.xyz"), "two.xyz", "holds 2 frames", "--frame")
    refused(vibrations("two.xyz", "--frame", "2"), "two.xyz", "no frame 2")
    refused(vibrations("none.xyz"), "none.xyz")
    refused(vibrations("water.xyz", "--steps", "1"), "did not come to rest", "--fmax")
    refused(vibrations("water.xyz", "--fmax", "-1"), "fmax")
    refused(call("vibrations", tmp_path, water, "-o", "modes"), "no committee here")
    assert not (tmp_path / "modes").exists()


def test_from_a_simulation_to_its_spectrum(call, committee, water):
    assert call("vibrations", committee, water, "-o", "modes").code == 0
    settings = ["--set", "stages=[{kind: nve, steps: 140}]", "--set", "temperature=20"]
    settings += ["--set", "sample_every=1", "--set", "replicas=2"]
    start = "modes/relaxed.extxyz"
    code, _, err = call("simulate", committee, start, "-o", "md", *settings)
    assert code == 0, err
    code, out, err = call("spectrum", "md", "--resolution", "900", "--json")
    assert code == 0, err
    data = json.loads(out)
    assert (data["formula"], data["trajectories"], data["members"]) == ("H2O", 2, [0, 1])
    assert data["kind"] == "cluster" and max(data["curves"]["cross_section_A2"]) > 0
    assert [note.split(":")[0] for note in data["notes"]] == [
        "no two members drove trajectories of their own (`simulate --set forces=each`)"
    ]
