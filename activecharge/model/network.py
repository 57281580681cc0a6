"""The charge model: one batched forward from a graph to energies, charges and their responses."""

from collections.abc import Collection

import torch
from torch import nn

from activecharge.model.allocator import keep_freed_memory
from activecharge.model.backbone import Backbone
from activecharge.model.coulomb.coulomb_plan import coulomb_plan
from activecharge.model.coulomb.electrostatics import Electrostatics
from activecharge.model.derivatives import born_effective_charges, energy_derivatives
from activecharge.model.encoded import Encoded
from activecharge.model.geometry import Geometry, trace_geometry
from activecharge.model.graph import Graph
from activecharge.model.heads import (
    AtomConstant,
    AtomicDipoles,
    AtomScalar,
    OwnDipoles,
    PairCharges,
    PairFunction,
    PairTensors,
)
from activecharge.model.layers.architecture import Architecture
from activecharge.model.layers.elements import elements
from activecharge.model.neighbors import layout, tabulate

keep_freed_memory()

__all__ = ["Architecture", "ChargeModel"]

SCREENED = ("global", "local")
"""Couplings whose polarization is that of the charges times a screening factor."""


class ChargeModel(nn.Module):
    """Energy, static charges and Born effective charges of water and its like.

    E = Σ_i E0 + Σ_i ε_i + E_Coulomb(q), q_i = Σ_j p_ij, and depending on the coupling
    Z = Σ_j (T_ij − T_ji) (independent) or Z = ∂P/∂R with
    P = ½ Σ_edges w p_rs (R_r − R_s) (+ Σ_i d_i): Stärk et al., PCCP 2026
    (https://doi.org/10.1039/d6cp00911e), with the polarization written in edge vectors so that
    it is single-valued in any periodic cell. That of the independent coupling has dipoles on edges
    and atoms besides.
    """

    screening: AtomConstant | AtomScalar

    def __init__(self, architecture: Architecture):
        super().__init__()
        self.architecture = architecture
        options = architecture.options
        scalars = options.interactions * options.channels
        sizes = (scalars, options.channels, options.radial)
        # Clebsch–Gordan constants are built in the default type: make them exact to double.
        previous = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            self.backbone = Backbone(
                options, len(architecture.elements), architecture.avg_neighbors
            )
            self.energy = AtomScalar(scalars)
            self.pair_energy = PairFunction(*sizes, outputs=1)
            self.pair_charges = PairCharges(*sizes)
            self.electrostatics = Electrostatics(
                options.cutoff, options.coulomb_exclusion, options.coulomb_accuracy
            )
            if options.coupling == "independent":
                self.tensors = PairTensors(*sizes)
                if architecture.has_own_dipoles:
                    self.own_dipoles = OwnDipoles(scalars, options.channels)
            elif options.coupling == "dipolar":
                self.dipoles = AtomicDipoles(scalars, options.channels)
            elif options.coupling == "local":
                self.screening = AtomScalar(scalars, initial=1.0)
            else:
                self.screening = AtomConstant(
                    options.screening if isinstance(options.screening, float) else 1.0,
                    learned=options.screening == "learned",
                )
        finally:
            torch.set_default_dtype(previous)
        self.to(getattr(torch, options.dtype))

    def __deepcopy__(self, memo: dict) -> "ChargeModel":
        """A new model of equal weights; e3nn's own copies would be slow TorchScript."""
        copy = ChargeModel(self.architecture).to(self.backbone.to_cartesian.device)
        copy.load_state_dict(self.state_dict())
        memo[id(self)] = copy
        return copy.train(self.training)

    @property
    def dtype(self) -> torch.dtype:
        """Floating-point type of weights and results (energies are float64)."""
        return self.backbone.to_cartesian.dtype

    def forward(
        self,
        graph: Graph,
        outputs: Collection[str],
        training: bool = False,
        geometry: Geometry | None = None,
        field: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Predict the `outputs` asked for.

        Parameters
        ----------
        graph : Graph
            B frames with N atoms, in this model's type and on its device.
        outputs : collection of str
            Any of energy, forces, stress, charges, dipole, bec.
        training : bool
            Keep the graph of derivatives, so that a loss on them can be differentiated.
        geometry : Geometry, optional
            The graph's, traced by whoever will differentiate the outputs by its `leaf`; needs
            `training`.
        field : torch.Tensor, optional
            Uniform electric fields (B, 3) in V/Å, in which forces (and stress) are taken:
            −∂(E − ℰ·P)/∂R. The energy stays without.

        Returns
        -------
        dict of str to torch.Tensor
            energy (B,) eV; forces (N, 3) eV/Å; stress (B, 3, 3) eV/Å³, NaN for free frames;
            charges (N,) e; dipole (B, 3) e·Å, which in a periodic frame is the polarization
            times the volume, up to its quantum; bec (N, 3, 3) e; always also descriptor
            (N, D), and for screened couplings screening (N,).
        """
        wanted = set(outputs)
        track = self.differentiates(wanted)
        with torch.set_grad_enabled(track or training):
            if geometry is None:
                geometry = trace_geometry(graph, track, "stress" in wanted)
            result = self.respond(self.encode(graph, geometry), wanted, training, field=field)
        if training:
            return result
        return {name: tensor.detach() for name, tensor in result.items()}

    def differentiates(self, wanted: Collection[str]) -> bool:
        """Whether any of the outputs is a derivative by displacement or strain."""
        coupled = self.architecture.options.coupling != "independent"
        return bool({"forces", "stress"} & set(wanted)) or (coupled and "bec" in wanted)

    def plan(self, graph: Graph) -> Graph:
        """The same graph with all that depends on it alone made, as `forward` would have it.

        Best on the CPU, in double precision, before the graph goes to the model's device: what
        is made here asks for numbers that steer the program, such as how large a table is.
        """
        elements(graph, len(self.architecture.elements))
        layout(graph)
        coulomb_plan(graph, self.electrostatics.convergence)
        return graph

    def encode(self, graph: Graph, geometry: Geometry) -> Encoded:
        """What the backbone makes of a graph."""
        attributes = elements(graph, len(self.architecture.elements)).attributes
        neighbors = tabulate(graph, geometry.unit)
        features = self.backbone(attributes, geometry.lengths, neighbors)
        return Encoded(graph, geometry, neighbors, features)

    def respond(
        self,
        encoded: Encoded,
        wanted: set[str],
        training: bool,
        keep_graph: bool = False,
        field: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """What the heads make of it; `keep_graph` where other heads will differentiate it."""
        geometry, neighbors, features = encoded.geometry, encoded.neighbors, encoded.features
        transfer, hidden = self.pair_charges(features, neighbors)
        charges = neighbors.antisymmetric_sum(transfer)
        result = {"descriptor": features.scalars, "charges": charges}
        independent = self.architecture.options.coupling == "independent"
        pull = field if {"forces", "stress"} & wanted else None
        if "dipole" in wanted or pull is not None or ("bec" in wanted and not independent):
            result |= self._polarize(encoded, transfer, hidden)
        if "bec" in wanted and independent:
            result["bec"] = self.tensors(features, neighbors)
        elif "bec" in wanted:
            result["bec"] = born_effective_charges(result["dipole"], geometry.leaf, training)
        if {"energy", "forces", "stress"} & wanted:
            work = 0.0 if pull is None else (pull * result["dipole"]).sum(1)
            result |= self._energies(encoded, charges, work, wanted, training, keep_graph)
        return result

    @torch.no_grad()
    def reverse_charges(self) -> None:
        """Turn the sign of all charges, which the energy does not see.

        Screening factors turn too, so that the polarization stays what it was. Where atomic
        dipoles add to it, or the factor is the user's, it cannot stay.
        """
        options = self.architecture.options
        self.pair_charges.scale(-1.0)
        if options.coupling in SCREENED and not isinstance(options.screening, float):
            self.screening.reverse()

    def _energies(
        self,
        encoded: Encoded,
        charges: torch.Tensor,
        work: torch.Tensor | float,
        wanted: set[str],
        training: bool,
        keep_graph: bool,
    ) -> dict[str, torch.Tensor]:
        """Energy (B,) and those of its derivatives that are wanted, less those of a field's `work`.

        While reference charges teach the model's, the Coulomb part enters a loss as a constant:
        errors of energy and forces then train the local part, and leave the charges alone.
        """
        graph, geometry, features = encoded.graph, encoded.geometry, encoded.features
        local = torch.zeros_like(graph.cell[:, 0, 0])
        local = local.index_add(0, graph.frame, self.energy(features))
        pairs = self.pair_energy(features, encoded.neighbors)[:, 0]
        owner = coulomb_plan(graph, self.electrostatics.convergence).owner
        local = local.index_add(0, owner, pairs)
        coulomb = self.electrostatics(graph, charges, geometry)
        if training and self.architecture.options.charges == "reference":
            fixed = energy_derivatives(graph, geometry, coulomb, wanted, keep_graph=True)
            moving = energy_derivatives(graph, geometry, local - work, wanted, training=True)
            result = {name: moving[name] + fixed[name] for name in moving}
            energy = local + coulomb.detach()
        else:
            energy = local + coulomb
            result = energy_derivatives(
                graph, geometry, energy - work, wanted, training, keep_graph
            )
        return result | {"energy": energy.double() + self._baseline(graph)}

    def _polarize(
        self, encoded: Encoded, transfer: torch.Tensor, hidden: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Dipole (B, 3) by `PairCharges`' sum, and screening (N,) where the coupling has it."""
        graph, features = encoded.graph, encoded.features
        coupling = self.architecture.options.coupling
        sender, receiver = graph.edges
        result, atomic = {}, None
        if coupling in SCREENED:
            gamma = self.screening(features)
            ends = gamma.index_select(0, receiver) + gamma.index_select(0, sender)
            transfer = transfer * ends / 2
            result["screening"] = gamma
        elif coupling == "dipolar":
            atomic = self.dipoles(features)
        elif self.architecture.has_own_dipoles:
            along, atomic = self.own_dipoles(features, hidden)
            transfer = transfer + along
        moments = transfer[:, None] * encoded.geometry.vectors
        dipole = moments.new_zeros(len(graph.counts), 3)
        owner = coulomb_plan(graph, self.electrostatics.convergence).owner
        dipole = dipole.index_add(0, owner, moments)
        if atomic is not None:
            dipole = dipole.index_add(0, graph.frame, atomic)
        return result | {"dipole": dipole}

    def _baseline(self, graph: Graph) -> torch.Tensor:
        counts = elements(graph, len(self.architecture.elements)).composition.double()
        total = torch.zeros_like(counts[:, 0])
        for count, energy in zip(counts.unbind(1), self.architecture.baseline, strict=True):
            total = total + energy * count
        return total
