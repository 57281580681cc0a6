"""Errors as a table of plain text, for a terminal."""

from collections.abc import Mapping

from activecharge.report.metrics import Deviations, PropertyErrors
from activecharge.texts import milli


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
