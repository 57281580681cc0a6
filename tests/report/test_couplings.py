"""A comparison of couplings: its numbers, and a page that copes with what is missing."""

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms

from activecharge.records import Candidate, Label, Prediction
from activecharge.report.couplings.comparison import Comparison, Cost, Outcome
from activecharge.report.couplings.couplings_figures import FIGURES
from activecharge.report.couplings.couplings_page import comparison_text, write_comparison
from activecharge.report.couplings.couplings_results import results

SHIFTS = {"independent": 0.01, "global": 0.03, "local": 0.02}
"""Error of every component of a scheme's first seed; the second's is twice as large."""


def make_label(index: int, molecules: int, periodic: bool, bec: bool = True) -> Label:
    rng = np.random.default_rng(index)
    atoms = Atoms("OHH" * molecules, positions=rng.uniform(0, 6, (3 * molecules, 3)))
    if periodic:
        atoms.set_cell([6, 6, 6])
        atoms.pbc = True
    n = len(atoms)
    values = {
        "energy": np.asarray(-138.0 * molecules),
        "forces": rng.normal(size=(n, 3)),
        "charges": rng.normal(size=n),
    }
    if bec:
        values["bec"] = rng.normal(size=(n, 3, 3))
    return Label(Candidate(atoms, f"{index:016x}", "clusters"), values, "tblite", {})


def make_outcome(scheme: str, seed: int, labels: tuple[Label, ...]) -> Outcome:
    shift = SHIFTS[scheme] * (1 + seed)
    predictions, screening = [], []
    for label in labels:
        n = len(label.candidate.atoms)
        mean = {name: value + shift for name, value in label.values.items()}
        mean.setdefault("bec", np.zeros((n, 3, 3)))
        predictions.append(Prediction(mean, {}, np.empty(0)))
        if scheme == "global":
            screening.append(np.full(n, 0.9 + 0.1 * seed))
        elif scheme == "local":
            oxygen = label.candidate.atoms.numbers == 8
            screening.append(np.where(oxygen, 1.2, 0.8) + 0.01 * n)
    return Outcome(scheme, seed, tuple(predictions), tuple(screening))


@pytest.fixture
def make_comparison():
    def make(sizes=(1, 2, 2), boxes=2, bulk_bec=True, seeds=2, schemes=tuple(SHIFTS), cost=True):
        labels = tuple(make_label(i, n, periodic=False) for i, n in enumerate(sizes))
        labels += tuple(make_label(50 + i, 4, True, bulk_bec) for i in range(boxes))
        outcomes = [make_outcome(s, seed, labels) for s in schemes for seed in range(seeds)]
        factors = {"independent": 1, "global": 2, "local": 3}
        predicting = [Cost(s, n, 0.001 * n * factors[s]) for s in schemes for n in (33, 99)]
        training = [Cost(s, 60, 0.1 * factors[s]) for s in schemes]
        return Comparison(
            name="water",
            reference="tblite GFN1-xTB",
            labels=labels,
            outcomes=tuple(outcomes),
            predicting=tuple(predicting) if cost else (),
            training=tuple(training) if cost else (),
            counts={"clusters": 30, "bulk": 6},
            notes={scheme: f"What {scheme} is." for scheme in schemes},
            versions={"numpy": "2.0"},
        )

    return make


def test_errors_are_over_seeds_and_by_group(make_comparison):
    found = make_comparison().errors
    assert list(found) == ["clusters", "bulk"]
    for group in found.values():
        charges = group["global"]["charges"]
        assert charges["mae"]["seeds"] == pytest.approx([0.03, 0.06])
        assert charges["mae"]["mean"] == pytest.approx(0.045)
        assert charges["mae"]["std"] == pytest.approx(0.03 / np.sqrt(2))  # n - 1 of two values
        assert charges["per_element"]["O"]["rmse"]["mean"] == pytest.approx(0.045)
    # Energies count per atom.
    assert found["bulk"]["local"]["energy"]["mae"]["mean"] == pytest.approx(0.03 / 12)


def test_errors_by_size(make_comparison):
    comparison = make_comparison()
    assert comparison.sizes == {1: [0], 2: [1, 2]}
    assert comparison.errors_by_size("independent", "energy") == pytest.approx(
        {1: 0.015 / 3, 2: 0.015 / 6}
    )


def test_screening_factors_by_element_and_size(make_comparison):
    comparison = make_comparison()
    assert comparison.shared_factors == pytest.approx({"global": 0.95})
    found = {(s.scheme, s.element, s.molecules): s.factors for s in comparison.screening()}
    assert list(found) == [("local", e, n) for e in "HO" for n in (1, 2, None)]
    assert found["local", "O", 1] == pytest.approx([1.23, 1.23])  # one atom, two seeds
    assert len(found["local", "H", 2]) == 2 * 2 * 4
    assert found["local", "H", None] == pytest.approx(0.8 + 0.12)


def test_the_factor_that_would_serve_best(make_comparison):
    comparison = make_comparison(bulk_bec=False, seeds=1)
    [outcome] = comparison.of("local")
    doubled = tuple(
        replace(p, mean=p.mean | {"bec": 2 * label.values.get("bec", p.mean["bec"])})
        for p, label in zip(outcome.predictions, comparison.labels, strict=True)
    )
    comparison = replace(comparison, outcomes=(replace(outcome, predictions=doubled),))
    assert comparison.rescaled("local", "clusters") == pytest.approx((0.5, 0.0))
    assert comparison.rescaled("local", "bulk") is None


def test_results_are_plain_data(make_comparison):
    found = results(make_comparison())
    assert found["labels"] == {"clusters": 30, "bulk": 6, "test clusters": 3, "test bulk": 2}
    assert found["seconds_per_prediction"][0] == {
        "scheme": "independent",
        "atoms": 33,
        "seconds": pytest.approx(0.033),
    }
    assert {s["molecules"] for s in found["screening"]} == {"1", "2", "bulk"}


def test_the_page(tmp_path, make_comparison):
    comparison, folder = make_comparison(), tmp_path / "a"
    written = write_comparison(comparison, folder)
    assert {p.name for p, _ in written} == {
        "couplings.html",
        "couplings.md",
        "table.md",
        *FIGURES,
    }
    assert {path for path, _ in written} == set(folder.iterdir())
    page = (folder / "couplings.html").read_text(encoding="utf-8")
    assert all(f'src="{name}"' in page for name in FIGURES)
    table = (folder / "table.md").read_text(encoding="utf-8")
    assert "| Z \\[me\\] | global | 45.0 | 21.2 | 45.0 |" in table
    assert "| local | 99.0 | 3.00 | 297 | 3.00 | 300 | 3.00 |" in table
    assert "| 2 molecules | 0.860 | 0.000 | 1.260 | 0.000 |" in table
    assert "0.950 (global)" in (folder / "couplings.md").read_text(encoding="utf-8")


def test_for_a_terminal(make_comparison):
    lines = comparison_text(make_comparison()).splitlines()
    assert [line.split()[0] for line in lines] == ["clusters", *SHIFTS, "bulk", *SHIFTS]
    assert lines[2].split()[-3:] == ["45.0", "±", "21.2"]


@pytest.mark.parametrize(
    ("options", "name", "drawn"),
    [
        ({"seeds": 1}, "errors.png", True),
        ({"boxes": 0}, "sizes.png", True),
        ({"sizes": (3,)}, "sizes.png", False),
        ({"sizes": ()}, "screening.png", True),
        ({"schemes": ("independent", "global")}, "screening.png", False),
        ({"bulk_bec": False}, "parity_bec.png", True),
        ({"bulk_bec": False, "sizes": ()}, "parity_bec.png", False),
        ({"cost": False}, "cost.png", False),
    ],
)
def test_figures_with_nothing_to_show(tmp_path, make_comparison, options, name, drawn):
    comparison = make_comparison(**options)
    assert FIGURES[name](comparison, tmp_path / name) is drawn
    assert (tmp_path / name).exists() is drawn
    assert comparison_text(comparison)


def test_a_property_that_only_clusters_have(tmp_path, make_comparison):
    """As of a reference without Born effective charges of cells."""
    (tmp_path / "cost.png").write_bytes(b"of a former comparison")
    write_comparison(make_comparison(bulk_bec=False, cost=False), tmp_path)
    assert not (tmp_path / "cost.png").exists()
    table = (tmp_path / "table.md").read_text(encoding="utf-8")
    row = next(line for line in table.splitlines() if line.startswith("| Z \\[me\\] | local"))
    assert row.endswith("| – | – | – | – |")


def test_names_are_escaped(tmp_path, make_comparison):
    comparison = make_comparison(sizes=(1,), boxes=0, schemes=("independent",), cost=False)
    write_comparison(replace(comparison, name="<script>"), tmp_path)
    assert "<script" not in (tmp_path / "couplings.html").read_text(encoding="utf-8")
