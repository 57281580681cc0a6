"""What a release says of itself agrees with itself."""

import re
from pathlib import Path

import yaml

import activecharge

ROOT = Path(__file__).parents[1]
READ = {
    name: (ROOT / name).read_text(encoding="utf-8") for name in ("CHANGELOG.md", "CITATION.cff")
}


def test_the_version_stands_in_one_place():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in project and 'attr = "activecharge.__version__"' in project
    assert f"## {activecharge.__version__}\n" in READ["CHANGELOG.md"]


def test_the_citation_names_program_and_paper():
    """Valid by the schema of the format, which cffconvert has checked; here what may go stale."""
    found = yaml.safe_load(READ["CITATION.cff"])
    assert {"cff-version", "message", "title", "authors"} <= found.keys()
    assert str(found["version"]) == activecharge.__version__
    assert found["license"] == "BSD-3-Clause"
    assert [paper["doi"] for paper in found["references"]] == ["10.1039/d6cp00911e"]


def test_links_of_the_pages_at_the_root_lead_to_files():
    for name in ("CHANGELOG.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#]+)", (ROOT / name).read_text(encoding="utf-8")):
            assert (ROOT / target).exists(), target


def test_the_image_takes_what_there_is():
    copied = re.findall(r"^COPY (.*) \S+$", (ROOT / "Dockerfile").read_text(), re.M)
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
