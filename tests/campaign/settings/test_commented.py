"""Campaign files that say little, and files that explain themselves, are the same campaigns."""

from pathlib import Path

import pytest
import yaml

from activecharge.campaign.settings.campaign_options import Campaign
from activecharge.campaign.settings.changes import changes
from activecharge.campaign.settings.commented import commented
from activecharge.campaign.settings.reading import load_campaign
from activecharge.campaign.standalone.first_campaign import SHOWN

SHIPPED = sorted((Path(__file__).parents[3] / "campaigns").glob("*.yaml"))
DEEP = """
initial: [{kind: slabs, of: {kind: ice, repeats: [1, 1, 1]}}]
explore: [{kind: dynamics, starts: {kind: boxes}, bias: {energy: 0.3}}, {kind: carved}]
schedule: {kind: streaming}
reference: {kind: command, command: [python, it.py]}
stop: {target: {bec: 0.01}}
"""


@pytest.fixture(params=[*SHIPPED, DEEP], ids=lambda p: getattr(p, "name", "deep"))
def campaign(request, tmp_path):
    path = request.param
    if isinstance(path, str):
        path = tmp_path / "deep.yaml"
        path.write_text(request.param)
    return load_campaign(path)


def test_changes_make_the_same_campaign(campaign):
    assert Campaign.model_validate(changes(campaign)) == campaign


def test_a_commented_file_makes_the_same_campaign(campaign):
    text = commented(campaign, SHOWN, "A title\n\nand a word")
    assert Campaign.model_validate(yaml.safe_load(text)) == campaign
    assert text.startswith("# A title\n#\n# and a word\n")
    assert max(map(len, (line for line in text.splitlines() if line.strip()[0:1] == "#"))) <= 96


def test_defaults_are_left_out():
    plain = Campaign.model_validate({"initial": [{"kind": "clusters"}]})
    assert changes(plain) == {"initial": [{"kind": "clusters"}]}


def test_comments_are_those_of_the_settings():
    plain = Campaign.model_validate({"initial": [{"kind": "clusters"}]})
    text = commented(plain, ("training.members",), "")
    remark = type(plain.training).model_fields["members"].description
    assert f"  # {remark}\n  members: {plain.training.members}\n" in text
