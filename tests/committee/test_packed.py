"""A committee in one file: all of it, the same bytes, and a sentence where it is damaged."""

import json
import struct

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from activecharge.committee.calibration.calibration import Calibration, Fit
from activecharge.committee.committee import Committee
from activecharge.errors import UserError
from activecharge.model.last_layer import LastLayer, Scale
from activecharge.model.shared import SharedBackbone

FIT = Fit(3.0, 0.01, (None,) * 18 + (2.5,), 9, 9, 9, 9, 0.02)


def same(first: Committee, second: Committee, frames) -> None:
    for one, other in zip(first.predict(frames), second.predict(frames), strict=True):
        for values in ("mean", "std", "expected_error"):
            mine, theirs = getattr(one, values), getattr(other, values)
            assert mine.keys() == theirs.keys()
            for name in mine:
                np.testing.assert_array_equal(mine[name], theirs[name])


@pytest.fixture
def calibrated(committee) -> Committee:
    return Committee(committee.members, Calibration({"bec": {"H": FIT, "O": FIT}}))


@pytest.fixture
def packed(calibrated, tmp_path):
    return calibrated.pack(tmp_path / "water.acx")


def test_what_is_packed_comes_back(calibrated, packed, frames):
    again = Committee.load(packed)
    same(calibrated, again, frames[:2])
    assert again.calibration == calibrated.calibration
    assert again.offers == calibrated.offers


def test_the_same_committee_gives_the_same_bytes(calibrated, packed, tmp_path):
    first = packed.read_bytes()
    calibrated.pack(packed)  # in its own place, too
    assert packed.read_bytes() == first
    assert Committee.load(packed).pack(tmp_path / "again").read_bytes() == first


def test_members_with_one_backbone_are_packed(make_model, frames, tmp_path):
    heads = Committee(SharedBackbone([make_model(seed) for seed in range(2)]).models)
    again = Committee.load(heads.pack(tmp_path / "heads"))
    same(heads, again, frames[:2])


def test_a_network_that_knows_its_last_layers_is_packed(make_model, frames, tmp_path):
    model = make_model(0)
    factors = {"charges": 0.01 * torch.ones(32, 32, dtype=torch.float64)}
    alone = Committee([model], last_layer=LastLayer(factors, {"charges": Scale(0.1, 2.0)}))
    again = Committee.load(alone.pack(tmp_path / "network"))
    same(alone, again, frames[:2])
    assert set(again.predict(frames[:1])[0].std) == {"charges"}


def test_one_member_is_packed_alone(committee, frames, tmp_path):
    same(committee[1], Committee.load(committee[1].pack(tmp_path / "one")), frames[:2])


def test_members_by_number(committee, frames):
    assert len(committee) == 3 and len(list(committee)) == 3
    [mean] = committee.predict(frames[:1])
    charges = [member.predict(frames[:1])[0].mean["charges"] for member in committee]
    np.testing.assert_allclose(np.mean(charges, axis=0), mean.mean["charges"], atol=1e-14)
    [last] = committee[-1].predict(frames[:1])
    np.testing.assert_array_equal(last.mean["charges"], charges[2])
    assert last.std == {} and len(committee[-1]) == 1
    for wrong in (3, -4):
        with pytest.raises(IndexError, match="the committee has 3"):
            committee[wrong]
    with pytest.raises(TypeError):
        committee["0"]


def changed(path, **entries):
    """The file with other entries in its header's text."""
    size = struct.unpack("<Q", path.read_bytes()[:8])[0]
    text = json.loads(path.read_bytes()[8 : 8 + size])["__metadata__"]["activecharge"]
    text = json.dumps(json.loads(text) | entries)
    save_file(load_file(path), path, {"activecharge": text})


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.9999])
def test_a_file_that_was_cut_is_refused(packed, share):
    data = packed.read_bytes()
    packed.write_bytes(data[: int(share * len(data))])
    with pytest.raises(UserError, match=r"water\.acx: not a whole committee .*copy it again"):
        Committee.load(packed)


@pytest.mark.parametrize("place", range(20))
def test_no_flipped_bit_goes_unseen(packed, place):
    data = bytearray(packed.read_bytes())
    data[np.random.default_rng(place).integers(len(data))] ^= 1 << place % 8
    packed.write_bytes(data)
    with pytest.raises(UserError, match=r"water\.acx: "):
        Committee.load(packed)


def test_text_that_was_changed_is_refused(packed):
    changed(packed, calibration=Calibration().data())
    with pytest.raises(UserError, match=r"water\.acx: its checksum"):
        Committee.load(packed)


def test_a_newer_version_is_refused(packed):
    changed(packed, format_version=2, members="some other way")
    with pytest.raises(UserError, match=r"water\.acx: written by a newer activecharge .*update"):
        Committee.load(packed)


def test_other_files_are_refused(packed, tmp_path):
    for content in (b"", b"PK\x03\x04", b"\xff" * 64, b"x" * 5000, b"[1, 2]"):
        (tmp_path / "other").write_bytes(content)
        with pytest.raises(UserError, match="other: not a whole committee"):
            Committee.load(tmp_path / "other")
    save_file({"a": torch.ones(2)}, tmp_path / "tensors.safetensors")
    with pytest.raises(UserError, match="not a whole committee"):
        Committee.load(tmp_path / "tensors.safetensors")


def test_options_that_ask_for_more_than_was_sent_are_refused(committee, tmp_path, monkeypatch):
    """A file cannot make the program take much more memory than it is long."""
    from activecharge.committee import packed as module

    def vast(model):
        told = module_describe(model)
        return told | {"options": told["options"] | {"channels": 10**9}}

    module_describe = module.describe
    monkeypatch.setattr(module, "describe", vast)
    path = committee.pack(tmp_path / "vast")
    with pytest.raises(UserError, match=r"vast: .*fewer than its options ask for"):
        Committee.load(path)
