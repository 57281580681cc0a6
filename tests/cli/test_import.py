"""Data of other programs through the command line, and what this machine can do."""

import json
from importlib import metadata

import ase.io
import numpy as np
import pytest
from ase.units import Hartree

from activecharge.dataset.extxyz import read_labels
from activecharge.reference.tight_binding import tight_binding_bec
from activecharge.sampling.builders.liquid import build_boxes
from activecharge.sampling.source_options import BoxesOptions


@pytest.fixture
def theirs(finished_once, tmp_path):
    """The campaign's labels as another program may have written them."""
    labels = read_labels(finished_once / "dataset" / "data.xyz")
    frames = []
    for label in labels:
        frame = label.candidate.atoms.copy()
        frame.info["e_dft"] = float(label.values["energy"]) / Hartree
        frame.arrays["apt"] = label.values["bec"].swapaxes(1, 2).reshape(-1, 9)
        frames.append(frame)
    ase.io.write(tmp_path / "theirs.xyz", frames, format="extxyz")
    return labels


def test_keys_units_and_order(call, tmp_path, theirs):
    named = ("--key", "energy=e_dft", "--unit", "energy=hartree", "--key", "bec=apt")
    code, out, err = call("import", "theirs.xyz", "-o", "ours.xyz", *named)
    assert code == 0, err
    assert f"ours.xyz: {len(theirs)} frames" in out
    assert "index order in the file: disp_pol, detected: rotational sum rule" in out
    assert "duplicates: none\n  leaks: none\n" in out
    for ours, label in zip(read_labels(tmp_path / "ours.xyz"), theirs, strict=True):
        assert ours.candidate.hash == label.candidate.hash
        np.testing.assert_array_equal(ours.values["bec"], label.values["bec"])
        # Two roundings to the file's 8 decimals of hartree.
        np.testing.assert_allclose(ours.values["energy"], label.values["energy"], atol=1e-6)


def test_settings_from_a_file(call, tmp_path, theirs):
    settings = "keys: {energy: e_dft, bec: apt}\nunits: {energy: hartree}\nreference: B3LYP\n"
    (tmp_path / "theirs.yaml").write_text(settings)
    ours = tmp_path / "ours.xyz"
    code, out, _ = call("import", "theirs.xyz", "-o", ours, "--config", "theirs.yaml", "--json")
    facts = json.loads(out)
    assert (code, facts["bec_order"], facts["frames"]) == (0, "disp_pol", len(theirs))
    assert facts["labelled"] == {"energy": len(theirs), "bec": len(theirs)}
    assert read_labels(ours)[0].reference == "B3LYP"
    # The command line wins over the file.
    named = ("--config", "theirs.yaml", "--order", "pol_disp")
    code, _, err = call("import", "theirs.xyz", "-o", "again.xyz", *named)
    assert code == 2 and "the data show the opposite" in err
    assert not (tmp_path / "again.xyz").exists()


def test_order_in_a_cell_by_comparison(call, tmp_path):
    """No sum rule tells the order in bulk; a second calculation by the same method does."""
    options = BoxesOptions(count=1, molecules=(2, 2), density=0.5)
    atoms = next(build_boxes(options, np.random.default_rng(0)))
    bec = tight_binding_bec(atoms)
    atoms.arrays["apt"] = bec.swapaxes(1, 2).reshape(-1, 9)
    ase.io.write(tmp_path / "bulk.xyz", atoms, format="extxyz")
    code, out, err = call("import", "bulk.xyz", "-o", "ours.xyz", "--key", "bec=apt")
    assert code == 0, err
    assert "disp_pol, detected: comparison with a second calculation, 1 frame" in out
    [label] = read_labels(tmp_path / "ours.xyz")
    # Eight decimals in the file.
    np.testing.assert_allclose(label.values["bec"], bec, atol=1e-8)


def test_repeats_are_named(call, tmp_path, theirs):
    frames = ase.io.read(tmp_path / "theirs.xyz", index=":")
    ase.io.write(tmp_path / "test.xyz", frames[3:4], format="extxyz")
    turned = frames[1].copy()
    turned.rotate(40, (1, 2, 3))
    turned.arrays["apt"] = np.full((len(turned), 9), np.nan)
    ase.io.write(tmp_path / "theirs.xyz", [*frames, turned], format="extxyz")
    named = ("--key", "energy=e_dft", "--key", "bec=apt", "--against", "test.xyz")
    code, out, err = call("import", "theirs.xyz", "-o", "ours.xyz", *named)
    assert code == 0, err
    assert f"theirs.xyz, frame {len(frames)} is" in out and "frame 1 of the same file" in out
    assert "leaks: 1\n    theirs.xyz, frame 3 is frame 0 of test.xyz\n" in out
    assert f"bec: missing for {len(turned)} atoms" in out


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (("--key", "energy"), "NAME=VALUE"),
        (("--key", "enrgy=e"), "did you mean 'energy'?"),
        (("--unit", "energy=joule"), "units.energy"),
        (("--order", "backwards"), "order"),
        (("--config", "none.yaml"), "none.yaml: no such file"),
        (("--key", "energy=absent"), "absent"),
        (("--against", "none.xyz"), "none.xyz"),
    ],
)
def test_mistakes(call, tmp_path, theirs, arguments, expected):
    code, out, err = call("import", "theirs.xyz", "-o", "ours.xyz", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and err.count("\n") == 1
    assert expected in err
    assert not (tmp_path / "ours.xyz").exists()


def test_doctor(call):
    code, out, _ = call("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(out)}
    assert code == 0 and checks["tblite"]["usable"]
    assert checks["ray"]["version"] == metadata.version("ray")
    code, out, _ = call("doctor")
    assert code == 0 and out.startswith("references\n  yes  tblite")
