"""Whether a configuration is water worth labelling, or a wreck of it."""

from typing import NamedTuple

import numpy as np
from ase import Atoms
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import pdist, squareform

from activecharge.sampling.source_options import SanityOptions

_H, _O = 1, 8


def check(atoms: Atoms, options: SanityOptions) -> str | None:
    """Say why a configuration is not sane.

    Atoms must not overlap, periodic images included. Oxygen and hydrogen must form whole
    water molecules unless dissociation is allowed; other elements are only checked for
    overlaps. A free cluster must hang together.

    Parameters
    ----------
    atoms : ase.Atoms
        Free, or periodic in all three directions.
    options : SanityOptions

    Returns
    -------
    str or None
        None for a sane frame, otherwise "kind: detail" with kind one of "not finite",
        "overlap", "broken molecule" and "evaporated".
    """
    if not np.isfinite(atoms.positions).all():
        return "not finite: some positions are not finite numbers"
    elements, kinds = np.unique(atoms.numbers, return_inverse=True)
    limits = _least_distances(elements, options)
    reach = max(float(limits.max()), options.max_bond)
    pairs = _Pairs(*neighbor_list("ijd", atoms, reach))
    return (
        _overlap(atoms, pairs, limits[kinds[pairs.first], kinds[pairs.second]])
        or _broken(atoms, pairs, options)
        or _evaporated(atoms, options)
    )


class _Pairs(NamedTuple):
    """Close pairs of atoms, each in both orders, over periodic images."""

    first: np.ndarray
    second: np.ndarray
    distances: np.ndarray


def _overlap(atoms: Atoms, pairs: _Pairs, allowed: np.ndarray) -> str | None:
    if not (pairs.distances < allowed).any():
        return None
    worst = int(np.argmin(pairs.distances - allowed))
    return (
        f"overlap: {_name(atoms, pairs.first[worst])} and {_name(atoms, pairs.second[worst])} "
        f"are {pairs.distances[worst]:.2f} Å apart, less than {allowed[worst]:.2f} Å"
    )


def _least_distances(elements: np.ndarray, options: SanityOptions) -> np.ndarray:
    """Least distance by pair of elements, shape (elements, elements), Å."""
    radii = covalent_radii[elements]
    limits = options.min_other * (radii[:, None] + radii[None])
    for pair, limit in (
        ((_O, _H), options.min_oh),
        ((_O, _O), options.min_oo),
        ((_H, _H), options.min_hh),
    ):
        for a, b in (pair, pair[::-1]):
            limits[np.ix_(elements == a, elements == b)] = limit
    return limits


def _broken(atoms: Atoms, pairs: _Pairs, options: SanityOptions) -> str | None:
    if options.allow_dissociated:
        return None
    bonds = (atoms.numbers[pairs.first] == _H) & (atoms.numbers[pairs.second] == _O)
    bonds &= pairs.distances <= options.max_bond
    hydrogens, oxygens = pairs.first[bonds], pairs.second[bonds]
    # A hydrogen between two oxygens belongs to the nearer one.
    order = np.lexsort((pairs.distances[bonds], hydrogens))
    bonded, nearest = np.unique(hydrogens[order], return_index=True)
    lost = np.setdiff1d(np.flatnonzero(atoms.numbers == _H), bonded)
    if len(lost):
        return (
            f"broken molecule: {_name(atoms, lost[0])} is over {options.max_bond:.2f} Å from any O"
        )
    held = np.bincount(oxygens[order][nearest], minlength=len(atoms))
    wrong = np.flatnonzero((atoms.numbers == _O) & (held != 2))
    if len(wrong):
        return f"broken molecule: {_name(atoms, wrong[0])} holds {held[wrong[0]]} H, not 2"
    return None


def _evaporated(atoms: Atoms, options: SanityOptions) -> str | None:
    if atoms.pbc.any() or len(atoms) == 1:
        return None
    links = csr_array(squareform(pdist(atoms.positions) <= options.max_gap))
    parts = connected_components(links, directed=False, return_labels=False)
    if parts == 1:
        return None
    return f"evaporated: {parts} parts are more than {options.max_gap:.1f} Å apart"


def _name(atoms: Atoms, index: int) -> str:
    return f"{atoms.symbols[index]}{index}"
