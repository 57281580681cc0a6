"""JSON that every parser reads: the format has no word for numbers that are not finite."""

import math
from collections.abc import Mapping, Sequence

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]
"""What a JSON file may hold."""


def strict(data: object) -> Json:
    """Copy JSON-able data with null in place of NaN and infinities."""
    if isinstance(data, Mapping):
        return {key: strict(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [strict(value) for value in data]
    if isinstance(data, float) and not math.isfinite(data):
        return None
    assert data is None or isinstance(data, str | int | float)
    return data
