"""Labels survive their file exactly, and bad files are refused in one clear sentence."""

from dataclasses import replace

import ase.io
import numpy as np
import pytest
from ase import Atoms

from activecharge.dataset.extxyz import read_labels, to_atoms, write_labels
from activecharge.dataset.identity import content_hash
from activecharge.errors import UserError
from activecharge.properties import PROPERTIES


def refused(path, *words, **options):
    with pytest.raises(UserError) as caught:
        read_labels(path, **options)
    message = str(caught.value)
    for word in (str(path), *words):
        assert word in message
    return message


def write_water(path, info="", columns="REF_charges:R:1", extra="0.1", position="0.0"):
    path.write_text(
        f"3\nProperties=species:S:1:pos:R:3:{columns} {info}\n"
        f"O {position} 0.0 0.0 {extra}\nH 0.9 0.0 0.0 {extra}\nH 0.0 0.9 0.0 {extra}\n"
    )
    return path


@pytest.mark.parametrize("periodic", [False, True])
def test_labels_come_back_exactly(tmp_path, make_label, periodic):
    labels = [make_label(seed, seed + 1, periodic) for seed in range(4)]
    back = read_labels(write_labels(tmp_path / "a.xyz", labels))
    for label, again in zip(labels, back, strict=True):
        assert again.candidate.atoms == label.candidate.atoms
        assert again.candidate.hash == label.candidate.hash
        assert again.candidate.source == label.candidate.source
        assert again.candidate.origin == label.candidate.origin
        assert (again.reference, again.settings) == (label.reference, label.settings)
        assert again.values.keys() == label.values.keys()
        for name, value in label.values.items():
            assert np.array_equal(again.values[name], value), name
            assert again.values[name].shape == value.shape


def test_plain_ase_reads_the_same_numbers(tmp_path, make_label):
    label = make_label(3, 2, True)
    atoms = ase.io.read(write_labels(tmp_path / "a.xyz", [label]))
    assert atoms.calc is None
    assert atoms.info["bec_convention"] == "pol_disp"
    assert np.array_equal(atoms.arrays["REF_bec"], label.values["bec"].reshape(-1, 9))
    assert np.array_equal(atoms.arrays["REF_forces"], label.values["forces"])
    assert np.array_equal(atoms.arrays["REF_charges"], label.values["charges"])
    assert np.array_equal(atoms.info["REF_stress"].reshape(3, 3), label.values["stress"])
    assert np.array_equal(atoms.info["REF_dipole"], label.values["dipole"])
    assert atoms.info["REF_energy"] == label.values["energy"]


def test_rows_are_row_major_with_polarization_first(tmp_path, make_label):
    bec = np.zeros((3, 3, 3))
    bec[0, 0, 1] = 0.5  # polarization along x, displacement of atom 0 along y
    atoms = ase.io.read(write_labels(tmp_path / "a.xyz", [make_label(bec=bec)]))
    assert atoms.arrays["REF_bec"][0].tolist() == [0, 0.5, 0, 0, 0, 0, 0, 0, 0]


def test_equal_labels_give_equal_bytes(tmp_path, make_label):
    labels = [make_label(seed, 2) for seed in range(3)]
    extra = [{"round": 1, "chosen": True}] * 3
    reordered = [{"chosen": True, "round": 1}] * 3
    first = write_labels(tmp_path / "a.xyz", labels, extra).read_bytes()
    turned = [replace(x, values=dict(reversed(x.values.items()))) for x in labels]
    assert write_labels(tmp_path / "b.xyz", turned, reordered).read_bytes() == first


def test_masked_atoms_stay_masked(tmp_path, make_label):
    charges, bec = np.array([np.nan, 0.3, 0.4]), np.full((3, 3, 3), 0.25)
    bec[1] = np.nan
    (label,) = read_labels(write_labels(tmp_path / "a.xyz", [make_label(charges=charges, bec=bec)]))
    assert np.array_equal(label.values["charges"], charges, equal_nan=True)
    assert np.array_equal(label.values["bec"], bec, equal_nan=True)


# ASE takes bare words like these for numbers, truth values or lists, or drops backslashes.
@pytest.mark.parametrize(
    "text",
    [
        "0123456789012345",
        "12e4567890123456",
        "T",
        "1,2",
        "",
        "a b",
        'say "q" \\ it\'s',
        "Å",
        "a\nb",
    ],
)
def test_any_text_survives(tmp_path, make_label, text):
    label = make_label()
    candidate = replace(label.candidate, hash=text, source=text, origin={text: text})
    written = replace(label, candidate=candidate, reference=text, settings={"x": text})
    path = write_labels(tmp_path / "a.xyz", [written], [{"note": text}])
    (again,) = read_labels(path)
    assert again.candidate.hash == again.candidate.source == again.reference == text
    assert again.candidate.origin == {text: text}
    assert again.settings == {"x": text}
    assert ase.io.read(path).info["note"] == text
    assert path.read_bytes().isascii()


def test_extra_info_is_written_but_replaces_nothing(make_label):
    info = to_atoms(
        make_label(), {"round": np.int64(2), "hash": "x", "none": None, "list": [1]}
    ).info
    assert info["round"] == 2
    assert info["hash"] == f"{0:016x}"
    assert "none" not in info
    assert info["list"] == "[1]"


def test_single_atom_and_missing_properties(tmp_path, make_label):
    label = make_label()
    candidate = replace(label.candidate, atoms=Atoms("O", positions=[[0.0, 0.0, 0.0]]))
    values = {"charges": np.array([0.125]), "bec": np.full((1, 3, 3), 0.5)}
    path = write_labels(tmp_path / "a.xyz", [replace(label, candidate=candidate, values=values)])
    (again,) = read_labels(path)
    assert again.values.keys() == values.keys()
    assert again.values["charges"].shape == (1,)


def test_files_of_others(tmp_path):
    frame = Atoms("OHH", positions=np.eye(3) / 3, cell=[9, 9, 9])
    frame.info["REF_energy"] = -1
    ase.io.write(tmp_path / "a.xyz", frame, format="extxyz")
    (label,) = read_labels(tmp_path / "a.xyz")
    assert label.candidate.hash == content_hash(label.candidate.atoms)
    assert label.candidate.source == "file"
    assert label.values["energy"] == -1.0
    assert label.values["energy"].dtype == float
    assert not label.candidate.atoms.cell.any()  # a free frame has no cell
    assert label.candidate.atoms.positions[0, 0] == 0.33333333


def test_an_edited_frame_loses_its_old_hash_where_asked(tmp_path, make_label):
    path = write_labels(tmp_path / "a.xyz", [make_label()])
    (kept,), (anew,) = read_labels(path), read_labels(path, rehash=True)
    assert kept.candidate.hash == f"{0:016x}"
    assert anew.candidate.hash == content_hash(anew.candidate.atoms)


def test_displacement_first_is_transposed(tmp_path, make_label):
    label = make_label()
    path = write_labels(tmp_path / "a.xyz", [label])
    path.write_text(path.read_text().replace("pol_disp", "disp_pol"))
    (again,) = read_labels(path)
    assert np.array_equal(again.values["bec"], label.values["bec"].swapaxes(1, 2))


@pytest.mark.parametrize(("found", "said"), [("", "missing"), ("bec_convention=xyz", '"xyz"')])
def test_index_order_is_never_assumed(tmp_path, make_label, found, said):
    path = write_labels(tmp_path / "a.xyz", [make_label(), make_label(1)])
    head, tail = path.read_text().rsplit("bec_convention=pol_disp", 1)
    path.write_text(head + found + tail)
    refused(path, "frame 1", "REF_bec", "pol_disp", said)


def test_missing_empty_and_foreign_files(tmp_path):
    refused(tmp_path / "none.xyz", "No such file")
    path = tmp_path / "a.xyz"
    path.write_text("\n\n")
    refused(path, "holds no frames")
    path.write_bytes(b"\xff\xfe\x00")
    refused(path, "not a text file")
    path.write_text("energies of water\n")
    refused(path, "frame 0", "number of atoms", "energies of water")
    path.write_text("0\n\n")
    refused(path, "at least 1")


def test_a_cut_file_names_the_frame(tmp_path, make_label):
    path = write_labels(tmp_path / "a.xyz", [make_label(seed) for seed in range(3)])
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]))
    refused(path, "frame 2", "after 2 of 3 atoms")


def test_corrupt_numbers_and_columns(tmp_path):
    path = tmp_path / "a.xyz"
    refused(write_water(path, extra="0.1-0.2"), "frame 0", "not valid extxyz")
    refused(write_water(path, extra=""), "frame 0", "not valid extxyz")
    refused(write_water(path, columns="REF_charges:R:x"), "frame 0", "not valid extxyz")
    refused(write_water(path, columns="REF_charges:S:1", extra="x"), "REF_charges", "not numeric")


def test_files_without_reference_values(tmp_path):
    path = tmp_path / "a.xyz"
    message = refused(write_water(path, "energy=-3.0", "forces:R:1"), "frame 0", "REF_energy")
    assert "energy, forces" in message


def test_wrong_shapes(tmp_path):
    path = tmp_path / "a.xyz"
    refused(write_water(path, columns="REF_forces:R:1"), "REF_forces has shape (3,)", "(3, 3)")
    refused(write_water(path, 'REF_dipole="1 2"'), "REF_dipole has shape (2,)", "(3,)")
    refused(write_water(path, 'REF_stress="1 2 3 4 5 6"'), "REF_stress has shape (6,)", "(9,)")
    refused(write_water(path, columns="REF_bec:R:1"), "REF_bec has shape (3,)", "(3, 9)")


def test_values_that_are_not_finite(tmp_path):
    path = tmp_path / "a.xyz"
    refused(write_water(path, position="nan"), "frame 0", "positions are not finite")
    refused(write_water(path, "REF_energy=nan"), "REF_energy", "finite")
    refused(write_water(path, extra="inf"), "REF_charges", "finite or, where missing, NaN")


def test_systems_that_are_not_handled(tmp_path):
    path = tmp_path / "a.xyz"
    refused(write_water(path, "charge=1"), "charge is 1", "neutral")
    refused(write_water(path, "total_charge=-0.5"), "total_charge is -0.5", "neutral")
    assert read_labels(write_water(path, "charge=0 total_charge=0.0"))
    refused(write_water(path, 'Lattice="9 0 0 0 9 0 0 0 9" pbc="T T F"'), '"T T F"', "three")
    refused(write_water(path, 'pbc="T T T"'), "no usable cell")
    refused(write_water(path, 'Lattice="9 0 0 9 0 0 0 0 9"'), "no usable cell")
    refused(write_water(path), "holds O", "only H", elements=["H"])
    assert read_labels(write_water(path), elements=["H", "O"])


def test_writing_is_checked_too(tmp_path, make_label):
    with pytest.raises(ValueError, match="REF_forces has shape"):
        write_labels(tmp_path / "a.xyz", [make_label(forces=np.zeros((2, 3)))])
    with pytest.raises(ValueError, match="at least one"):
        write_labels(tmp_path / "a.xyz", [])
    assert list(tmp_path.iterdir()) == []


def test_no_key_is_one_that_ase_swallows():
    from ase.calculators.calculator import all_properties

    assert not {p.key for p in PROPERTIES.values()} & set(all_properties)
