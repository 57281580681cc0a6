"""JSON that every parser reads: the format has no word for numbers that are not finite."""

import math
from typing import Any


def strict(data: Any) -> Any:
    """Copy JSON-able data with null in place of NaN and infinities."""
    if isinstance(data, dict):
        return {key: strict(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [strict(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
