"""A push to where the members of a committee disagree."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from ase import Atoms

from activecharge.committee.committee import Committee
from activecharge.model.geometry import trace_geometry
from activecharge.model.graph import Graph, join


class SpreadBias:
    """Bias energy U = −A Σ_i (1 − exp(−½ (s_i / (c s_0))²)) and its forces −∂U/∂R.

    s_i is the spread of a property over members at atom i, s_0 the root mean square of it over
    the reference frames' atoms of that element. Like the bias of uncertainty-driven dynamics
    (Kulichenko et al., Nat. Comput. Sci. 3, 230 (2023), https://doi.org/10.1038/s43588-023-00406-5)
    it is bounded, but atom by atom, so that it does not depend on the size of the frame; taking
    the committee's own spread as the unit is after hyperactive learning (van der Oord et al., npj
    Comput. Mater. 9, 168 (2023), https://doi.org/10.1038/s41524-023-01104-6).

    Parameters
    ----------
    committee : Committee
    name : str
        "charges" or "bec".
    energy : float
        A, the most that an atom gains, eV.
    reach : float
        c, the spread in units of s_0 at which the bias pulls most.
    reference : sequence of ase.Atoms
        Frames that the committee knows, such as labelled ones. An element that does not occur in
        them, or about which members do not disagree, has no bias.
    """

    def __init__(
        self,
        committee: Committee,
        name: str,
        energy: float,
        reach: float,
        reference: Sequence[Atoms],
    ):
        self._committee, self._name = committee, name
        self._energy, self._reach = energy, reach
        total = np.zeros(len(committee.elements))
        counts = np.zeros(len(committee.elements))
        for graph in self._graphs(reference):
            species = graph.species.cpu().numpy()
            variance = self._variance(graph)[0].detach().double().cpu().numpy()
            total += np.bincount(species, variance, len(total))
            counts += np.bincount(species, minlength=len(total))
        self._typical = total / np.maximum(counts, 1)

    def __call__(self, frames: Sequence[Atoms]) -> list[np.ndarray]:
        """Forces of the bias on each frame's atoms, (N, 3) eV/Å."""
        return [forces for _, forces in self.evaluate(frames)]

    def evaluate(self, frames: Sequence[Atoms]) -> list[tuple[float, np.ndarray]]:
        """Energy in eV and forces (N, 3) in eV/Å of the bias on each frame."""
        found: list[tuple[float, np.ndarray]] = []
        for graph in self._graphs(frames):
            variance, leaf = self._variance(graph)
            typical = torch.tensor(self._typical, dtype=variance.dtype, device=variance.device)
            known = typical[graph.species]
            ratio = torch.where(known > 0, variance / torch.where(known > 0, known, 1.0), 0.0)
            atoms = -self._energy * -torch.expm1(-ratio / (2 * self._reach**2))
            [gradient] = torch.autograd.grad(atoms.sum(), leaf)
            energies = atoms.detach().double().cpu().numpy()
            forces = -gradient.double().cpu().numpy()
            for start, stop in zip(graph.offsets, graph.offsets[1:], strict=False):
                found.append((float(energies[start:stop].sum()), forces[start:stop]))
        return found

    def _graphs(self, frames: Sequence[Atoms]) -> Iterator[Graph]:
        first = self._committee.members[0]
        for graphs in self._committee.chunks(frames):
            yield join(graphs).to(first.backbone.to_cartesian.device, first.dtype)

    def _variance(self, graph: Graph) -> tuple[torch.Tensor, torch.Tensor]:
        """Variance over members at each atom (N,), mean of components, and the positions that it
        can be differentiated by."""
        geometry = trace_geometry(graph, displacement=True, strain=False)
        values = torch.stack(
            [
                member(graph, {self._name}, training=True, geometry=geometry)[self._name]
                for member in self._committee.members
            ]
        )
        variance = values.var(dim=0)
        return variance.flatten(1).mean(dim=1) if variance.dim() > 1 else variance, geometry.leaf
