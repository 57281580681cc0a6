"""Models come back from disk bit by bit, and only from files that training wrote."""

import copy
import json
import pickle

import pytest
import torch
from model_cases import COUPLINGS, FRAMES, make_model, predict

from activecharge.errors import UserError
from activecharge.model.checkpoint import load_model, save_model, usable

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("coupling", "dtype"),
    [(name, "float64" if name == "local" else "float32") for name in COUPLINGS],
)
def test_predictions_survive_bitwise(coupling, dtype, tmp_path):
    model = make_model(coupling, dtype=dtype)
    loaded = load_model(save_model(model, tmp_path / "member"))
    assert loaded.architecture == model.architecture
    before, after = (predict(m, *FRAMES.values()) for m in (model, loaded))
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert torch.equal(value.nan_to_num(), after[name].nan_to_num()), name


def test_only_two_files_are_written(tmp_path):
    save_model(make_model(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.safetensors"]


def edit(path, change):
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


class Bomb:
    """Unpickling this would run code."""

    def __reduce__(self):
        return exec, ("raise SystemExit('unpickled')",)


def spoil_pickle(weights, _):
    weights.write_bytes(pickle.dumps(Bomb()))


SPOILT = {
    "no weights": (lambda w, a: w.unlink(), "model.safetensors is missing"),
    "no architecture": (lambda w, a: a.unlink(), "model.json is missing"),
    "truncated": (lambda w, a: w.write_bytes(w.read_bytes()[:-50]), "model.safetensors: not"),
    "header cut": (lambda w, a: w.write_bytes(w.read_bytes()[:60]), "model.safetensors: not"),
    "emptied": (lambda w, a: w.write_bytes(b""), "model.safetensors: not"),
    "noise": (lambda w, a: w.write_bytes(bytes(range(256)) * 8), "model.safetensors: not"),
    "pickle": (spoil_pickle, "model.safetensors: not"),
    "broken json": (lambda w, a: a.write_text('{"options": '), "model.json: not"),
    "binary json": (lambda w, a: a.write_bytes(b"\xff\xfe\x00"), "model.json: not"),
    "list": (lambda w, a: a.write_text("[]"), "model.json: not"),
    "no entry": (lambda w, a: edit(a, lambda d: d.pop("elements")), "no entry 'elements'"),
    "unknown option": (
        lambda w, a: edit(a, lambda d: d["options"].update(depth=3)),
        "options.depth: Extra inputs",
    ),
    "other coupling": (
        lambda w, a: edit(a, lambda d: d["options"].update(coupling="local")),
        "weights are not those",
    ),
    "other channels": (
        lambda w, a: edit(a, lambda d: d["options"].update(channels=5)),
        "weights are not those",
    ),
    "other precision": (
        lambda w, a: edit(a, lambda d: d["options"].update(dtype="float32")),
        "weights are not those",
    ),
    "no such element": (
        lambda w, a: edit(a, lambda d: d.update(elements=["H", "Qq"])),
        "no such elements: Qq",
    ),
    "short baseline": (
        lambda w, a: edit(a, lambda d: d.update(baseline_eV=[1.0])),
        "one energy per element",
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_spoilt_checkpoints_are_refused(name, tmp_path):
    save_model(make_model(), tmp_path)
    spoil, message = SPOILT[name]
    spoil(tmp_path / "model.safetensors", tmp_path / "model.json")
    with pytest.raises(UserError, match=message):
        load_model(tmp_path)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: no model here \(model.json is missing\)"):
        load_model(tmp_path / "nowhere")


def test_devices_that_torch_cannot_compute_on_are_refused(tmp_path):
    save_model(make_model(), tmp_path)
    with pytest.raises(UserError, match="device cud: torch cannot compute on it here"):
        load_model(tmp_path, "cud")
    assert usable("cpu") == torch.device("cpu")
    for device in ("meta", "cuda:99", ""):
        with pytest.raises(UserError, match=f"device {device}: torch cannot compute on it here"):
            usable(device)


def test_charges_can_be_reversed_exactly():
    """Reversal leaves energies, and the polarization of screened charges, as they were."""
    for coupling in ("independent", "global", "local"):
        model = copy.deepcopy(make_model(coupling))
        before = predict(model, *FRAMES.values())
        model.reverse_charges()
        after = predict(model, *FRAMES.values())
        assert torch.equal(after["charges"], -before["charges"])
        assert torch.equal(after["energy"], before["energy"])
        assert torch.equal(after["forces"], before["forces"])
        assert torch.equal(after["bec"], before["bec"])
        if coupling != "independent":
            assert torch.equal(after["dipole"], before["dipole"])
            assert torch.equal(after["screening"], -before["screening"])
