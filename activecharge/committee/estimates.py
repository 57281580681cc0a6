"""Where means and spreads come from: many models, or one that knows its last layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from activecharge.committee.disagreement import spread
from activecharge.committee.uniform_field import UniformField
from activecharge.model.geometry import trace_geometry
from activecharge.model.graph import Graph
from activecharge.model.last_layer import LastLayer
from activecharge.model.network import ChargeModel
from activecharge.model.shared import SharedBackbone, have_one_backbone
from activecharge.properties import LATENT_CHARGES, PROPERTIES, QUANTITIES


@dataclass(frozen=True)
class Estimate:
    """What is said of a batch of B frames with N atoms.

    Attributes
    ----------
    mean : dict of str to numpy.ndarray
        (N, ...) or (B, ...) by property name.
    std : dict of str to numpy.ndarray
        (N,) or (B,), for those properties whose spread is known.
    invariants : numpy.ndarray
        (N, D) invariant features of the atoms.
    """

    mean: dict[str, np.ndarray]
    std: dict[str, np.ndarray]
    invariants: np.ndarray

    def of_frame(self, frame: int, atoms: slice, periodic: bool) -> "Estimate":
        """The part of one frame; periodic ones have no dipole, free ones no stress."""

        def part(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {
                name: array[atoms] if QUANTITIES[name].per_atom else array[frame]
                for name, array in values.items()
                if name != ("dipole" if periodic else "stress")
            }

        return Estimate(part(self.mean), part(self.std), self.invariants[atoms])


class Source(Protocol):
    """Anything that estimates properties with spreads."""

    def __call__(
        self, graph: Graph, wanted: set[str], field: UniformField | None = None
    ) -> Estimate:
        """Estimate what is `wanted`, by `activecharge.properties.QUANTITIES`, of a batch, without
        or in a field."""


class Members:
    """Mean and spread over models; a backbone that all of them share is passed once."""

    def __init__(self, models: Sequence[ChargeModel]):
        self._models = models
        self._shared = SharedBackbone(models) if have_one_backbone(models) else None

    def __call__(
        self, graph: Graph, wanted: set[str], field: UniformField | None = None
    ) -> Estimate:
        """See `Source`."""
        asked = _asked(wanted)
        outputs, pull = set(asked.values()), None
        if field is not None:
            outputs, pull = field.asked(outputs), field.pull(graph)
        if self._shared:
            results = self._shared(graph, [outputs] * len(self._models), field=pull)
        else:
            results = [model(graph, outputs, field=pull) for model in self._models]
        if field is not None:
            results = [field.applied(result, graph) for result in results]
        samples = {
            name: _numpy(torch.stack([r[output] for r in results]))
            for name, output in asked.items()
        }
        return Estimate(
            mean={name: values.mean(axis=0) for name, values in samples.items()},
            std={name: spread(values, name) for name, values in samples.items()},
            invariants=_numpy(results[0]["descriptor"]),
        )


class Network:
    """The predictions of one model, spread by the covariance of its last layers' weights."""

    def __init__(self, model: ChargeModel, last_layer: LastLayer):
        self._model, self._last_layer = model, last_layer

    def __call__(
        self, graph: Graph, wanted: set[str], field: UniformField | None = None
    ) -> Estimate:
        """See `Source`."""
        model, asked = self._model, _asked(wanted)
        outputs, pull = set(asked.values()), None
        if field is not None:
            outputs, pull = field.asked(outputs), field.pull(graph)
        track = model.differentiates(wanted)
        with torch.set_grad_enabled(track):
            encoded = model.encode(graph, trace_geometry(graph, track, "stress" in wanted))
            # Responses free the graph they were differentiated by; values remain.
            found = model.respond(encoded, outputs, training=False, field=pull)
        if field is not None:
            found = field.applied(found, graph)
        with torch.no_grad():
            std = {
                name: _numpy(self._last_layer.std(model, encoded, name))
                for name in PROPERTIES
                if name in wanted and name in self._last_layer.factors
            }
        mean = {name: _numpy(found[output].detach()) for name, output in asked.items()}
        return Estimate(mean, std, _numpy(found["descriptor"].detach()))


def _asked(wanted: set[str]) -> dict[str, str]:
    """The model's output behind each quantity that is wanted, in the order of `QUANTITIES`."""
    return {
        name: "charges" if name == LATENT_CHARGES else name for name in QUANTITIES if name in wanted
    }


def _numpy(values: torch.Tensor) -> np.ndarray:
    return values.double().cpu().numpy()
