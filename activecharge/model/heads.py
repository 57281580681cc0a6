"""From features to pair charges, screening factors, dipoles and Born effective charges.

Every directed edge e runs from sender s to receiver r; r̂ is the unit vector from s to r.
Shapes: N atoms, E edges, C channels.
"""

import torch
from torch import nn

from activecharge.model.backbone import Features
from activecharge.model.neighbors import Neighbors

HIDDEN = 32
VECTORS = 6
"""Mixed vector channels from which the tensor head builds dyads."""


class AtomScalar(nn.Module):
    """One invariant number per atom (N,) from its scalars; starts near `initial`."""

    def __init__(self, scalars: int, initial: float = 0.0):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(scalars, HIDDEN), nn.SiLU())
        self.last = nn.Linear(HIDDEN, 1, bias=False)
        self.offset = nn.Parameter(torch.tensor(initial))

    def forward(self, features: Features) -> torch.Tensor:
        """Value per atom, (N,)."""
        return self.last(self.layers(features.scalars))[:, 0] + self.offset

    @torch.no_grad()
    def reverse(self) -> None:
        """Turn the sign of every value."""
        self.last.weight.neg_()
        self.offset.neg_()


class AtomConstant(nn.Module):
    """One number, the same for every atom (N,), which training changes only if it is `learned`."""

    def __init__(self, initial: float, learned: bool = True):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(initial), requires_grad=learned)

    def forward(self, features: Features) -> torch.Tensor:
        """Value per atom, (N,)."""
        return self.value * torch.ones_like(features.scalars[:, 0])

    @torch.no_grad()
    def reverse(self) -> None:
        """Turn the sign of the value."""
        self.value.neg_()


class PairFunction(nn.Module):
    """f(h_i, h_j, e_ij): `outputs` invariants of an ordered pair, zero at the cutoff.

    The edge enters through its radial basis and through the projections h·r̂ of both ends'
    vectors on it, so that a pair sees its surroundings even with a single interaction.
    """

    def __init__(self, scalars: int, channels: int, radial: int, outputs: int):
        super().__init__()
        self.first = nn.Linear(scalars, HIDDEN)
        self.second = nn.Linear(scalars, HIDDEN, bias=False)
        self.radial = nn.Linear(radial, HIDDEN, bias=False)
        # Mixing channels before projecting costs per atom what it would cost per edge.
        self.mix = nn.Linear(channels, 2 * HIDDEN, bias=False)
        self.layers = nn.Sequential(nn.SiLU(), nn.Linear(HIDDEN, HIDDEN), nn.SiLU())
        self.last = nn.Linear(HIDDEN, outputs, bias=False)

    def forward(self, features: Features, neighbors: Neighbors) -> torch.Tensor:
        """f of (receiver, sender) for every directed edge, (E, outputs)."""
        return self.last(self.hidden(features, neighbors)) * features.envelope

    def hidden(self, features: Features, neighbors: Neighbors) -> torch.Tensor:
        """What the last layer sums up, before the envelope, (E, HIDDEN)."""
        mixed = torch.einsum("ncx,hc->nxh", features.vectors, self.mix.weight)
        own, other = mixed.split(HIDDEN, dim=2)
        first, second = self.first(features.scalars), self.second(features.scalars)
        # Scalars and projection in one product with (1, r̂). What the sender gives is what the
        # receiver of the reverse edge would, where r̂ is −r̂.
        receiver = torch.cat([first[:, None], own], dim=1)
        sender = torch.cat([second[:, None], -other], dim=1)
        hidden = (
            neighbors.at_edges(neighbors.directions @ receiver)
            + neighbors.at_reverse(neighbors.directions @ sender)
            + self.radial(features.radial)
        )
        return self.layers(hidden)


class PairCharges(nn.Module):
    """The pair function f whose charge transfer p_ij = f_ij − f_ji atom i takes from atom j.

    Being antisymmetric, transfer leaves every frame neutral: q_i = Σ_j p_ij needs no mean
    subtracted. Sums over both directions of a pair fold into sums over f, evaluated once an
    edge: q_i = Σ_j (f_ij − f_ji), and ½ Σ_edges p_rs (R_r − R_s) = Σ_edges f_rs (R_r − R_s).
    """

    def __init__(self, scalars: int, channels: int, radial: int):
        super().__init__()
        self.pair = PairFunction(scalars, channels, radial, 1)

    def forward(
        self, features: Features, neighbors: Neighbors
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """f of every directed edge, (E,) e, and what it was read off, (E, HIDDEN)."""
        hidden = self.pair.hidden(features, neighbors)
        return (self.pair.last(hidden) * features.envelope)[:, 0], hidden

    @torch.no_grad()
    def scale(self, factor: float) -> None:
        """Multiply every charge by a number."""
        self.pair.last.weight.mul_(factor)


class AtomicDipoles(nn.Module):
    """d_i (N, 3) e·Å: gated sum of the atom's vector channels."""

    def __init__(self, scalars: int, channels: int):
        super().__init__()
        self.gates = nn.Sequential(
            nn.Linear(scalars, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, channels)
        )

    def forward(self, features: Features) -> torch.Tensor:
        """Dipole of each atom."""
        return torch.einsum("nc,ncx->nx", self.gates(features.scalars), features.vectors)


class OwnDipoles(nn.Module):
    """Dipoles beside that of the charges, of the independent coupling; its Z does not see them.

    Each edge has one along itself, f_ij R_ij, and each atom one of its vectors: what charges leave
    out of a reference dipole, and how charge flows within a molecule when it moves. f is read off
    what the charges' pair function has made of the pair.
    """

    def __init__(self, scalars: int, channels: int):
        super().__init__()
        self.edge = nn.Linear(HIDDEN, 1, bias=False)
        self.atom = AtomicDipoles(scalars, channels)

    def forward(
        self, features: Features, hidden: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """f of every directed edge, (E,) e, and dipoles of the atoms, (N, 3) e·Å."""
        return (self.edge(hidden) * features.envelope)[:, 0], self.atom(features)


class PairTensors(nn.Module):
    """Born effective charges of the independent coupling, Z_i = Σ_j (T_ij − T_ji).

    T_ij is an equivariant second-rank tensor of the ordered pair, with isotropic (0e),
    antisymmetric (1e) and symmetric traceless (2e) parts: the unit tensor, dyads of r̂ and of
    the atoms' vectors, and the atoms' tensors, each weighted by an invariant of the pair. The
    antisymmetric sum makes the acoustic sum rule Σ_i Z_i = 0 an identity.
    """

    def __init__(self, scalars: int, channels: int, radial: int):
        super().__init__()
        self.pair = PairFunction(scalars, channels, radial, 2 + 4 * VECTORS)
        self.vectors = nn.Linear(channels, VECTORS, bias=False)
        self.tensors = nn.Linear(channels, VECTORS, bias=False)

    def forward(self, features: Features, neighbors: Neighbors) -> torch.Tensor:
        """Born effective charges (N, 3, 3) in e, [polarization, displacement]."""
        unit = neighbors.unit
        weights = self.pair(features, neighbors)
        isotropic, axial = weights[:, 0, None, None], weights[:, 1, None]
        left, right, dyad, tensor = neighbors.table(weights[:, 2:]).split(VECTORS, dim=2)
        vectors, tensors = self.channels(features)
        first = neighbors.at_receiver(vectors[:, 0])
        identity = torch.eye(3, dtype=unit.dtype, device=unit.device)
        pair = (
            isotropic * identity
            + unit[:, :, None] * (axial * unit + neighbors.at_edges(right @ vectors))[:, None, :]
            + neighbors.at_edges(left @ vectors)[:, :, None] * unit[:, None, :]
            + neighbors.at_edges(dyad @ vectors)[:, :, None] * first[:, None, :]
            + neighbors.at_edges(tensor @ tensors).unflatten(1, (3, 3))
        )
        return neighbors.antisymmetric_sum(pair)

    def channels(self, features: Features) -> tuple[torch.Tensor, torch.Tensor]:
        """Mixed vectors (N, VECTORS, 3) and tensors (N, VECTORS, 9) of each atom."""
        vectors = torch.einsum("ncx,vc->nvx", features.vectors, self.vectors.weight)
        tensors = torch.einsum("ncab,vc->nvab", features.tensors, self.tensors.weight)
        return vectors, tensors.flatten(2)
