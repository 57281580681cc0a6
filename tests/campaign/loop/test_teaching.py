"""What a round trains, by where its spreads come from."""

from pathlib import Path

import pytest

from activecharge.campaign.disk.run_directory import RunDirectory
from activecharge.campaign.loop import teaching
from activecharge.campaign.loop.state import CampaignState
from activecharge.model import ARCHITECTURE


@pytest.mark.parametrize(
    "kind, trainings, folders", [("committee", 3, 3), ("heads", 1, 3), ("last_layer", 1, 1)]
)
def test_what_a_round_trains(tmp_path, campaign, kind, trainings, folders):
    state = CampaignState(
        RunDirectory(tmp_path, campaign(f"training: {{uncertainty: {kind}, members: 3}}"))
    )
    found = teaching.members(state, 1, 0)
    assert len(found) == trainings
    every = [member for first in found for member in (first, *first.others)]
    assert [Path(m.directory).name for m in every] == [f"member-{i:02d}" for i in range(folders)]
    assert all(m.start == m.directory.replace("01/members", "00/members") for m in every)


def test_heads_that_are_not_all_there_are_trained_anew(tmp_path, campaign):
    state = CampaignState(
        RunDirectory(tmp_path, campaign("training: {uncertainty: heads, members: 2}"))
    )
    [member] = found = teaching.members(state, 0, None)
    for done in (member, *member.others):
        assert teaching.untrained(found) == found
        Path(done.directory).mkdir(parents=True)
        (Path(done.directory) / ARCHITECTURE).touch()
    assert teaching.untrained(found) == []
