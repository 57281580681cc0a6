"""The numbers of a comparison of couplings."""

import json
from dataclasses import replace

import numpy as np
import pytest
from coupling_cases import make_comparison

from activecharge.report.couplings.couplings_results import results


def test_errors_are_over_seeds_and_by_group():
    found = make_comparison().errors
    assert list(found) == ["clusters", "bulk"]
    for group in found.values():
        charges = group["global"]["charges"]
        assert charges.mae.seeds == pytest.approx((0.03, 0.06))
        assert charges.mae.mean == pytest.approx(0.045)
        assert charges.mae.std == pytest.approx(0.03 / np.sqrt(2))  # n - 1 of two values
        assert charges.per_element["O"].rmse.mean == pytest.approx(0.045)
    # Energies count per atom.
    assert found["bulk"]["local"]["energy"].mae.mean == pytest.approx(0.03 / 12)


def test_errors_by_size():
    comparison = make_comparison()
    assert comparison.sizes == {1: [0], 2: [1, 2]}
    assert comparison.errors_by_size("independent", "energy") == pytest.approx(
        {1: 0.015 / 3, 2: 0.015 / 6}
    )


def test_screening_factors_by_element_and_size():
    comparison = make_comparison()
    assert comparison.shared_factors == pytest.approx({"global": 0.95})
    found = {(s.scheme, s.element, s.molecules): s.factors for s in comparison.screening()}
    assert list(found) == [("local", e, n) for e in "HO" for n in (1, 2, None)]
    assert found["local", "O", 1] == pytest.approx([1.23, 1.23])  # one atom, two seeds
    assert len(found["local", "H", 2]) == 2 * 2 * 4
    assert found["local", "H", None] == pytest.approx(0.8 + 0.12)


def test_the_factor_that_would_serve_best():
    comparison = make_comparison(bulk_bec=False, seeds=1)
    [outcome] = comparison.of("local")
    doubled = tuple(
        replace(p, mean=p.mean | {"bec": 2 * label.values.get("bec", p.mean["bec"])})
        for p, label in zip(outcome.predictions, comparison.labels, strict=True)
    )
    comparison = replace(comparison, outcomes=(replace(outcome, predictions=doubled),))
    assert comparison.rescaled("local", "clusters") == pytest.approx((0.5, 0.0))
    assert comparison.rescaled("local", "bulk") is None


def test_results_are_plain_data():
    found = results(make_comparison())
    assert json.loads(json.dumps(found))["errors"]["bulk"]["global"]["charges"]["mae"] == {
        "mean": pytest.approx(0.045),
        "std": pytest.approx(0.03 / np.sqrt(2)),
        "seeds": pytest.approx([0.03, 0.06]),
    }
    assert found["labels"] == {"clusters": 30, "bulk": 6, "test clusters": 3, "test bulk": 2}
    assert found["seconds_per_prediction"][0] == {
        "scheme": "independent",
        "atoms": 33,
        "seconds": pytest.approx(0.033),
    }
    assert {s["molecules"] for s in found["screening"]} == {"1", "2", "bulk"}
