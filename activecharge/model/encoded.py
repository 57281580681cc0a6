"""What a backbone hands to the heads."""

from dataclasses import dataclass

from activecharge.model.backbone import Features
from activecharge.model.geometry import Geometry
from activecharge.model.graph import Graph
from activecharge.model.neighbors import Neighbors


@dataclass(frozen=True)
class Encoded:
    """Frames as a backbone sees them; heads read nothing else.

    Attributes
    ----------
    graph : Graph
    geometry : Geometry
    neighbors : Neighbors
    features : Features
    """

    graph: Graph
    geometry: Geometry
    neighbors: Neighbors
    features: Features
