"""The pieces of the loop with plain files: label, train, predict, evaluate, select."""

import json

import ase.io
import numpy as np
import pytest
from cli_cases import tree

from activecharge import ChargeCalculator, Committee
from activecharge.dataset.extxyz import read_labels

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def data(finished_once):
    return finished_once / "dataset" / "data.xyz"


def test_label_gives_what_the_campaign_has(call, tmp_path, data):
    bare = [frame.copy() for frame in ase.io.read(data, index=":")]
    for frame in bare:
        frame.info.clear()
        for key in set(frame.arrays) - {"numbers", "positions"}:
            del frame.arrays[key]
    ase.io.write(tmp_path / "bare.xyz", [*bare, bare[0]], format="extxyz")
    code, out, _ = call("label", "bare.xyz", "-o", "labelled.xyz", "--reference", "tblite")
    # The frame that is there twice is labelled once.
    assert (code, out) == (0, f"labelled.xyz: {len(bare)} labels, 0 configurations without\n")
    for ours, theirs in zip(read_labels(tmp_path / "labelled.xyz"), read_labels(data), strict=True):
        assert ours.candidate.hash == theirs.candidate.hash
        for name, value in theirs.values.items():
            np.testing.assert_array_equal(ours.values[name], value)


@pytest.mark.parametrize("coupling", ["independent", "local"])
def test_train(call, tmp_path, data, coupling):
    arguments = ("train", data, "--coupling", coupling, "--members", 2, "--steps", 1)
    code, out, err = call(*arguments, "-o", "committee")
    assert code == 0, err
    assert "committee: 2 members trained on" in out
    committee = Committee.load(tmp_path / "committee")
    assert committee.members[0].architecture.options.coupling == coupling
    names = sorted(path.name for path in (tmp_path / "committee").iterdir())
    assert names == ["committee.json", "member-00", "member-01"]
    before = tree(tmp_path)
    code, _, err = call(*arguments, "-o", "committee")
    assert code == 2 and "holds a committee already" in err
    assert tree(tmp_path) == before


def test_train_with_the_settings_of_a_campaign(call, tmp_path, data, tiny):
    assert call("train", data, "-o", "committee", "--config", tiny).code == 0
    options = Committee.load(tmp_path / "committee").members[0].architecture.options
    assert (options.channels, options.correlation) == (2, 1)


def test_predict(call, tmp_path, data, finished_once):
    assert call("predict", finished_once, data, "-o", "said.xyz").code == 0
    frames = ase.io.read(data, index=":")
    said = ase.io.read(tmp_path / "said.xyz", index=":")
    for frame, prediction in zip(said, Committee.load(finished_once).predict(frames), strict=True):
        np.testing.assert_allclose(
            frame.arrays["committee_bec"].reshape(-1, 3, 3),
            prediction.mean["bec"],
            rtol=0,
            atol=1e-8,  # decimals of the file
        )
        assert frame.arrays["committee_charges_std"].shape == (len(frame),)
        assert frame.info["bec_convention"] == "pol_disp"


def test_evaluate(call, data, finished_once):
    code, out, _ = call("evaluate", finished_once, data, "--json")
    assert code == 0
    found = json.loads(out)
    labels = read_labels(data)
    said = Committee.load(finished_once).predict([label.candidate.atoms for label in labels])
    for name, unit in (("bec", "e"), ("charges", "e"), ("forces", "eV/Å")):
        wrong = np.concatenate(
            [(p.mean[name] - x.values[name]).ravel() for p, x in zip(said, labels, strict=True)]
        )
        # The same numbers, summed in another order.
        assert found[name]["mae"] == pytest.approx(np.abs(wrong).mean(), rel=1e-9)
        assert found[name]["rmse"] == pytest.approx(np.sqrt((wrong**2).mean()), rel=1e-9)
        assert found[name]["unit"] == unit
        assert set(found[name]["per_element"]) == {"H", "O"}
    code, out, _ = call("evaluate", finished_once, data)
    assert code == 0 and f"{1000 * found['bec']['mae']:.2f}" in out


def test_select(call, tmp_path, data, finished_once):
    arguments = ("select", finished_once, data, "-n", 5, "--control", 0.4)
    code, out, _ = call(*arguments, "-o", "weighed.xyz")
    assert (code, out) == (0, "weighed.xyz: 3 uncertain, 2 control\n")
    arguments = (*arguments, "--strategy", "top")
    assert call(*arguments, "-o", "selected.xyz").code == 0
    chosen = ase.io.read(tmp_path / "selected.xyz", index=":")
    assert [frame.info["chosen"] for frame in chosen] == ["uncertain"] * 3 + ["control"] * 2
    scores = [frame.info["score"] for frame in chosen[:3]]
    assert scores == sorted(scores, reverse=True)
    assert len({frame.info["hash"] for frame in chosen}) == 5
    assert call(*arguments, "-o", "again.xyz").code == 0
    assert tree(tmp_path)["again.xyz"] == tree(tmp_path)["selected.xyz"]


def test_validate_prints_a_campaign_that_is_the_same(call, tmp_path, tiny):
    code, out, _ = call("validate", tiny)
    assert code == 0
    (tmp_path / "whole.yaml").write_text(out)
    assert call("validate", tmp_path / "whole.yaml").out == out
    assert json.loads(call("validate", tiny, "--json").out)["selection"]["batch"] == 4


def test_the_calculator(finished_once):
    water = ase.io.read(finished_once / "dataset" / "data.xyz", index=0)
    water.calc = ChargeCalculator(finished_once)
    assert water.get_forces().shape == (len(water), 3)


def test_pack(call, tmp_path, data, finished_once):
    """What takes a committee's folder takes the packed file, and says the same."""
    code, out, _ = call("pack", finished_once, "-o", "tiny.acx")
    size = (tmp_path / "tiny.acx").stat().st_size
    assert (code, out) == (0, f"tiny.acx: 2 members, {size / 1e6:.1f} MB\n")
    for committee, name in ((finished_once, "first.xyz"), ("tiny.acx", "second.xyz")):
        assert call("predict", committee, data, "-o", name).code == 0
        assert call("select", committee, data, "-n", 2, "-o", f"selected-{name}").code == 0
    for kind in ("", "selected-"):
        first, second = (tmp_path / f"{kind}{name}.xyz" for name in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
    assert call("evaluate", "tiny.acx", data).out == call("evaluate", finished_once, data).out


def test_a_damaged_pack_is_refused_in_a_sentence(call, tmp_path, data, finished_once):
    assert call("pack", finished_once, "-o", "tiny.acx").code == 0
    whole = (tmp_path / "tiny.acx").read_bytes()
    for content in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1])):
        (tmp_path / "tiny.acx").write_bytes(content)
        code, out, err = call("predict", "tiny.acx", data, "-o", "said.xyz")
        assert (code, out, err.count("\n")) == (2, "", 1) and "tiny.acx: " in err
        assert "copy it again" in err and not (tmp_path / "said.xyz").exists()
    code, _, err = call("pack", tmp_path, "-o", "other.acx")
    assert code == 2 and "no committee here" in err and not (tmp_path / "other.acx").exists()
