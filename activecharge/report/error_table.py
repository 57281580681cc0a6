"""Errors as a table of plain text, for a terminal."""

from collections.abc import Mapping

from activecharge.report.metrics import Deviations, PropertyErrors
from activecharge.texts import milli

LEAST_R2 = 0.5
"""R² of the forces below which a committee is of no use."""


def error_table(errors: Mapping[str, PropertyErrors]) -> str:
    """Tabulate MAE, RMSE and R² by property, in thousandths of its unit, and by element.

    Parameters
    ----------
    errors : mapping of str to PropertyErrors
        As of `activecharge.report.metrics.errors`.

    Returns
    -------
    str
    """
    lines = [f"  {'':<10}{'MAE':>10}{'RMSE':>10}{'R²':>9}  unit"]
    for name, found in errors.items():
        unit = f"m{found.unit}"
        lines.append(_row(name, found, "" if found.r2 is None else f"{found.r2:.4f}", unit))
        lines += [_row(f"  {element}", of, "", unit) for element, of in found.per_element.items()]
    return "\n".join(lines)


def _row(title: str, found: Deviations, r2: str, unit: str) -> str:
    return f"  {title:<10}{milli(found.mae, 2):>10}{milli(found.rmse, 2):>10}{r2:>9}  {unit}"


def too_little(errors: Mapping[str, PropertyErrors]) -> str:
    """Say that a committee has been trained too little for use; empty if it has not.

    Parameters
    ----------
    errors : mapping of str to PropertyErrors
        On a test set.
    """
    r2 = errors["forces"].r2 if "forces" in errors else None
    if r2 is None or r2 >= LEAST_R2:
        return ""
    return (
        f"R² of the forces on the test set is {r2:.2f}, where 1 is perfect and 0 is no better than "
        "guessing their mean: this committee has been trained too little for use. That is what to "
        "expect of a smoke test, which shows with few labels and few training steps that "
        "everything runs."
    )
