"""Files of other programs, through the one reader of all commands."""

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from born_cases import labelled

from activecharge.dataset.frames import read_frames
from activecharge.errors import UserError
from activecharge.sampling.pool import read_pool

GPA = 1 / 160.21766208
"""1 GPa in eV/Å³."""


def computed(molecules=2, seed=0):
    """A cluster with its results, as ASE's calculators leave them, and its true values."""
    atoms, values = labelled(molecules, seed)
    atoms = atoms.copy()
    atoms.calc = SinglePointCalculator(
        atoms, energy=float(values["energy"]), forces=values["forces"], dipole=values["dipole"]
    )
    return atoms, values


@pytest.mark.parametrize("name", ["a.traj", "run@300K.traj", "a.json", "a.db", "postgres.traj"])
def test_files_of_ase(take, tmp_path, name):
    """An @ is no index here, and no name is the address of a server."""
    frames = [computed(2, seed) for seed in range(2)]
    ase.io.write(tmp_path / name.replace("@", "_"), [atoms for atoms, _ in frames])
    (tmp_path / name.replace("@", "_")).rename(tmp_path / name)
    intake = take(tmp_path / name)
    assert intake.imported.frames == {"energy": 2, "forces": 2, "dipole": 2}
    for (_, values), label in zip(frames, intake.imported.labels, strict=True):
        # Eight decimals of the program's own files.
        np.testing.assert_allclose(label.values["forces"], values["forces"], rtol=0, atol=1e-8)
    for given, pooled in zip(frames, read_pool(tmp_path / name), strict=True):
        np.testing.assert_allclose(pooled.positions, given[0].positions, rtol=0, atol=1e-8)


def test_what_a_row_of_a_database_says_beside_the_results(take, tmp_path):
    atoms, values = computed()
    with connect(tmp_path / "a.db") as rows:
        rows.write(atoms, campaign="first", data={"apt": values["bec"].reshape(-1, 9)})
    intake = take(tmp_path / "a.db", keys={"bec": "apt"})
    np.testing.assert_allclose(
        intake.imported.labels[0].values["bec"], values["bec"], rtol=0, atol=1e-8
    )
    assert "campaign (text, in 1 frame)" in intake.facts()["not_read"]


VASPRUN = """<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling>
 <incar></incar>
 <kpoints><varray name="kpointlist"><v>0 0 0</v></varray><varray name="weights"><v>1</v></varray>
 </kpoints>
 <parameters></parameters>
 <atominfo><array name="atoms"><set>
  <rc><c>O </c><c>1</c></rc><rc><c>H </c><c>2</c></rc><rc><c>H </c><c>2</c></rc>
 </set></array></atominfo>
 <structure name="initialpos"><crystal><varray name="basis">
  <v>10 0 0</v><v>0 10 0</v><v>0 0 10</v></varray></crystal><varray name="positions">
  <v>0.1 0.1 0.1</v><v>0.196 0.1 0.1</v><v>0.076 0.193 0.1</v></varray></structure>
 <calculation>
  <scstep><energy><i name="e_fr_energy">-14.2</i><i name="e_wo_entrp">-14.2</i>
   <i name="e_0_energy">-14.2</i></energy></scstep>
  <structure><crystal><varray name="basis"><v>10 0 0</v><v>0 10 0</v><v>0 0 10</v></varray>
  </crystal><varray name="positions">
  <v>0.1 0.1 0.1</v><v>0.196 0.1 0.1</v><v>0.076 0.193 0.1</v></varray></structure>
  <varray name="forces"><v>0.1 0.2 0</v><v>-0.05 0 0</v><v>-0.05 -0.2 0</v></varray>
  <varray name="stress"><v>2 0 0</v><v>0 1 0</v><v>0 0 0.5</v></varray>
  <energy><i name="e_fr_energy">-14.2</i><i name="e_0_energy">-14.2</i></energy>
 </calculation>
</modeling>
"""


def test_vasprun(take, write):
    """VASP's kbar, positive under compression, come out as eV/Å³ that are negative there."""
    intake = take(write(VASPRUN, "vasprun.xml"))
    (label,) = intake.imported.labels
    assert float(label.values["energy"]) == -14.2
    # Eight decimals.
    np.testing.assert_allclose(
        np.diag(label.values["stress"]), -GPA * np.array([0.2, 0.1, 0.05]), rtol=0, atol=1e-8
    )
    assert intake.facts()["not_read"] == []  # the free energy is the same number


def test_a_format_that_ase_guesses_from_the_name_alone(write):
    with pytest.raises(UserError, match=r"holds no frames if it is espresso-out.*--format"):
        list(read_frames(write("SCF done\n", "mine.out")))


@pytest.mark.parametrize("format", ["bundletrajectory", "postgresql"])
def test_formats_that_may_run_code_are_refused(write, format):
    with pytest.raises(UserError, match="could run code"):
        list(read_frames(write("x", "a.bundle"), format))


def test_a_format_can_be_named(take, tmp_path):
    ase.io.write(tmp_path / "odd_name", computed()[0], format="traj")
    assert take(tmp_path / "odd_name", format="traj").imported.frames["energy"] == 1


# -- DeePMD-kit ---------------------------------------------------------------------------


def deepmd(folder, frames, nopbc=False, **arrays):
    """A system of DeePMD-kit with one set; `frames` are atoms of one kind of molecule."""
    inside = folder / "set.000"
    inside.mkdir(parents=True)
    kinds = ["0" if symbol == "O" else "1" for symbol in frames[0].symbols]
    (folder / "type.raw").write_text("\n".join(kinds))
    (folder / "type_map.raw").write_text("O\nH\n")
    arrays["coord"] = np.array([atoms.positions.ravel() for atoms in frames])
    if nopbc:
        (folder / "nopbc").touch()
    else:
        arrays["box"] = np.array([atoms.cell.array.ravel() for atoms in frames])
    for name, array in arrays.items():
        np.save(inside / f"{name}.npy", array)
    return folder


def test_deepmd_of_free_clusters(take, tmp_path):
    frames = [labelled(2, seed) for seed in range(3)]
    path = deepmd(
        tmp_path / "system",
        [atoms for atoms, _ in frames],
        nopbc=True,
        energy=np.array([values["energy"] for _, values in frames]),
        force=np.array([values["forces"].ravel() for _, values in frames]),
        dipole=np.array([values["dipole"] for _, values in frames]),
    )
    intake = take(path)
    assert intake.imported.frames == {"energy": 3, "forces": 3, "dipole": 3}
    for (atoms, values), label in zip(frames, intake.imported.labels, strict=True):
        assert not label.candidate.atoms.pbc.any()
        np.testing.assert_allclose(label.candidate.atoms.positions, atoms.positions, atol=1e-8)
        np.testing.assert_allclose(label.values["forces"], values["forces"], rtol=0, atol=1e-8)


def test_deepmd_of_bulk(take, tmp_path):
    """A virial over minus the volume is the stress; atomic dipoles are told, not learnt."""
    atoms, values = labelled(2)
    atoms = atoms.copy()
    atoms.set_cell(np.diag([10.0, 11.0, 12.0]) + np.eye(3, k=1))
    atoms.pbc = True
    virial = np.array([[3.0, 0.5, 0.1], [0.5, 2.0, 0.2], [0.1, 0.2, 1.0]])
    dipoles = np.ones((1, 3 * len(atoms)))
    path = deepmd(
        tmp_path / "system",
        [atoms],
        energy=np.array([[values["energy"]]]),
        virial=virial.reshape(1, 9),
        atomic_dipole=dipoles,
    )
    intake = take(path)
    (label,) = intake.imported.labels
    np.testing.assert_array_equal(label.candidate.atoms.cell.array, atoms.cell.array)
    np.testing.assert_allclose(label.values["stress"], -virial / 1320, rtol=0, atol=1e-8)
    assert intake.facts()["not_read"] == ["atomic_dipole (3 numbers an atom, in 1 frame)"]
    assert len(read_pool(path)) == 1


def test_deepmd_with_types_frame_by_frame(tmp_path):
    frames = [Atoms("OHH", positions=np.eye(3)), Atoms("HOH", positions=np.eye(3))]
    kinds = np.array([[0, 1, 1], [1, 0, 1]])
    path = deepmd(tmp_path / "system", frames, nopbc=True, real_atom_types=kinds)
    read = ["".join(atoms.symbols) for _, atoms in read_frames(path)]
    assert read == ["OHH", "HOH"]


def lose_names(path):
    (path / "type_map.raw").unlink()


def lose_box(path):
    (path / "set.000" / "box.npy").unlink()


def lose_a_name(path):
    (path / "type_map.raw").write_text("O\n")


def cut_forces(path):
    np.save(path / "set.000" / "force.npy", np.zeros((1, 8)))


def spoil(path):
    (path / "set.000" / "energy.npy").write_bytes(b"no numbers")


def pack_objects(path):
    np.save(path / "set.000" / "energy.npy", np.array([{"a": 1}], dtype=object))


def lose_sets(path):
    for file in (path / "set.000").iterdir():
        file.unlink()
    (path / "set.000").rmdir()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lose_names, "has no type_map.raw"),
        (lose_a_name, "holds the type 1, but type_map.raw has 1 names"),
        (lose_box, "has no box.npy; add it, or an empty file nopbc"),
        (cut_forces, r"force.npy has shape \(1, 8\), expected 1 rows of 9 numbers"),
        (spoil, "energy.npy: holds no numbers"),
        (pack_objects, "energy.npy: holds no numbers"),
        (lose_sets, r"holds no folder set\.\*"),
    ],
)
def test_damaged_systems_of_deepmd(tmp_path, damage, said):
    atoms = Atoms("OHH", positions=np.eye(3), cell=9 * np.eye(3), pbc=True)
    path = deepmd(tmp_path / "system", [atoms], energy=np.zeros(1))
    damage(path)
    with pytest.raises(UserError, match=said):
        list(read_frames(path))
