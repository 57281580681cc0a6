"""The script of each engine's page runs as it stands there."""

import re
from pathlib import Path

import pytest
from ase.io import write
from tiny_committees import CELL, dimer

from activecharge.engines.lammps_fix import start_lammps
from activecharge.errors import UserError

DOCS = Path(__file__).parents[2] / "docs" / "engines"
PAGES = {"ase": CELL, "ipi": None, "torch_sim": CELL, "lammps": CELL}


def need(page: str) -> None:
    """Skip where the engine is missing."""
    if page in ("ipi", "torch_sim"):
        pytest.importorskip(page, reason=f"{page} is missing: pip install 'activecharge[engines]'")
    if page == "lammps":
        try:
            start_lammps().close()
        except UserError as error:
            pytest.skip(str(error))


@pytest.mark.parametrize("page", PAGES)
def test_the_script_of_a_page_runs(script, independent, tmp_path, page):
    need(page)
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    [code] = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
    assert len(code.splitlines()) < 25
    independent.pack(tmp_path / "water.acx")
    write(tmp_path / "start.xyz", [dimer(PAGES[page]), dimer(PAGES[page], seed=2)])
    printed = script(code)
    assert (tmp_path / "water.out").exists() if page == "ipi" else "e" in printed
