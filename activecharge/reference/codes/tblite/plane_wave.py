"""Matrix elements of plane waves between atomic orbitals, <μ|exp(ik·r)|ν>.

A plane wave times a Gaussian product is a Gaussian about a complex centre, so the recursion of
Obara, Saika, J. Chem. Phys. 84, 3963 (1986), DOI 10.1063/1.450106, holds as it stands for overlaps,
with P replaced by P + ik/(2p). In cells the bra stays and the ket runs over all
images, which is the matrix of Bloch functions at Γ if k is a reciprocal lattice vector.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product

import numpy as np

from activecharge.reference.codes.tblite.basis import Element, Shell

NEGLIGIBLE = 25.0
"""Gaussian products below exp(-25) = 1e-11 are left out, as in tblite."""

_R3 = np.sqrt(3.0)
HARMONICS: tuple[tuple[dict[tuple[int, int, int], float], ...], ...] = (
    ({(0, 0, 0): 1.0},),
    ({(0, 1, 0): 1.0}, {(0, 0, 1): 1.0}, {(1, 0, 0): 1.0}),
    (
        {(1, 1, 0): _R3},
        {(0, 1, 1): _R3},
        {(0, 0, 2): 1.0, (2, 0, 0): -0.5, (0, 2, 0): -0.5},
        {(1, 0, 1): _R3},
        {(2, 0, 0): _R3 / 2, (0, 2, 0): -_R3 / 2},
    ),
)
"""Real solid harmonics of l = 0, 1, 2 for m = -l ... l, by powers of x, y, z."""


class PlaneWaves:
    """All matrix elements of one configuration.

    Parameters
    ----------
    elements : sequence of Element
        One an atom.
    positions : numpy.ndarray
        Shape (N, 3), bohr; anywhere, wrapped or not.
    cell : numpy.ndarray or None
        Shape (3, 3), bohr, rows are lattice vectors; None for a free cluster.
    atom : int, optional
        Compute the elements of this atom with all others only.
    """

    def __init__(
        self,
        elements: Sequence[Element],
        positions: np.ndarray,
        cell: np.ndarray | None,
        atom: int | None = None,
    ) -> None:
        self._positions = positions
        self._cell = cell
        # By kind of shell: its atoms, and where its orbitals begin in the matrix.
        kinds: dict[int, _Kind] = {}
        owners: list[int] = []
        for number, element in enumerate(elements):
            for shell in element.shells:
                kind = kinds.setdefault(id(shell), _Kind(shell, [], []))
                kind.atoms.append(number)
                kind.begins.append(len(owners))
                owners += [number] * (2 * shell.angular + 1)
        self._size = len(owners)
        pairs: Iterable[tuple[_Kind, _Kind]]
        if atom is None:
            self._new = np.arange(self._size)
            pairs = combinations_with_replacement(kinds.values(), 2)
        else:
            self._new = np.flatnonzero(np.array(owners) == atom)
            own = [kind.only(atom) for kind in kinds.values() if atom in kind.atoms]
            pairs = product(own, kinds.values())
        self._blocks = [self._block(bra, ket) for bra, ket in pairs]

    def matrix(self, wavevector: np.ndarray, rest: np.ndarray | None = None) -> np.ndarray:
        """Return <μ|exp(ik·r)|ν>.

        Parameters
        ----------
        wavevector : numpy.ndarray
            k, shape (3,), 1/bohr; in cells a reciprocal lattice vector (with 2π).
        rest : numpy.ndarray, optional
            Shape (n, n): a matrix to take the elements between other atoms than `atom` from.

        Returns
        -------
        numpy.ndarray
            Shape (n, n), complex and symmetric, orbitals in tblite's order.
        """
        whole = np.zeros((self._size, self._size), complex) if rest is None else rest.copy()
        whole[self._new] = 0
        whole[:, self._new] = 0
        for block in self._blocks:
            rows, columns, values = block.values(wavevector)
            whole[rows, columns] = values
            whole[columns, rows] = values
        return whole

    def overlap(self) -> np.ndarray:
        """Return the overlap matrix, shape (n, n), real."""
        return self.matrix(np.zeros(3)).real

    def _block(self, bra: "_Kind", ket: "_Kind") -> "_Block":
        slowest = bra.shell.exponents.min(), ket.shell.exponents.min()
        reach = np.sqrt(NEGLIGIBLE * sum(1 / exponent for exponent in slowest))
        i, j, vectors = _pairs(
            self._positions[bra.atoms], self._positions[ket.atoms], self._cell, reach
        )
        if bra is ket:
            # The other triangle follows by symmetry.
            kept = i <= j
            i, j, vectors = i[kept], j[kept], vectors[kept]
        centres = self._positions[bra.atoms][i]
        begins = np.stack([np.array(bra.begins)[i], np.array(ket.begins)[j]])
        return _Block(bra.shell, ket.shell, centres, vectors, begins)


@dataclass(frozen=True)
class _Kind:
    """A shell of an element, the atoms that have it, and where its orbitals begin."""

    shell: Shell
    atoms: list[int]
    begins: list[int]

    def only(self, atom: int) -> "_Kind":
        return _Kind(self.shell, [atom], [self.begins[self.atoms.index(atom)]])


class _Block:
    """All pairs of two kinds of shell, their primitive products laid out in one row.

    `begins` (2, pairs) is where the shells of each pair begin in the matrix; pairs of the same two
    atoms follow one another.
    """

    def __init__(
        self,
        bra: Shell,
        ket: Shell,
        centres: np.ndarray,
        vectors: np.ndarray,
        begins: np.ndarray,
    ) -> None:
        self._angular = bra.angular, ket.angular
        alpha, beta = (x.ravel() for x in np.meshgrid(bra.exponents, ket.exponents, indexing="ij"))
        exponent = alpha * beta / (alpha + beta) * (vectors**2).sum(axis=1)[:, None]
        pair, kind = np.nonzero(exponent < NEGLIGIBLE)
        factor = np.outer(bra.coefficients, ket.coefficients).ravel()
        factor = factor * (np.pi / (alpha + beta)) ** 1.5
        self._weight = factor[kind] * np.exp(-exponent[pair, kind])
        self._total = (alpha + beta)[kind]
        self._from_bra = (beta / (alpha + beta))[kind, None] * vectors[pair]
        self._from_ket = self._from_bra - vectors[pair]
        self._centre = centres[pair] + self._from_bra
        places = begins[:, pair]
        new = np.any(places[:, 1:] != places[:, :-1], axis=0)
        self._starts = np.concatenate([[0], np.flatnonzero(new) + 1]) if pair.size else pair
        self._places = places[:, self._starts]

    def values(self, wavevector: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, columns and values of the matrix, summed over primitives and images."""
        left, right = self._angular
        if not self._starts.size:
            empty = np.empty(0, dtype=int)
            return empty, empty, np.empty(0, dtype=complex)
        damping = -wavevector @ wavevector / (4 * self._total)
        weight = self._weight * np.exp(damping + 1j * (self._centre @ wavevector))
        bra, ket = HARMONICS[left], HARMONICS[right]
        moments = [self._moments(axis, wavevector[axis]) for axis in range(3)]
        rows, columns, values = [], [], []
        for (m, one), (n, other) in product(enumerate(bra), enumerate(ket)):
            polynomial = _product(one, other, moments)
            rows.append(self._places[0] + m)
            columns.append(self._places[1] + n)
            values.append(np.add.reduceat(weight * polynomial, self._starts))
        return np.concatenate(rows), np.concatenate(columns), np.concatenate(values)

    def _moments(self, axis: int, k: float) -> dict[tuple[int, int], np.ndarray | float]:
        """Moments (i, j) along one axis, of (x-A)^i (x-B)^j, by the recursion over i and j."""
        left, right = self._angular
        shift = 0.5j * k / self._total if k else 0.0
        to_bra, to_ket = self._from_bra[:, axis] + shift, self._from_ket[:, axis] + shift
        half = 0.5 / self._total
        moments: dict[tuple[int, int], np.ndarray | float] = {(0, 0): 1.0}
        for i, j in product(range(left + 1), range(right + 1)):
            if i:
                value = to_bra * moments[i - 1, j]
                value = value + half * (i - 1) * moments[i - 2, j] if i > 1 else value
                moments[i, j] = value + half * j * moments[i - 1, j - 1] if j else value
            elif j:
                value = to_ket * moments[0, j - 1]
                moments[0, j] = value + half * (j - 1) * moments[0, j - 2] if j > 1 else value
        return moments


def _product(
    one: dict[tuple[int, int, int], float],
    other: dict[tuple[int, int, int], float],
    moments: list[dict[tuple[int, int], np.ndarray | float]],
) -> np.ndarray | float:
    """Polynomial factor of the product of two solid harmonics."""
    total: np.ndarray | float = 0.0
    for (left, a), (right, b) in product(one.items(), other.items()):
        term: np.ndarray | float = a * b
        for axis in range(3):
            if left[axis] or right[axis]:
                term = term * moments[axis][left[axis], right[axis]]
        total = total + term
    return total


def _pairs(
    bra: np.ndarray, ket: np.ndarray, cell: np.ndarray | None, reach: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices and vectors bra to ket of all pairs within reach, images of the ket included."""
    vectors = ket[None, :] - bra[:, None]
    if cell is None:
        images = np.zeros((1, 3))
    else:
        inverse = np.linalg.inv(cell)
        vectors = vectors - np.round(vectors @ inverse) @ cell
        # Planes of images lie 1/|b| apart, and the nearest vector is within half a cell.
        most = np.floor(reach * np.linalg.norm(inverse, axis=0) + 0.5).astype(int)
        images = np.array(list(product(*(range(-n, n + 1) for n in most)))) @ cell
    everything = vectors[:, :, None, :] + images
    i, j, image = np.nonzero((everything**2).sum(axis=-1) < reach**2)
    return i, j, everything[i, j, image]
