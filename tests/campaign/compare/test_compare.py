"""A comparison of couplings: same labels, same seeds, nothing made twice, killed or not."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from activecharge.campaign.compare.comparing import compare, schemes
from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop.state import CampaignState
from activecharge.campaign.settings.reading import load_campaign
from activecharge.errors import UserError
from activecharge.learning.loss import active_weights
from activecharge.model.checkpoint import load_model
from activecharge.model.graph import build_graph, join

pytestmark = pytest.mark.slow

TINY = """\
name: tiny
seed: 1
reference: {kind: tblite, method: GFN1-xTB}
model: {channels: 2, correlation: 1, radial: 4}
training: {members: 2, steps: 3, evaluate_every: 3}
initial:
  - {kind: clusters, molecules: [1, 2], count: 5}
  - {kind: boxes, molecules: [8, 8], density: 0.8, count: 1}
test:
  - {kind: clusters, molecules: [1, 2], count: 2}
  - {kind: boxes, molecules: [8, 8], density: 0.8, count: 1}
compare: {couplings: [local], seeds: 1, boxes: [2]}
executor: {kind: inline}
"""

COMPARE = """\
import sys
from pathlib import Path
from activecharge.campaign.compare.comparing import compare
from activecharge.campaign.settings.reading import load_campaign
compare(load_campaign(sys.argv[1]), Path(sys.argv[2]), quiet=True)
"""


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Sums of floats depend on the number of threads; the killed process has one."""
    before, os.environ["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS"), "1"
    yield
    del os.environ["OMP_NUM_THREADS"]
    if before is not None:
        os.environ["OMP_NUM_THREADS"] = before


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("compare") / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="module")
def finished(tiny):
    """The tiny comparison, undisturbed: run directory, numbers and closing words."""
    run = tiny.parent / "finished"
    return run, *compare(load_campaign(tiny), run, quiet=True)


def made(run: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of all that is costly; what is made again has others."""
    patterns = ("labels/*.extxyz", "compare/models/*/*/model.json", "compare/cost.json")
    paths = [p for pattern in patterns for p in run.glob(pattern) if p.name[0] != "."]
    return {str(p.relative_to(run)): (p.stat().st_ino, p.stat().st_mtime_ns) for p in paths}


def test_all_is_there(finished):
    run, facts, text = finished
    folder = run / "compare"
    models = {p.parent.relative_to(folder / "models") for p in folder.rglob("model.json")}
    assert models == {Path("latent/seed-00"), Path("local/seed-00")}
    assert json.loads((folder / "results.json").read_text()) == facts
    for name in ("couplings.html", "couplings.md", "table.md", "results.json", "parity_bec.png"):
        assert (folder / name).exists() and str(folder / name) in text
    assert list(facts["errors"]) == ["clusters", "bulk"]
    for group in facts["errors"].values():
        assert list(group) == ["local", "latent"]
        assert {"energy", "forces", "charges"} <= set(group["latent"])
    times = facts["seconds_per_prediction"]
    assert [(t["scheme"], t["atoms"]) for t in times] == [("local", 6), ("latent", 6)]
    assert all(t["seconds"] > 0 for t in times + facts["seconds_per_training_step"])


def test_all_learn_from_the_same_frames_and_none_from_the_test(finished):
    frames = json.loads((finished[0] / "compare" / "frames.json").read_text())
    taught = frames["train"] + frames["valid"]
    assert len(taught) == 6 and len(frames["test"]) == 3
    assert not set(taught) & set(frames["test"])


def test_numbers_are_those_of_the_models(finished):
    """Judged frame by frame; here all frames at once, and the error written out."""
    run, facts, _ = finished
    test = CampaignState(RunDirectory.open(run)).test_labels()
    labels = [label for label in test if not label.candidate.atoms.pbc.any()]
    for scheme in ("local", "latent"):
        model = load_model(run / "compare" / "models" / scheme / "seed-00")
        graphs = [build_graph(x.candidate.atoms, ("H", "O"), 5.0) for x in labels]
        found = model(join(graphs).to("cpu", model.dtype), {"charges", "bec"})
        for name in ("charges", "bec"):
            reference = np.concatenate([label.values[name] for label in labels])
            mae = np.abs(found[name].numpy() - reference).mean()
            # Both are float32 sums, in another order.
            assert facts["errors"]["clusters"][scheme][name]["mae"]["seeds"][0] == pytest.approx(
                mae, rel=1e-5
            )


def test_factors_of_charges_that_were_not_taught_z_stay_one(finished):
    assert finished[1]["shared_screening"] == {"latent": 1.0}
    assert {s["scheme"] for s in finished[1]["screening"]} == {"local"}


def test_schemes_differ_in_one_thing(tiny):
    campaign = load_campaign(tiny)
    *couplings, latent = schemes(campaign)
    for scheme in couplings:
        assert scheme.model == campaign.model.model_copy(update={"coupling": scheme.name})
        assert scheme.training == campaign.training
    taught = active_weights(latent.training.weights, latent.model)
    assert set(taught) == {"energy", "forces", "stress"}


def test_nothing_is_made_again(tiny, finished):
    run, facts, _ = finished
    before = made(run)
    again, _ = compare(load_campaign(tiny), run, quiet=True)
    assert made(run) == before
    assert again == facts


def test_killed_in_the_middle_of_training(tiny, finished, tmp_path):
    run = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", COMPARE, tiny, run], start_new_session=True)
    while process.poll() is None and not (run / "compare/models/local/seed-00/model.json").exists():
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    before = made(run)
    assert before and not (run / "compare/results.json").exists()
    facts, _ = compare(load_campaign(tiny), run, quiet=True)
    assert before.items() <= made(run).items()
    for name in ("errors", "screening", "shared_screening"):
        assert facts[name] == finished[1][name]


def test_models_of_other_labels_are_not_set_side_by_side(tiny, finished, tmp_path):
    path = finished[0] / "compare" / "frames.json"
    whole = path.read_text()
    path.write_text(whole.replace('"train": [\n', '"train": [\n "0123456789abcdef",\n'))
    try:
        with pytest.raises(UserError, match=r"frames\.json: .* delete .*compare"):
            compare(load_campaign(tiny), finished[0], quiet=True)
    finally:
        path.write_text(whole)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "test: a comparison is judged by held-out frames"),
        ("compare: {couplings: [local, local]}", "a coupling is named twice"),
        ("compare: {couplings: [lokal]}", r"compare\.couplings\.0: "),
        ("compare: {sedes: 2}", r"compare\.sedes.*did you mean 'seeds'"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(campaign, tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        compare(campaign(text), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_not_one_label(campaign, tmp_path):
    (tmp_path / "ion.xyz").write_text("3\npbc=F\nO 0 0 0\nH 0 0 0.96\nO 0 0 2.9\n")
    text = (
        "test: [{kind: file, path: ion.xyz}]\n"
        "sanity: {allow_dissociated: true}\n"
        "executor: {kind: inline}\n"
    )
    with pytest.raises(UserError, match="not one test configuration got a label"):
        compare(campaign(text), tmp_path / "run", quiet=True)
