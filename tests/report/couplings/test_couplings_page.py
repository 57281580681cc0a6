"""The page of a comparison of couplings, which copes with what is missing."""

import pytest
from coupling_cases import SHIFTS, make_comparison
from matplotlib.figure import Figure

from activecharge.report.couplings.couplings_figures import FIGURES
from activecharge.report.couplings.couplings_page import comparison_text, write_comparison

pytestmark = pytest.mark.slow

PANELS = {figure.file: figure.panels for figure in FIGURES}


def test_the_page(tmp_path):
    comparison, folder = make_comparison(), tmp_path / "a"
    written = write_comparison(comparison, folder)
    assert {p.name for p, _ in written} == {
        "couplings.html",
        "couplings.md",
        "table.md",
        *PANELS,
    }
    assert {path for path, _ in written} == set(folder.iterdir())
    page = (folder / "couplings.html").read_text(encoding="utf-8")
    # Four properties twice, screening of two elements, three schemes twice, costs.
    assert page.count('<img src="data:image/png;base64,') == 4 + 4 + 2 + 3 + 3 + 3
    table = (folder / "table.md").read_text(encoding="utf-8")
    assert "| Z \\[me\\] | global | 45.0 | 21.2 | 45.0 |" in table
    assert "| local | 99.0 | 3.00 | 297 | 3.00 | 300 | 3.00 |" in table
    assert "| 2 molecules | 0.860 | 0.000 | 1.260 | 0.000 |" in table
    assert "0.950 (global)" in (folder / "couplings.md").read_text(encoding="utf-8")


def test_for_a_terminal():
    lines = comparison_text(make_comparison()).splitlines()
    assert [line.split()[0] for line in lines] == ["clusters", *SHIFTS, "bulk", *SHIFTS]
    assert lines[2].split()[-3:] == ["45.0", "±", "21.2"]


@pytest.mark.parametrize(
    ("options", "file", "panels"),
    [
        ({"seeds": 1}, "errors.png", 4),
        ({"boxes": 0}, "sizes.png", 4),
        ({"sizes": (3,)}, "sizes.png", 0),
        ({"sizes": ()}, "screening.png", 2),
        ({"schemes": ("independent", "global")}, "screening.png", 0),
        ({"bulk_bec": False}, "parity_bec.png", 3),
        ({"bulk_bec": False, "sizes": ()}, "parity_bec.png", 0),
        ({"cost": False}, "cost.png", 0),
    ],
)
def test_figures_of_what_there_is(options, file, panels):
    comparison = make_comparison(**options)
    found = PANELS[file](comparison)
    assert len(found) == panels
    for panel in found:
        panel(Figure().subplots())
    assert comparison_text(comparison)


def test_a_property_that_only_clusters_have(tmp_path):
    """As of a reference without Born effective charges of cells."""
    (tmp_path / "cost.png").write_bytes(b"of a former comparison")
    write_comparison(make_comparison(bulk_bec=False, cost=False, schemes=("local",)), tmp_path)
    assert not (tmp_path / "cost.png").exists()
    table = (tmp_path / "table.md").read_text(encoding="utf-8")
    row = next(line for line in table.splitlines() if line.startswith("| Z \\[me\\] | local"))
    assert row.endswith("| – | – | – | – |")
