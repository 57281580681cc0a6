"""Campaigns with other sources of uncertainty than a full committee, through the command line."""

import ase.io
import numpy as np
import pytest
from cli_cases import TINY, dataset, tree

from activecharge import ChargeCalculator, Committee
from activecharge.dataset.extxyz import read_labels

pytestmark = pytest.mark.slow

KINDS = {"heads": 2, "last_layer": 1}


def text_of(kind: str) -> str:
    return TINY.replace("training: {", f"training: {{uncertainty: {kind}, ")


@pytest.mark.parametrize("kind", KINDS)
def test_a_campaign(kind, call, tmp_path):
    (tmp_path / "campaign.yaml").write_text(text_of(kind))
    code, out, err = call("run", "campaign.yaml", "--run-dir", "run")
    assert code == 0, err
    assert "Stopped: round 1 was the last." in out
    committee = Committee.load(tmp_path / "run")
    assert len(committee.members) == KINDS[kind]

    chosen = ase.io.read(tmp_path / "run/rounds/01/selection.extxyz", index=":")
    assert {frame.info["chosen"] for frame in chosen} == {"uncertain", "control"}
    assert all(np.isfinite(frame.info["score"]) and frame.info["score"] > 0 for frame in chosen)

    data = tmp_path / "run/dataset/data.xyz"
    assert call("predict", "run", data, "-o", "said.xyz").code == 0
    frame = ase.io.read(tmp_path / "said.xyz", index=0)
    assert (frame.arrays["committee_bec_std"] > 0).all()
    assert ("committee_forces_std" in frame.arrays) == (kind == "heads")
    atoms = read_labels(data)[0].candidate.atoms.copy()
    atoms.calc = ChargeCalculator(tmp_path / "run")
    assert atoms.get_forces().shape == (len(atoms), 3)

    before = dataset(tmp_path / "run")
    for folder in (tmp_path / "run/rounds/01/members").glob("member-*"):
        (folder / "model.json").unlink()
        break
    assert call("run", "campaign.yaml", "--run-dir", "run").code == 0
    assert dataset(tmp_path / "run") == before


@pytest.mark.parametrize("kind", KINDS)
def test_training_with_the_settings_of_a_campaign(kind, call, tmp_path, finished_once):
    (tmp_path / "campaign.yaml").write_text(text_of(kind))
    data = finished_once / "dataset" / "data.xyz"
    for name in ("one", "two"):
        code, out, err = call("train", data, "-o", name, "--config", "campaign.yaml")
        assert code == 0, err
        assert {"heads": "2 heads on one backbone", "last_layer": "one network"}[kind] in out
    assert tree(tmp_path / "one").keys() == tree(tmp_path / "two").keys()
    assert len(Committee.load(tmp_path / "one").members) == KINDS[kind]


@pytest.mark.ray
def test_heads_on_ray(call, tmp_path):
    """Members that are trained together are one piece of work; one loop serves both schedules."""
    text = text_of("heads").replace("{kind: inline}", "{kind: ray, cpus: 2, schedule: streaming}")
    (tmp_path / "campaign.yaml").write_text(text)
    code, _, err = call("run", "campaign.yaml", "--run-dir", "run")
    assert code == 0, err
    assert len(Committee.load(tmp_path / "run").members) == 2
