"""What is written of spectra and vibrations, and printed."""

import csv
import json

import numpy as np
import pytest
from PIL import Image
from spectra_cases import oscillator, record, spectrum, write
from vibration_cases import found, make_committee, water

import activecharge
from activecharge.errors import UserError
from activecharge.spectra.harmonic.vibration_files import vibrations_text, write_vibrations
from activecharge.spectra.spectrum_files import figure, spectrum_text, write_spectrum
from activecharge.spectra.spectrum_records import Spectrum
from activecharge.spectra.tables import with_bar


def read_csv(path) -> dict[str, np.ndarray]:
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return {k: np.array([float(r[k] or "nan") for r in rows]) for k in rows[0]}


@pytest.fixture(scope="module")
def cell() -> Spectrum:
    current, temperature = oscillator(1600.0, 6000)
    scaled = current[:, :, None] * np.array([0.9, 1.0, 1.1])[:, None]
    return spectrum(record(scaled, temperature, volume=900.0))


@pytest.fixture(scope="module")
def cluster() -> Spectrum:
    return spectrum(record(*oscillator(1600.0, 6000)))


def test_csv_and_json_hold_the_numbers(cell, tmp_path):
    files = {path.name for path, _ in write_spectrum(cell, tmp_path)}
    assert files == {"spectrum.csv", "spectrum.json", "spectrum.png"}
    table = read_csv(tmp_path / "spectrum.csv")
    np.testing.assert_allclose(table["wavenumber_per_cm"], cell.wavenumber, rtol=1e-6)
    np.testing.assert_allclose(table["n_alpha_per_cm"], cell.absorption.value, rtol=1e-6)
    np.testing.assert_allclose(table["chi2_90"][1:], cell.susceptibility.together[1:], rtol=1e-6)
    assert np.isnan(table["n_alpha_per_cm_90_forces"]).all()
    data = json.loads((tmp_path / "spectrum.json").read_text())
    [peak] = data["peaks"]
    assert peak["centre"]["value"] == pytest.approx(1600, abs=0.1)
    assert peak["height"]["members"] > 0 and peak["height"]["forces"] is None
    assert data["kind"] == "cell" and data["units"]["absorption"] == "cm⁻¹"
    assert data["permittivity"]["value"] == pytest.approx(float(cell.permittivity.value))
    assert data["options"]["correction"] == "harmonic"
    assert len(data["curves"]["chi2"]) == len(cell.wavenumber)


def test_clusters_have_no_response(cluster, tmp_path):
    write_spectrum(cluster, tmp_path)
    table = read_csv(tmp_path / "spectrum.csv")
    assert "cross_section_A2" in table and not any(name.startswith("chi2") for name in table)
    assert json.loads((tmp_path / "spectrum.json").read_text())["permittivity"] is None
    text = spectrum_text(cluster)
    assert "km/mol" in text and "Å²" in text and "χ″" not in text and "to ε" not in text


def test_text_names_what_is_in_it(cell):
    text = spectrum_text(cell)
    assert "H2O: 2 trajectories, 12 ps together, 300 K, resolution 20 cm⁻¹" in text
    assert "nα [cm⁻¹]" in text and "1600" in text and "to ε" in text
    assert text.count("note: ") == len(cell.notes) == 1


def test_figure_has_two_panels_of_a_cell_and_marks_where_asked(cell, cluster):
    assert len(figure().draw(cell).panels) == 2 and len(figure().draw(cluster).panels) == 1
    plain, marked = figure().draw(cell), figure(["liquid", "gas"]).draw(cell)
    # Maxima of χ″ belong beside χ″ alone, those of vapour beside both.
    assert plain.panels[0] != marked.panels[0] and plain.panels[1] != marked.panels[1]
    only = figure(["liquid"]).draw(cell)
    assert only.panels[0] == plain.panels[0] and only.panels[1] != plain.panels[1]


def test_figure_is_an_image(cell, tmp_path):
    write_spectrum(cell, tmp_path)
    with Image.open(tmp_path / "spectrum.png") as image:
        assert image.format == "PNG" and image.width > 1500


@pytest.mark.parametrize(
    "value, width, words",
    [
        (1595.23, 12.3, "1595 ± 12"),
        (3.14159, 0.0213, "3.142 ± 0.021"),
        (0.0421, 0.00314, "0.0421 ± 0.0031"),
        (1595.2, np.nan, "1595"),
        (np.nan, 1.0, "–"),
        (740914.0, 275767.0, "740000 ± 280000"),
        (2.0, 0.0, "2.0 ± 0.0"),
        (1600.0, 3e-7, "1600.00 ± 0.00"),
        (3e-9, 1e-9, "3.000e-09 ± 1.0e-09"),
    ],
)
def test_numbers_with_bars(value, width, words):
    assert with_bar(value, width) == words


def test_vibrations_on_disk(tmp_path):
    modes = found(make_committee())
    names = [path.name for path, _ in write_vibrations(modes, tmp_path)]
    assert names == ["modes.csv", "modes.json", "modes.png", "relaxed.extxyz"]
    table = read_csv(tmp_path / "modes.csv")
    np.testing.assert_allclose(table["wavenumber_per_cm"], modes.wavenumber, rtol=1e-6)
    np.testing.assert_allclose(table["intensity_1"], modes.intensity_members[1], rtol=1e-6)
    data = json.loads((tmp_path / "modes.json").read_text())
    np.testing.assert_allclose(data["vectors"], modes.vectors)
    assert data["members"] == 2
    with Image.open(tmp_path / "modes.png") as image:
        assert image.format == "PNG"
    text = vibrations_text(modes)
    assert "intensity [km/mol]" in text and "spread of 2 members" in text
    # What was written can be begun with; it rests there already.
    again = activecharge.vibrations(make_committee(), tmp_path / "relaxed.extxyz")
    np.testing.assert_allclose(again.wavenumber, modes.wavenumber, atol=0.01)


def test_an_imaginary_mode_is_named():
    """A linear molecule held straight by symmetry rests on a saddle of this committee."""
    atoms = water()
    atoms.positions = [[0, 0, 0], [0, 0, 0.95], [0, 0, -0.95]]
    modes = found(make_committee(), atoms)
    assert modes.imaginary and modes.wavenumber[0] < 0 and len(modes.wavenumber) == 4
    text = vibrations_text(modes)
    assert "imaginary" in text and "i ± " in text


def test_from_python(tmp_path):
    folder = write(tmp_path / "run", record(*oscillator(1600.0, 3000)))
    found = activecharge.spectrum(folder)
    assert isinstance(found, Spectrum)
    assert found.peaks[0].centre.value == pytest.approx(1600, abs=0.1)
    second = write(tmp_path / "second", record(*oscillator(1600.0, 3000)))
    both = activecharge.spectrum([folder, second])
    assert both.trajectories == 4
    with pytest.raises(UserError, match="given twice"):
        activecharge.spectrum([folder, second, tmp_path / "run" / ".." / "run"])
    with pytest.raises(UserError, match="holds no simulation"):
        activecharge.spectrum(tmp_path)
