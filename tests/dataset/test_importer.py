"""Labelled data of other programs become labels, or one sentence says why not."""

import ase.io
import numpy as np
import pytest
from born_cases import DCDR_FILE, DCDR_WATER, apt_differences, labelled, outcar
from pydantic import ValidationError

from activecharge.dataset.extxyz import read_labels, write_labels
from activecharge.dataset.identity import content_hash
from activecharge.dataset.importing.import_options import ImportOptions
from activecharge.dataset.importing.importer import import_file
from activecharge.dataset.importing.unit_names import DEBYE
from activecharge.errors import UserError
from activecharge.units import BOHR, HARTREE

STORED = 1.1e-8
"""Half a unit of the eighth decimal, once in the file and once in the label."""


def frame(molecules=2, seed=0, bec="bec", **replaced):
    """A frame as somebody else may have written it, and its true values."""
    atoms, values = labelled(molecules, seed)
    values = values | replaced
    atoms = atoms.copy()
    atoms.info["dft_energy"] = float(values["energy"])
    atoms.info["mu"] = values["dipole"]
    atoms.set_array("dft_forces", values["forces"])
    atoms.set_array("mulliken", values["charges"])
    atoms.set_array(bec, values["bec"].reshape(len(atoms), 9))
    return atoms, values


KEYS = {
    "energy": "dft_energy",
    "forces": "dft_forces",
    "charges": "mulliken",
    "dipole": "mu",
    "bec": "bec",
}


@pytest.fixture
def data(tmp_path):
    """Writes frames and imports them."""

    def do(frames, second=None, elements=("H", "O"), **options):
        path = tmp_path / "data.extxyz"
        ase.io.write(path, frames, format="extxyz")
        options = ImportOptions(**({"keys": KEYS} | options))
        return import_file(path, options, elements, second)

    return do


def test_user_named_keys(data):
    frames = [frame(2, seed) for seed in range(3)]
    got = data([atoms for atoms, _ in frames])
    assert got.order == "pol_disp"
    assert got.order_from.startswith(
        "detected: rotational sum rule of free clusters with the dipole, 3"
    )
    assert got.frames == dict.fromkeys(KEYS, 3)
    assert got.masked == {}
    for number, (label, (atoms, values)) in enumerate(zip(got.labels, frames, strict=True)):
        assert label.candidate.origin == {"file": "data.extxyz", "frame": number}
        assert label.candidate.hash == content_hash(label.candidate.atoms)
        np.testing.assert_allclose(label.candidate.atoms.positions, atoms.positions, atol=STORED)
        for name in KEYS:
            np.testing.assert_allclose(label.values[name], values[name], rtol=0, atol=STORED)


def test_labels_survive_the_programs_own_files(data, tmp_path):
    labels = data([frame()[0]]).labels
    write_labels(tmp_path / "own.extxyz", labels)
    (back,) = read_labels(tmp_path / "own.extxyz", rehash=True)
    assert back.candidate.hash == labels[0].candidate.hash
    assert back.values.keys() == labels[0].values.keys()
    for name, value in back.values.items():
        np.testing.assert_array_equal(value, labels[0].values[name])


def test_units(data):
    atoms, values = frame()
    atoms.positions /= BOHR
    atoms.info["dft_energy"] /= HARTREE
    atoms.arrays["dft_forces"] /= HARTREE / BOHR
    atoms.info["mu"] = atoms.info["mu"] / DEBYE
    atoms.arrays["bec"] *= -1
    units = {
        "positions": "bohr",
        "energy": "Ha",
        "forces": "Hartree/Bohr",
        "dipole": "D",
        "bec": "-e",
    }
    (label,) = data([atoms], units=units).labels
    # Eight decimals in the file's larger units.
    for name in KEYS:
        np.testing.assert_allclose(label.values[name], values[name], rtol=0, atol=1e-6)


def test_cells_have_the_unit_of_positions(data):
    atoms, _ = frame()
    del atoms.info["mu"]
    atoms.cell, atoms.pbc = np.diag([12.0, 13.0, 14.0]), True
    whole = atoms.copy()
    atoms.positions /= BOHR
    atoms.cell /= BOHR
    keys = {name: key for name, key in KEYS.items() if name != "dipole"}
    (label,) = data([atoms], keys=keys, units={"positions": "bohr"}, order="pol_disp").labels
    # Eight decimals in the file's larger unit.
    np.testing.assert_allclose(label.candidate.atoms.cell, whole.cell, rtol=0, atol=STORED)
    np.testing.assert_allclose(label.candidate.atoms.positions, whole.positions, atol=STORED)


def test_each_frame_has_its_own_order(data):
    """One says so, and the tensors of the other show it."""
    (one, first), (other, second) = frame(2, 0), frame(2, 1)
    one.info["bec_convention"] = "disp_pol"
    one.set_array("bec", first["bec"].swapaxes(1, 2).reshape(-1, 9))
    got = data([one, other])
    assert got.order is None
    for label, values in zip(got.labels, (first, second), strict=True):
        np.testing.assert_allclose(label.values["bec"], values["bec"], rtol=0, atol=STORED)
    assert [label.settings["bec_order"] for label in got.labels] == ["disp_pol", "pol_disp"]


def test_spellings_of_units():
    units = {"energy": "kcal/mol", "forces": "kcal/mol/Angstrom", "dipole": "e*A", "stress": "GPa"}
    options = ImportOptions(units=units)
    assert options.units.forces == "kcal/mol/Å"
    assert options.units.dipole == "e·Å"
    with pytest.raises(ValidationError, match="hartree"):
        ImportOptions(units={"energy": "meV"})


def test_transposed_tensors_are_turned(data):
    atoms, values = frame()
    turned = values["bec"].swapaxes(1, 2)
    atoms.set_array("bec", turned.reshape(-1, 9))
    got = data([atoms])
    assert got.order == "disp_pol"
    np.testing.assert_allclose(got.labels[0].values["bec"], values["bec"], rtol=0, atol=STORED)
    assert got.labels[0].settings["bec_order"] == "disp_pol"


def test_tensors_in_the_comment_line(data):
    atoms, values = frame()
    del atoms.arrays["bec"]
    atoms.info["bec"] = values["bec"].ravel()
    (label,) = data([atoms]).labels
    np.testing.assert_allclose(label.values["bec"], values["bec"], rtol=0, atol=STORED)


def test_an_order_against_the_evidence_is_refused(data):
    with pytest.raises(UserError, match="the data show the opposite"):
        data([frame()[0]], order="disp_pol")


def test_an_order_against_the_frame_is_refused(data):
    atoms, _ = frame()
    atoms.info["bec_convention"] = "pol_disp"
    assert data([atoms]).order_from == "the frames' bec_convention"
    with pytest.raises(UserError, match="given as disp_pol, but it is pol_disp"):
        data([atoms], order="disp_pol")
    atoms.info["bec_convention"] = "field_first"
    with pytest.raises(UserError, match=r"frame 0 .*expected pol_disp"):
        data([atoms])


def test_undecided_order_is_refused_and_can_be_given(data):
    atoms, _ = frame()
    atoms.cell, atoms.pbc = np.eye(3) * 5, True
    keys = {"bec": "bec"}
    with pytest.raises(UserError, match="neither a free cluster nor a second calculation"):
        data([atoms], keys=keys)
    assert data([atoms], keys=keys, order="disp_pol").order == "disp_pol"
    found = data([atoms], lambda _: labelled(2)[1]["bec"], keys=keys)
    assert found.order == "pol_disp"
    assert "second calculation" in found.order_from


def test_refusal_reports_both_residuals(data):
    atoms, values = frame(1)
    bec = (values["bec"] + values["bec"].swapaxes(1, 2)) / 2
    atoms.set_array("bec", bec.reshape(-1, 9))
    with pytest.raises(UserError, match=r"residual .* first, .* first \(the tensors are symm"):
        data([atoms])


def test_inverted_sign_is_refused(data):
    atoms, values = frame()
    atoms.set_array("bec", -values["bec"].reshape(-1, 9))
    del atoms.info["mu"]
    with pytest.raises(UserError, match=r"frame 0 .*give units\.bec: -e"):
        data([atoms], keys={"bec": "bec"})


def test_missing_atoms_stay_masked(data):
    atoms, values = frame()
    atoms.arrays["mulliken"][2] = np.nan
    atoms.arrays["bec"][:2] = np.nan
    got = data([atoms, frame(2, 1)[0]])
    assert got.masked == {"charges": 1, "bec": 2}
    label = got.labels[0]
    assert np.isnan(label.values["charges"]).tolist() == [False, False, True, False, False, False]
    assert np.isnan(label.values["bec"]).all(axis=(1, 2)).tolist() == [True, True] + [False] * 4
    np.testing.assert_allclose(label.values["bec"][2:], values["bec"][2:], rtol=0, atol=STORED)


def test_properties_that_some_frames_lack(data):
    one, other = frame(2, 0)[0], frame(2, 1)[0]
    del other.info["dft_energy"], other.arrays["bec"]
    got = data([one, other])
    assert got.frames["energy"] == got.frames["bec"] == 1
    assert "energy" not in got.labels[1].values


def test_names_of_ase_are_known(tmp_path):
    """A file written from a calculator holds energy, forces, stress and dipole."""
    from ase.calculators.singlepoint import SinglePointCalculator

    atoms, values = labelled(2)
    atoms.cell, atoms.pbc = np.eye(3) * 12, True
    voigt = np.array([1.0, 2, 3, 4, 5, 6]) / 1024
    names = ("energy", "forces", "dipole")
    results = {name: values[name] for name in names} | {"stress": voigt}
    atoms.calc = SinglePointCalculator(atoms, **results)
    for path, format in ((tmp_path / "a.xyz", None), (tmp_path / "a.traj", "traj")):
        ase.io.write(path, atoms)
        (label,) = import_file(path, ImportOptions(format=format)).labels
        assert set(label.values) == {*names, "stress"}
        np.testing.assert_allclose(label.values["forces"], values["forces"], rtol=0, atol=STORED)
        stress = np.array([[1, 6, 5], [6, 2, 4], [5, 4, 3]]) / 1024
        np.testing.assert_allclose(label.values["stress"], stress, rtol=0, atol=STORED)


def test_outcar(tmp_path):
    """Geometry, energy, forces and tensors from one file, in the order VASP documents."""
    atoms, values = labelled(2)
    order = np.argsort(-atoms.numbers, kind="stable")
    atoms, bec = atoms[order], values["bec"][order]
    atoms.cell, atoms.pbc = np.eye(3) * 15, True
    (tmp_path / "OUTCAR").write_text(outcar(atoms, bec, -28.25, forces=values["forces"][order]))
    got = import_file(tmp_path / "OUTCAR", ImportOptions(), {"H", "O"})
    (label,) = got.labels
    assert got.order == "pol_disp"
    assert got.order_from.startswith("as documented for VASP")
    assert label.values["energy"] == -28.25
    assert label.candidate.atoms.symbols.get_chemical_formula("reduce") == "O2H4"
    # Five decimals are printed.
    np.testing.assert_allclose(label.values["bec"], bec, rtol=0, atol=6e-6)
    np.testing.assert_allclose(label.values["forces"], values["forces"][order], atol=6e-6)


def test_outcar_of_several_steps_is_refused(tmp_path):
    atoms, values = labelled(1)
    atoms.cell, atoms.pbc = np.eye(3) * 15, True
    text = outcar(atoms, values["bec"])
    step = text[text.index("-----") : text.index(" BORN")]
    (tmp_path / "OUTCAR").write_text(text.replace(" BORN", f"{step} BORN", 1))
    with pytest.raises(UserError, match=r"of 1 frame\(s\), but .* holds 2"):
        import_file(tmp_path / "OUTCAR", ImportOptions())


def test_cp2k_tensors_beside_the_frames(tmp_path):
    ase.io.write(tmp_path / "water.xyz", DCDR_WATER, format="extxyz")
    (tmp_path / "apt.data").write_text(DCDR_FILE)
    options = ImportOptions(bec_file=str(tmp_path / "apt.data"))
    got = import_file(tmp_path / "water.xyz", options)
    assert got.order == "disp_pol"
    assert got.order_from == "as documented for CP2K, DCDR"
    assert got.evidence[0].order == "disp_pol"  # the rule without the dipole agrees
    assert got.labels[0].values["bec"][1, :, 0].tolist() == [0.288192, 0.188817, -0.143891]
    wrong = ImportOptions(bec_file=options.bec_file, order="pol_disp")
    with pytest.raises(UserError, match="correct one of them"):
        import_file(tmp_path / "water.xyz", wrong)


def test_tensors_beside_the_frames_have_units(tmp_path):
    atoms, values = labelled(2)
    ase.io.write(tmp_path / "two.xyz", atoms, format="extxyz")
    (tmp_path / "apt.data").write_text(apt_differences(atoms.symbols, values["bec"] / DEBYE))
    options = ImportOptions(bec_file=str(tmp_path / "apt.data"), units={"bec": "D/Å"})
    (label,) = import_file(tmp_path / "two.xyz", options).labels
    # Ten decimals are printed, eight are kept.
    np.testing.assert_allclose(label.values["bec"], values["bec"], rtol=0, atol=STORED)


def test_tensors_of_another_molecule_are_refused(tmp_path):
    ase.io.write(tmp_path / "two.xyz", labelled(2)[0], format="extxyz")
    (tmp_path / "apt.data").write_text(DCDR_FILE)
    options = ImportOptions(bec_file=str(tmp_path / "apt.data"))
    with pytest.raises(UserError, match=r"frame 0 .*has 6 atoms, but .*apt\.data has .* of 3"):
        import_file(tmp_path / "two.xyz", options)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a.info.update(charge=1), "charge is 1, but only neutral"),
        (lambda a: a.set_pbc([True, True, False]), "periodic in all three directions"),
        (lambda a: a.numbers.__setitem__(0, 16), "holds S, but only H, O"),
        (lambda a: a.info.update(mu=np.ones(2)), r"mu has shape \(2,\), expected \(3,\)"),
        (lambda a: a.info.update(mu="x"), "mu is not numeric"),
        (lambda a: a.info.update(dft_energy=np.nan), "dft_energy must be finite"),
    ],
)
def test_each_frame_is_checked(data, change, said):
    good, bad = frame(2, 0)[0], frame(2, 1)[0]
    change(bad)
    with pytest.raises(UserError, match=rf"frame 1 .*{said}"):
        data([good, bad])


def test_a_key_that_is_not_there_is_named(data):
    with pytest.raises(UserError, match=r"dft_enrgy \(keys\.energy\); did you mean dft_energy"):
        data([frame()[0]], keys=KEYS | {"energy": "dft_enrgy"})


def test_frames_without_labels_are_named(data):
    with pytest.raises(UserError, match=r"frame 1 .*holds no labels that are known"):
        data([frame()[0], labelled(2)[0]])


def test_files_that_are_not_there_or_not_readable(tmp_path):
    with pytest.raises(UserError, match=r"a\.traj: cannot be read \(No such file"):
        import_file(tmp_path / "a.traj", ImportOptions())
    (tmp_path / "OUTCAR").write_text("no OUTCAR\n")
    with pytest.raises(UserError, match="ASE cannot read it"):
        import_file(tmp_path / "OUTCAR", ImportOptions())
