"""The numbers of a comparison of couplings, for programs."""

from dataclasses import asdict

from activecharge.report.couplings.comparison import COMPARED, Comparison
from activecharge.strict_json import Json


def results(comparison: Comparison) -> dict[str, Json]:
    """Collect all numbers of a comparison as JSON-able data.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    dict
        Errors in "unit" by group, scheme and property; screening factors (dimensionless) by
        scheme, element and size; wall times in s.
    """
    return {
        "name": comparison.name,
        "reference": comparison.reference,
        "labels": comparison.counts | {f"test {g}": len(i) for g, i in comparison.groups.items()},
        "schemes": {scheme: comparison.notes.get(scheme, "") for scheme in comparison.schemes},
        **_errors(comparison),
        **_screening(comparison),
        "seconds_per_prediction": [vars(cost) for cost in comparison.predicting],
        "seconds_per_training_step": [vars(cost) for cost in comparison.training],
        "versions": comparison.versions,
    }


def _errors(comparison: Comparison) -> dict[str, Json]:
    return {
        "errors": {
            group: {
                scheme: {name: asdict(errors) for name, errors in found.items()}
                for scheme, found in schemes.items()
            }
            for group, schemes in comparison.errors.items()
        },
        "errors_by_size": {
            name: {
                scheme: {str(n): e for n, e in comparison.errors_by_size(scheme, name).items()}
                for scheme in comparison.schemes
            }
            for name in COMPARED
        },
    }


def _screening(comparison: Comparison) -> dict[str, Json]:
    return {
        "shared_screening": comparison.shared_factors,
        "screening": [
            {
                "scheme": s.scheme,
                "element": s.element,
                "molecules": "bulk" if s.molecules is None else str(s.molecules),
                "atoms": len(s.factors),
                "mean": float(s.factors.mean()),
                "std": float(s.factors.std()),
            }
            for s in comparison.screening()
        ],
        "rescaled_bec": {
            group: {
                scheme: dict(zip(("factor", "mae"), found, strict=True))
                for scheme in comparison.schemes
                if (found := comparison.rescaled(scheme, group))
            }
            for group in comparison.groups
        },
    }
