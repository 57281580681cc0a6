"""What a model says in a uniform electric field ℰ: forces F_ib + Σ_a Z_iab ℰ_a, energy E − ℰ·P.

With the couplings whose Z is the slope of the polarization P, all follow from E − ℰ·P, by one
derivative as without a field. P is written in edge vectors, so this holds in cells, too. With the
independent coupling Z has a head of its own, and nothing of which it is the slope: there are
forces, and no energy or stress.

Atoms do not polarize further by the field: charges, dipole and Z are those without it.
"""

from collections.abc import Collection, Sequence

import numpy as np
import torch

from activecharge.errors import UserError
from activecharge.model.graph import Graph
from activecharge.model.model_options import ModelOptions

NO_POTENTIAL = frozenset(("energy", "stress"))
"""What forces in a field that are no derivatives leave without meaning."""


class UniformField:
    """A field that is the same everywhere.

    Parameters
    ----------
    vector : sequence of 3 floats
        V/Å.
    options : ModelOptions
        Of the model that it acts on.

    Raises
    ------
    UserError
        If it is no such vector.
    """

    def __init__(self, vector: Sequence[float] | np.ndarray, options: ModelOptions):
        try:
            self.vector = np.array(vector, dtype=float)
        except (TypeError, ValueError):
            self.vector = np.empty(0)
        if self.vector.shape != (3,) or not np.isfinite(self.vector).all():
            raise UserError(f"field {vector}: must be three finite numbers in V/Å, as (0, 0, 0.1)")
        self._by_slope = options.coupling != "independent"

    def offered(self, offers: Collection[str]) -> frozenset[str]:
        """Those of the properties that a model offers that it also offers in a field.

        Raises
        ------
        UserError
            If no label taught it Born effective charges.
        """
        if "bec" not in offers:
            raise UserError(
                "field: it acts through Born effective charges, and no label has taught them to "
                "this committee; train it on labels that have them, with training.weights.bec "
                "above 0"
            )
        return frozenset(offers) if self._by_slope else frozenset(offers) - NO_POTENTIAL

    def asked(self, outputs: Collection[str]) -> set[str]:
        """What a model must be asked for, so that `applied` knows these outputs."""
        asked = set(outputs)
        if not self._by_slope and "forces" in asked:
            asked.add("bec")
        if self._by_slope and "energy" in asked:
            asked.add("dipole")
        return asked

    def pull(self, graph: Graph) -> torch.Tensor | None:
        """The fields (B, 3) that the model itself differentiates in, None for no derivative."""
        return self._like(graph).expand(len(graph.counts), 3) if self._by_slope else None

    def applied(self, outputs: dict[str, torch.Tensor], graph: Graph) -> dict[str, torch.Tensor]:
        """A model's outputs, taken with `pull`, as they are in the field."""
        changed = dict(outputs)
        if not self._by_slope and "forces" in outputs:
            push = torch.einsum("a,nab->nb", self._like(graph), outputs["bec"])
            changed["forces"] = outputs["forces"] + push
        if self._by_slope and "energy" in outputs:
            work = outputs["dipole"].double() @ self._like(graph).double()
            changed["energy"] = outputs["energy"] - work
        return changed

    def _like(self, graph: Graph) -> torch.Tensor:
        return torch.tensor(self.vector, dtype=graph.cell.dtype, device=graph.cell.device)


def why_no_potential(name: str) -> str:
    """Why there is no energy or stress in a field, in a sentence."""
    return (
        f"no {name} in a field: with the independent coupling, Z is no slope of a polarization, so "
        "that forces in a field have no potential; take forces alone, or a committee of another "
        "coupling"
    )
