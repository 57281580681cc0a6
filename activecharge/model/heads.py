"""From features to pair charges, screening factors, atomic dipoles and Born effective charges.

Every directed edge e runs from sender s to receiver r; r̂ is the unit vector from s to r.
Shapes: N atoms, E edges, C channels.
"""

import torch
from torch import nn

from activecharge.model.backbone import Features

HIDDEN = 32
VECTORS = 6
"""Mixed vector channels from which the tensor head builds dyads."""


class AtomScalar(nn.Module):
    """One invariant number per atom (N,) from its scalars; starts near `initial`."""

    def __init__(self, scalars: int, initial: float = 0.0):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(scalars, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, 1, bias=False)
        )
        self.offset = nn.Parameter(torch.tensor(initial))

    def forward(self, features: Features) -> torch.Tensor:
        """Value per atom, (N,)."""
        return self.layers(features.scalars)[:, 0] + self.offset


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
        self.layers = nn.Sequential(
            nn.SiLU(), nn.Linear(HIDDEN, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, outputs, bias=False)
        )

    def forward(
        self, features: Features, unit: torch.Tensor, edges: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """f of (receiver, sender) and f of (sender, receiver), each (E, outputs)."""
        sender, receiver = edges
        first, second = self.first(features.scalars), self.second(features.scalars)
        mixed = torch.einsum("ncx,hc->nhx", features.vectors, self.mix.weight)
        at_receiver = torch.einsum("ehx,ex->eh", mixed[receiver], unit)
        at_sender = torch.einsum("ehx,ex->eh", mixed[sender], unit)
        radial = self.radial(features.radial)

        def value(i, j, own, other):
            hidden = first[i] + second[j] + radial + own[:, :HIDDEN] + other[:, HIDDEN:]
            return self.layers(hidden) * features.envelope

        # Seen from the sender the edge points the other way: both projections change sign.
        return (
            value(receiver, sender, at_receiver, at_sender),
            value(sender, receiver, -at_sender, -at_receiver),
        )


class PairCharges(nn.Module):
    """Charge p_rs that atom r takes from atom s, antisymmetric by construction.

    q_i = Σ_j p_ij is then neutral in every frame without subtracting a mean.
    """

    def __init__(self, scalars: int, channels: int, radial: int):
        super().__init__()
        self.pair = PairFunction(scalars, channels, radial, 1)
        self.register_buffer("sign", torch.tensor(1.0))

    def forward(self, features: Features, unit: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
        """p of every directed edge, (E,) e."""
        ahead, back = self.pair(features, unit, edges)
        return self.sign * (ahead - back)[:, 0]


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

    def forward(self, features: Features, unit: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
        """Born effective charges (N, 3, 3) in e, [polarization, displacement]."""
        sender, receiver = edges
        weights, _ = self.pair(features, unit, edges)
        isotropic, axial = weights[:, 0, None, None], weights[:, 1, None]
        left, right, dyad, tensor = weights[:, 2:].reshape(-1, 4, VECTORS).unbind(1)
        vectors = torch.einsum("ncx,vc->nvx", features.vectors, self.vectors.weight)[receiver]
        tensors = torch.einsum("ncab,vc->nvab", features.tensors, self.tensors.weight)[receiver]

        def combine(coefficients):
            return torch.einsum("ev,evx->ex", coefficients, vectors)

        identity = torch.eye(3, dtype=unit.dtype, device=unit.device)
        pair = (
            isotropic * identity
            + unit[:, :, None] * (axial * unit + combine(right))[:, None, :]
            + combine(left)[:, :, None] * unit[:, None, :]
            + combine(dyad)[:, :, None] * vectors[:, 0][:, None, :]
            + torch.einsum("ev,evab->eab", tensor, tensors)
        )
        total = torch.zeros_like(features.tensors[:, 0])
        return total.index_add(0, receiver, pair).index_add(0, sender, -pair)
