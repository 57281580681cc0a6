"""The documentation says what is true now."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


@pytest.fixture(scope="module")
def generate():
    specification = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_campaign_page_is_generated_from_the_settings(generate):
    page = (ROOT / "docs/campaign.md").read_text(encoding="utf-8")
    assert page == generate.campaign_page(), "run `python docs/generate.py`"


def test_schema_is_generated_from_the_settings(generate):
    schema = (ROOT / "docs/campaign.schema.json").read_text(encoding="utf-8")
    assert schema == generate.schema(), "run `python docs/generate.py`"


def test_every_setting_is_described(generate):
    for row in re.findall(r"^\| `.*$", generate.campaign_page(), re.M):
        assert not re.search(r"\|\s*\.?\s*\|$", row), row


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target.split("#")[0]).exists(), target
