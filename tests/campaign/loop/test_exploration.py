"""A round with every source of exploration, from settings to what the report shows."""

import pytest

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop.loop import run_loop
from activecharge.campaign.loop.reporting import round_summary
from activecharge.campaign.loop.state import CampaignState
from activecharge.campaign.precheck import check_sources
from activecharge.campaign.settings.reading import load_campaign
from activecharge.errors import UserError
from activecharge.execution.inline import InlineExecutor

pytestmark = pytest.mark.slow

TEXT = """
seed: 1
reference: {kind: tblite, method: GFN1-xTB}
model: {channels: 2, correlation: 1}
training: {members: 2, steps: 10, warm_steps: 5}
sanity: {allow_dissociated: true}
initial: [{kind: clusters, molecules: [1, 2], count: 6}]
test: [{kind: dissociated, count: 2, of: {kind: clusters, molecules: [2, 2]}}]
explore:
  - {kind: clusters, molecules: [1, 2], count: 3}
  - {kind: dissociated, count: 2}
  - {kind: compressed, count: 2}
  - {kind: carved, count: 2, molecules: [2, 3], of: {kind: ice, repeats: [1, 1, 1]}}
  - kind: dynamics
    walkers: 2
    temperatures: [200]
    steps: 8
    interval: 8
    limits: {forces: 99, charges: 9, bec: 9}
    fields: [0, 0.1]
    bias: {property: bec}
  - kind: dynamics
    starts: {kind: slabs, of: {kind: ice, repeats: [1, 1, 1]}}
    walkers: 1
    steps: 2
    carve: [2, 2]
selection: {batch: 4, control: 0.25}
stop: {rounds: 1}
"""


def test_a_round_of_all_sources(tmp_path):
    path = tmp_path / "campaign.yaml"
    path.write_text(TEXT)
    with RunDirectory.writing(tmp_path / "run", load_campaign(path)) as run:
        run_loop(run, InlineExecutor(), lambda event: None)
        state = CampaignState(run)
    rows = {row.source: row for row in round_summary(state, 1).sources}
    assert set(rows) == {
        "clusters",
        "dissociated",
        "compressed",
        "carved",
        "dynamics, biased",
        "dynamics, biased, in a field",
        "dynamics from slabs, carved",
    }
    assert len(state.test_labels()) == 2
    candidates = run.round(1).read_candidates()
    assert sum(row.candidates for row in rows.values()) == len(candidates)
    assert sum(row.chosen for row in rows.values()) == 3
    assert sum(row.control for row in rows.values()) == 1
    # No frame that is new lies where a known one is; those far off are farther than the median.
    assert all(0 < row.distance <= row.far < 1e6 for row in rows.values())


def test_starts_are_tried_before_anything_is_written(tmp_path):
    path = tmp_path / "campaign.yaml"
    path.write_text(
        "initial: [{kind: clusters}]\nsanity: {min_oo: 2.6}\n"
        "explore: [{kind: dynamics, starts: {kind: ice, count: 1, density: 1.6, shift: 0}}]\n"
    )
    with pytest.raises(UserError, match=r"explore\.0 \(ice\): not one configuration is sane"):
        check_sources(load_campaign(path))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "explore: [{kind: dissociated}]",
            "sanity: `dissociated` frames hold molecules that are not whole",
        ),
        (
            "explore: [{kind: dynamics, starts: {kind: dissociated}}]",
            "set allow_dissociated to true",
        ),
        ("test: [{kind: carved}]", "or must say `of` what it is made"),
        ("explore: [{kind: carved, of: {kind: clusters}}]", "unknown explore.0.of.kind 'clusters'"),
        ("explore: [{kind: ice, structure: II}]", "explore.0.structure: input should be 'Ih'"),
        ("explore: [{kind: boxes, density: []}]", "explore.0.density: it should have at least 1"),
        ("explore: [{kind: boxes, density: [1, 3]}]", "explore.0.density.1: input should be less"),
        ("explore: [{kind: dynamics, fields: [9]}]", "explore.0.fields.0: input should be less"),
        ("explore: [{kind: dynamics, bias: {enery: 1}}]", "did you mean 'energy'?"),
        (
            "explore: [{kind: slabs, of: {kind: ice, densty: 1}}]",
            "unknown key 'explore.0.of.densty'; did you mean 'density'?",
        ),
    ],
)
def test_mistakes(tmp_path, text, expected):
    path = tmp_path / "campaign.yaml"
    path.write_text(f"initial: [{{kind: clusters}}]\n{text}\n")
    with pytest.raises(UserError) as caught:
        load_campaign(path)
    assert expected in str(caught.value) and "\n" not in str(caught.value)


def test_files_within_sources_count_from_the_folder_of_the_campaign(tmp_path):
    path = tmp_path / "campaign.yaml"
    path.write_text(
        "initial: [{kind: compressed, of: {kind: file, path: pool.xyz}}]\n"
        "explore: [{kind: dynamics, starts: {kind: carved, of: {kind: file, path: a/b.xyz}}}]\n"
    )
    campaign = load_campaign(path)
    assert campaign.initial[0].of.path == str(tmp_path / "pool.xyz")
    assert campaign.explore[0].starts.of.path == str(tmp_path / "a/b.xyz")
