"""The documentation says what is true now."""

import importlib.util
import re
from pathlib import Path

import pytest

from activecharge.simulation.simulation_options import SimulationOptions

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs/engines").glob("*.md")]
)


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
    schema = (ROOT / "campaigns/campaign.schema.json").read_text(encoding="utf-8")
    assert schema == generate.schema(), "run `python docs/generate.py`"


def test_pages_of_simulations_are_generated_from_the_settings(generate):
    page = (ROOT / "docs/simulation_settings.md").read_text(encoding="utf-8")
    assert page == generate.simulation_page(), "run `python docs/generate.py`"
    schema = (ROOT / "campaigns/simulation.schema.json").read_text(encoding="utf-8")
    assert schema == generate.schema(SimulationOptions), "run `python docs/generate.py`"


def test_every_setting_is_described(generate):
    pages = generate.campaign_page() + generate.simulation_page()
    rows = re.findall(r"^\| `.*$", pages, re.M)
    assert len(rows) > 100
    for row in rows:
        assert not re.search(r"\|\s*\.?\s*\|$", row), row


def links(page):
    """Files that a page leads to."""
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert len(targets) == text.count("](")
    return [page.parent / t.split("#")[0] for t in targets if not t.startswith(("http", "#"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    for target in links(page):
        assert target.exists(), target


def test_every_page_is_led_to():
    found = {target.resolve() for page in PAGES for target in links(page)}
    assert set(PAGES) - {ROOT / "README.md"} <= found
