"""Which element each atom is of, as the network reads it."""

from dataclasses import dataclass

import torch

from activecharge.model.graph import Graph
from activecharge.model.space.moving import moved


@dataclass(frozen=True)
class Elements:
    """Elements of a graph's atoms, of Z that a model knows.

    Attributes
    ----------
    attributes : (N, Z)
        One-hot.
    composition : (B, Z)
        Atoms of each element in each frame.
    """

    attributes: torch.Tensor
    composition: torch.Tensor

    def to(self, device: torch.device | str, dtype: torch.dtype) -> "Elements":
        """Copy onto a device in `dtype`."""
        return moved(self, device, dtype)


def elements(graph: Graph, known: int) -> Elements:
    """Those of a graph, found once."""
    return graph.kept(Elements, known, lambda: _elements(graph, known))


def _elements(graph: Graph, known: int) -> Elements:
    attributes = torch.nn.functional.one_hot(graph.species, known).to(graph.cell.dtype)
    composition = attributes.new_zeros(len(graph.counts), known)
    return Elements(attributes, composition.index_add(0, graph.frame, attributes))
