"""Responses of energy and polarization to displacements and strain, by differentiation."""

import torch

from activecharge.model.geometry import Geometry
from activecharge.model.graph import Graph


def energy_derivatives(
    graph: Graph,
    geometry: Geometry,
    energy: torch.Tensor,
    wanted: set[str],
    training: bool = False,
    keep_graph: bool = False,
) -> dict[str, torch.Tensor]:
    """Forces −∂E/∂R and stress ∂E/∂ε / V, those of them that are wanted.

    Parameters
    ----------
    graph : Graph
    geometry : Geometry
        Whose `leaf` and `strain` the energy was computed from.
    energy : (B,) eV
    wanted : set of str
        Those of forces and stress to compute; other names are ignored.
    training : bool
        Whether the results will be differentiated again.
    keep_graph : bool
        Whether something else that led to the energy will be differentiated later.

    Returns
    -------
    dict of str to torch.Tensor
        forces (N, 3) eV/Å; stress (B, 3, 3) eV/Å³, NaN for free frames.
    """
    leaves = {"forces": geometry.leaf, "stress": geometry.strain}
    names = [name for name in leaves if name in wanted]
    if not names:
        return {}
    gradients = torch.autograd.grad(
        energy.sum(),
        [leaves[name] for name in names],
        create_graph=training,
        retain_graph=training or keep_graph,
    )
    result = dict(zip(names, gradients, strict=True))
    if "forces" in result:
        result["forces"] = -result["forces"]
    if "stress" in result:
        result["stress"] = _by_volume(graph, result["stress"])
    return result


def _by_volume(graph: Graph, slopes: torch.Tensor) -> torch.Tensor:
    """Slopes ∂E/∂ε (B, 3, 3) over the cells' volumes, NaN for free frames."""
    free = ~graph.periodic
    volume = torch.linalg.det(graph.cell).abs().masked_fill(free, 1.0)
    stress = slopes / volume[:, None, None]
    # Filled in last: a NaN inside the quotient would reach every weight's gradient.
    return stress.masked_fill(free[:, None, None], torch.nan)


def born_effective_charges(
    dipole: torch.Tensor, displacements: torch.Tensor, training: bool
) -> torch.Tensor:
    """Z[i, a, b] = ∂P_a/∂R_ib by three vector–Jacobian products.

    Parameters
    ----------
    dipole : (B, 3) e·Å
    displacements : (N, 3) Å
        Leaf that `dipole` was computed from; frames do not see each other.
    training : bool
        Whether the result will be differentiated again.

    Returns
    -------
    torch.Tensor
        (N, 3, 3) e.
    """
    total = dipole.sum(0)
    rows = [
        torch.autograd.grad(total[a], displacements, create_graph=training, retain_graph=True)[0]
        for a in range(3)
    ]
    return torch.stack(rows, dim=1)
