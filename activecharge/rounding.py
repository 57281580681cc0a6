"""Values as the files store them."""

import numpy as np
from numpy.typing import ArrayLike

DECIMALS = 8
"""Decimals of stored values."""


def as_stored(values: ArrayLike) -> np.ndarray:
    """Round so that text with 8 decimals gives back the very same numbers.

    Parameters
    ----------
    values : array-like
        Any shape and unit.

    Returns
    -------
    numpy.ndarray
        float64 of the same shape; negative zeros become zeros.
    """
    array = np.asarray(values, dtype=float)
    # np.round can differ from the decimal text by one unit in the last place.
    rounded = [float(f"{x:.{DECIMALS}f}") + 0.0 for x in array.ravel()]
    return np.array(rounded).reshape(array.shape)
