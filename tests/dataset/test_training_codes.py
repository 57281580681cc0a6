"""What other training codes read from an export is what the labels say, by their own readers."""

import importlib.util

import ase.io
import numpy as np
import pytest

from activecharge.dataset.exporting.training_codes import CODES, export_for
from activecharge.dataset.frames import read_frames
from activecharge.dataset.identity import canonical, content_hash
from activecharge.errors import UserError
from activecharge.records import Candidate, Label
from activecharge.units import DEBYE

EXACT = 1e-8
"""extxyz rounds columns to 8 decimals."""


@pytest.fixture(scope="module")
def labels():
    """A free molecule and a cell of one, with unlike numbers in every place."""
    rng = np.random.default_rng(3)
    made = []
    for periodic in (False, True, False):
        places = rng.normal(scale=0.1, size=(3, 3)) + np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]])
        atoms = ase.Atoms("OHH", places)
        if periodic:
            atoms.cell, atoms.pbc = [5, 6, 7], True
        atoms = canonical(atoms)
        stress = rng.normal(size=(3, 3))
        values = {
            "energy": np.float64(rng.normal()),
            "forces": rng.normal(size=(3, 3)).round(8),
            "charges": rng.normal(size=3).round(8),
            "bec": rng.normal(size=(3, 3, 3)).round(8),
        }
        values |= {"stress": stress + stress.T} if periodic else {"dipole": rng.normal(size=3)}
        made.append(Label(Candidate(atoms, content_hash(atoms), "test"), values, "made", {}))
    return made


@pytest.fixture
def write(labels, tmp_path):
    def write(code, name="data.xyz"):
        return export_for(
            code, labels, tmp_path / name, {"train": [0, 1], "valid": [2], "test": []}
        )

    return write


def test_mace_reads_energies_forces_stress_charges_and_dipoles_in_debye(write, labels):
    from mace.data.utils import KeySpecification, load_from_xyz

    (path, _), _ = write("mace")
    info = {"energy": "REF_energy", "stress": "REF_stress", "dipole": "REF_dipole_debye"}
    arrays = {"forces": "REF_forces", "charges": "REF_charges"}
    keys = KeySpecification.from_defaults().update(info_keys=info, arrays_keys=arrays)
    _, read = load_from_xyz(str(path), key_specification=keys)
    for config, label in zip(read, labels, strict=False):
        found, values = config.properties, label.values
        assert np.isclose(found["energy"], values["energy"], rtol=0, atol=EXACT)
        assert np.allclose(found["forces"], values["forces"], rtol=0, atol=EXACT)
        assert np.allclose(found["charges"], values["charges"], rtol=0, atol=EXACT)
        if "stress" in values:
            assert np.allclose(np.reshape(found["stress"], (3, 3)), values["stress"], atol=EXACT)
        else:
            assert np.allclose(found["dipole"] * DEBYE, values["dipole"], rtol=0, atol=EXACT)


def test_mace_and_we_agree_on_the_debye():
    """By the formula of MACE's own dipoles of point charges; it has rounded constants of nature."""
    import torch
    from mace.modules.utils import compute_fixed_charge_dipole

    one = torch.ones(1, dtype=torch.float64)
    place = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    batch = torch.zeros(1, dtype=torch.long)
    found = compute_fixed_charge_dipole(one, place, batch, 1)
    assert np.isclose(found[0, 0].item(), 1 / DEBYE, rtol=1e-6)


def test_nequip_reads_what_ase_has_standard_names_for(write, labels):
    (path, _), _ = write("nequip")
    for atoms, label in zip(ase.io.read(path, ":"), labels, strict=False):
        assert np.isclose(atoms.get_potential_energy(), label.values["energy"], atol=EXACT)
        assert np.allclose(atoms.get_forces(), label.values["forces"], rtol=0, atol=EXACT)
        assert np.allclose(atoms.get_charges(), label.values["charges"], rtol=0, atol=EXACT)
        stress = atoms.get_stress(voigt=False)
        assert np.allclose(
            stress, label.values.get("stress", np.full((3, 3), np.nan)), atol=EXACT, equal_nan=True
        )


@pytest.mark.skipif(not importlib.util.find_spec("nequip"), reason="nequip is not installed")
def test_nequip_reads_it_with_its_own_reader(write, labels, monkeypatch):
    # e3nn 0.4, which MACE pins, loads its own constants in the old way.
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    from nequip.data.ase import from_ase

    (path, _), _ = write("nequip")
    for atoms, label in zip(ase.io.read(path, ":"), labels, strict=False):
        data = from_ase(atoms, include_keys=["born_effective_charges"])
        bec = data["born_effective_charges"].numpy()
        # float32 is torch's default, in which it reads.
        assert np.allclose(bec, label.values["bec"], rtol=1e-6, atol=1e-6)
        assert np.allclose(data["forces"].numpy(), label.values["forces"], rtol=1e-6, atol=1e-6)
        assert np.isclose(data["total_energy"].item(), label.values["energy"], rtol=1e-6)


def test_metatrain_finds_every_key_in_every_frame(write, labels):
    """As its reader asks: stress as nine numbers, NaN where there is no cell."""
    (path, _), _ = write("metatrain")
    for atoms, label in zip(ase.io.read(path, ":"), labels, strict=False):
        assert atoms.info["REF_energy"] == pytest.approx(label.values["energy"], abs=EXACT)
        shaped = atoms.arrays["REF_bec"].reshape(3, 3, 3)
        assert np.allclose(shaped, label.values["bec"], rtol=0, atol=EXACT)
        for key, name, shape in (("REF_stress", "stress", (3, 3)), ("REF_dipole", "dipole", (3,))):
            expected = label.values.get(name, np.full(shape, np.nan))
            found = np.reshape(atoms.info[key], shape)
            assert np.allclose(found, expected, atol=EXACT, equal_nan=True)


@pytest.mark.skipif(not importlib.util.find_spec("metatrain"), reason="metatrain is not installed")
def test_metatrain_reads_it_with_its_own_reader(write, labels):
    from metatrain.utils.data.readers.ase import read_energy, read_generic
    from omegaconf import OmegaConf

    (path, _), _ = write("metatrain")

    def target(key, **more):
        given = {
            "key": key,
            "read_from": str(path),
            "num_subtargets": 1,
            "unit": "",
            "quantity": "",
        }
        return OmegaConf.create(given | more)

    gradients = {name: {"key": f"REF_{name}", "read_from": str(path)} for name in ("forces",)}
    energy = target("REF_energy", per_atom=False, sample_kind="system", type="scalar", virial=False)
    energies, _ = read_energy("energy", OmegaConf.merge(energy, gradients, {"stress": False}))
    atomic = {"per_atom": True, "sample_kind": "atom"}
    tensor = target("REF_bec", type={"cartesian": {"rank": 2}}, **atomic)
    tensors, _ = read_generic("mtt::bec", tensor)
    charges, _ = read_generic("mtt::charges", target("REF_charges", type="scalar", **atomic))
    for row, label in enumerate(labels[:2]):
        block = energies[row].block()
        assert np.isclose(block.values.item(), label.values["energy"], atol=EXACT)
        slope = block.gradient("positions").values.numpy()[..., 0]
        assert np.allclose(-slope, label.values["forces"], rtol=0, atol=EXACT)
        found = tensors[row].block().values.numpy()[..., 0]
        assert np.allclose(found, label.values["bec"], rtol=0, atol=EXACT)
        found = charges[row].block().values.numpy()[:, 0]
        assert np.allclose(found, label.values["charges"], rtol=0, atol=EXACT)


def test_les_has_the_displacement_first(write, labels):
    (path, _), _ = write("les")
    for atoms, label in zip(ase.io.read(path, ":"), labels, strict=False):
        found = atoms.arrays["bec"].reshape(3, 3, 3)
        assert np.allclose(found.transpose(0, 2, 1), label.values["bec"], rtol=0, atol=EXACT)
        assert atoms.info["bec_convention"] == "disp_pol"


def test_deepmd_is_read_back_with_the_sign_of_the_virial(write, labels):
    """By the reader of imports, which takes a virial to be −stress·volume."""
    systems = [path for path, _ in write("deepmd", "systems")]
    assert [path.name for path in systems] == ["H2O_free", "H2O", "H2O_free"]
    assert [path.parent.name for path in systems] == ["train", "train", "valid"]
    for path, label in zip(systems, labels, strict=True):
        [(_, atoms)] = read_frames(path)
        assert np.array_equal(atoms.numbers, label.candidate.atoms.numbers)
        assert np.array_equal(atoms.positions, label.candidate.atoms.positions)
        assert np.array_equal(atoms.pbc, label.candidate.atoms.pbc)
        assert np.array_equal(atoms.get_forces(), label.values["forces"])
        if atoms.pbc.all():
            virial = np.reshape(atoms.info["virial"], (3, 3))
            assert np.allclose(-virial / atoms.get_volume(), label.values["stress"], rtol=1e-14)
        rows = np.load(path / "set.000" / "atomic_bec.npy").reshape(3, 3, 3)
        assert np.array_equal(rows, label.values["bec"])


@pytest.mark.skipif(not importlib.util.find_spec("dpdata"), reason="dpdata is not installed")
def test_dpdata_reads_the_systems(write, labels):
    import dpdata

    for (path, _), label in zip(write("deepmd", "systems"), labels, strict=True):
        system = dpdata.LabeledSystem(str(path), fmt="deepmd/npy")
        assert np.allclose(system["coords"][0], label.candidate.atoms.positions, atol=1e-12)
        assert np.allclose(system["forces"][0], label.values["forces"], atol=1e-12)
        assert system["energies"][0] == pytest.approx(float(label.values["energy"]))
        assert system.nopbc == (not label.candidate.atoms.pbc.any())
        if "stress" in label.values:
            volume = label.candidate.atoms.get_volume()
            expected = -label.values["stress"] * volume
            assert np.allclose(system["virials"][0], expected, rtol=1e-12)


def test_what_cannot_be(write, labels, tmp_path):
    with pytest.raises(UserError, match="expected one of mace, nequip, metatrain, les, deepmd"):
        write("schnet")
    with pytest.raises(UserError, match="no labels to export yet"):
        export_for(CODES[0], [], tmp_path / "x.xyz", {})
    write("deepmd", "systems")
    with pytest.raises(UserError, match="is there already"):
        write("deepmd", "systems")
