"""Models with one backbone: a pass through it serves the heads of all of them."""

import copy
from collections.abc import Collection, Sequence

import torch
from torch import nn

from activecharge.model.geometry import trace_geometry
from activecharge.model.graph import Graph
from activecharge.model.network import ChargeModel


class SharedBackbone(nn.Module):
    """K models that have the backbone of the first and heads of their own.

    Each of `models` stays a whole model, which can be asked, changed and saved by itself.

    Parameters
    ----------
    models : sequence of ChargeModel
        Of one architecture; they are given the first one's backbone.
    """

    def __init__(self, models: Sequence[ChargeModel]):
        super().__init__()
        self._models = nn.ModuleList(models)
        for model in models:
            model.backbone = models[0].backbone

    @property
    def models(self) -> list[ChargeModel]:
        """The K models."""
        return [model for model in self._models if isinstance(model, ChargeModel)]

    def __deepcopy__(self, memo: dict) -> "SharedBackbone":
        """New models of equal weights that share a new backbone."""
        copied = SharedBackbone([copy.deepcopy(model, memo) for model in self.models])
        memo[id(self)] = copied
        return copied.train(self.training)

    def forward(
        self,
        graph: Graph,
        outputs: Sequence[Collection[str]],
        training: bool = False,
        field: torch.Tensor | None = None,
    ) -> list[dict[str, torch.Tensor]]:
        """Predictions of each model.

        Parameters
        ----------
        graph : Graph
        outputs : sequence of collection of str
            What to ask each of the K models for, as in `ChargeModel.forward`.
        training, field
            As there.

        Returns
        -------
        list of dict of str to torch.Tensor
            As there, one for each model.
        """
        first = self.models[0]
        every = set().union(*outputs)
        track = first.differentiates(every)
        with torch.set_grad_enabled(track or training):
            encoded = first.encode(graph, trace_geometry(graph, track, "stress" in every))
            results = [
                # Each differentiates the common part anew.
                model.respond(encoded, set(wanted), training, keep_graph=True, field=field)
                for model, wanted in zip(self.models, outputs, strict=True)
            ]
        if training:
            return results
        return [{name: tensor.detach() for name, tensor in r.items()} for r in results]


def have_one_backbone(models: Sequence[ChargeModel]) -> bool:
    """Whether the backbones of all models, of one architecture, are equal bit by bit."""
    first, *others = [model.backbone.state_dict() for model in models]
    return all(
        torch.equal(tensor, other[name]) for other in others for name, tensor in first.items()
    )
