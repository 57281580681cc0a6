"""Smooth numbers that stay the same when a configuration is merely written differently.

Eight numbers a configuration, all of the dimension of a length, every one of them Lipschitz
continuous in the positions: moving one atom by δ changes them by some δ. Six are even and
two odd under inversion. Lengths of vector sums are used in place of smooth scalars because
a scalar has no first-order response at a site of high symmetry, where a length still has.
"""

import numpy as np

_WAVES = np.array([0.83, 1.09, 1.37, 1.61, 1.93, 2.27])
"""Wave numbers in 1/Å of the radial functions of free clusters."""

_TARGETS = np.array(
    [[1.51, -1.13, 1.87], [-0.97, 1.73, 1.21], [1.07, 1.93, -1.39], [1.81, -1.01, -1.63]]
)
"""Wave vectors in 1/Å that the chosen reciprocal lattice vectors lie closest to."""


def free_invariants(numbers: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Invariants of a free cluster under atom order, translation and proper rotation.

    Every atom i carries six vectors v_i = Σ_j u_j cos(κ r_ij + φ) (r_i - r_j)/r_ij with
    weights u by element. The even invariants are Σ_i u_i |v_i|; the odd ones sum triple
    products of three of the vectors, so mirror images differ in their sign. The radial
    functions do not decay: fragments far apart still see each other.

    Parameters
    ----------
    numbers : numpy.ndarray
        Atomic numbers, shape (N,).
    positions : numpy.ndarray
        Shape (N, 3), Å.

    Returns
    -------
    numpy.ndarray
        Shape (8,), Å.
    """
    weights = _weights(numbers, len(_WAVES))
    vectors = _vectors(positions, weights)
    lengths = np.linalg.norm(vectors, axis=-1)
    even = (weights * lengths).sum(axis=1)
    odd = []
    for a, b, c in ((0, 1, 2), (3, 4, 5)):
        triple = np.einsum("ix,ix->i", vectors[a], np.cross(vectors[b], vectors[c]))
        odd.append((weights[a] * _harmonic(triple, lengths[a], lengths[b], lengths[c])).sum())
    return np.concatenate([even, odd]) / np.sqrt(len(numbers))


def periodic_invariants(numbers: np.ndarray, positions: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Invariants of a periodic frame under atom order, translation and lattice translations.

    From six structure factors S(k) = Σ_i u_i exp(i k·r_i) at reciprocal lattice vectors that
    form two triangles k₁ + k₂ + k₃ = 0: their moduli, and for each triangle the imaginary
    part of S(k₁)S(k₂)S(k₃), which tells a frame from its inverted image. No rotation is
    undone: labels of a turned cell are other labels.

    Parameters
    ----------
    numbers : numpy.ndarray
        Atomic numbers, shape (N,).
    positions : numpy.ndarray
        Shape (N, 3), Å.
    cell : numpy.ndarray
        Cell vectors in rows, shape (3, 3), Å.

    Returns
    -------
    numpy.ndarray
        Shape (8,), Å.
    """
    first = np.rint(_TARGETS @ cell.T / (2 * np.pi))
    indices = np.concatenate([first[:2], -first[:2].sum(0, keepdims=True)])
    indices = np.concatenate([indices, first[2:], -first[2:].sum(0, keepdims=True)])
    wave_numbers = 2 * np.pi * np.linalg.norm(indices @ np.linalg.inv(cell).T, axis=1)
    fractional = positions @ np.linalg.inv(cell)
    factors = (_weights(numbers, len(indices)) * np.exp(2j * np.pi * indices @ fractional.T)).sum(
        axis=1
    ) / np.maximum(wave_numbers, 0.1)
    moduli = np.abs(factors)
    odd = [
        _harmonic(factors[triangle].prod().imag, *moduli[triangle])
        for triangle in (slice(0, 3), slice(3, 6))
    ]
    return np.concatenate([moduli, odd])


def _vectors(positions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The vectors of each channel and atom, shape (channels, N, 3)."""
    separations = positions[:, None] - positions[None]
    distances = np.linalg.norm(separations, axis=-1)
    # Coincident atoms have no direction, and neither has an atom with itself.
    directions = separations / np.maximum(distances, 1e-12)[..., None]
    return np.stack(
        [
            np.einsum(
                "ij,ijx->ix", np.cos(wave * distances + channel) * weights[channel], directions
            )
            for channel, wave in enumerate(_WAVES)
        ]
    )


def _weights(numbers: np.ndarray, channels: int) -> np.ndarray:
    """Weights between 0.5 and 1.5 by channel and element, shape (channels, N)."""
    return 0.5 + np.modf(np.sqrt(2.0) * np.outer(np.arange(1, channels + 1), numbers))[0]


def _harmonic(product: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """A product of three lengths brought down to one length, without losing continuity."""
    return product / np.maximum(a * b + b * c + c * a, 1e-12)
