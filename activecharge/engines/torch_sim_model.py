"""A committee as a model of torch-sim, which moves many frames in one batch.

torch-sim: Cohen, Riebesell et al., AI Sci. 1, 025003 (2025), https://doi.org/10.1088/3050-287X/ae1799
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from ase import Atoms

from activecharge.committee.committee import Committee
from activecharge.engines.answers import Answers
from activecharge.errors import UserError
from activecharge.model.space.kept_pairs import SKIN
from activecharge.properties import LATENT_CHARGES, QUANTITIES

try:
    from torch_sim.models.interface import ModelInterface
except ImportError as error:
    raise UserError(
        "torch-sim is not installed: pip install 'activecharge[engines]' (Python 3.11 or newer)"
    ) from error

if TYPE_CHECKING:
    from torch_sim.state import SimState

_THEIRS = {"bec": "born_effective_charges"}
"""Where the name of an output is not ours."""


class TorchSimModel(ModelInterface):
    """Energies, forces, stress, charges and Born effective charges of batched frames.

    Outputs, in double precision: energy (B,) eV; forces (N, 3) eV/Å; stress (B, 3, 3) eV/Å³, NaN
    for free frames; and of `outputs` what the committee offers: charges or latent_charges (N,) e,
    born_effective_charges (N, 3, 3) e, [polarization, displacement]. The spread of each comes as
    `<name>_std`, (N,) or (B,). In a field with the independent coupling there is no energy and no
    stress, see `activecharge.committee.uniform_field`: they are NaN there, and dynamics go on.

    Parameters
    ----------
    committee, device, member, field, skin
        See `activecharge.engines.answers.Answers`.
    outputs : collection of str
        Any of charges, latent_charges, born_effective_charges.
    compute_stress : bool
        Whether to, at the cost of a part of the forces'.

    Raises
    ------
    UserError
        If there is no such committee, member or output, or the field cannot act.
    """

    def __init__(
        self,
        committee: Committee | Path | str,
        device: str | torch.device = "cpu",
        *,
        outputs: Collection[str] = ("charges", LATENT_CHARGES),
        compute_stress: bool = True,
        member: int | None = None,
        field: Sequence[float] | np.ndarray | None = None,
        skin: float = SKIN,
    ):
        super().__init__()
        known = {"charges": "charges", LATENT_CHARGES: LATENT_CHARGES}
        known |= {theirs: ours for ours, theirs in _THEIRS.items()}
        if unknown := set(outputs) - set(known):
            raise UserError(
                f"outputs: there is no {', '.join(sorted(unknown))}; choose from {', '.join(known)}"
            )
        asked = {"energy", *(known[name] for name in outputs)}
        if compute_stress:
            asked.add("stress")
        self._answers = Answers(committee, asked, str(device), member, field, skin)
        self._device, self._dtype = torch.device(device), torch.float64
        self._compute_forces, self._compute_stress = True, compute_stress
        self._memory_scales_with = "n_atoms_x_density"

    def forward(self, state: "SimState", **_: object) -> dict[str, torch.Tensor]:
        """Outputs of a state, whose tensors are left as they are."""
        said = self._answers(_frames(state))
        found = {
            _THEIRS.get(name, name): self._joined(name, [one.mean[name] for one in said])
            for name in said[0].mean
            if name != "dipole"
        }
        found |= {
            f"{_THEIRS.get(name, name)}_std": self._joined(name, [one.std[name] for one in said])
            for name in said[0].std
            if name != "dipole"
        }
        missing = torch.full((len(said), 3, 3), torch.nan, dtype=self._dtype, device=self._device)
        found.setdefault("energy", missing[:, 0, 0])
        if self._compute_stress:
            found.setdefault("stress", missing)
        return found

    def _joined(self, name: str, values: Sequence[np.ndarray]) -> torch.Tensor:
        join = np.concatenate if QUANTITIES[name].per_atom else np.stack
        return torch.tensor(join(values), dtype=self._dtype, device=self._device)


def _frames(state: "SimState") -> list[Atoms]:
    """The frames of a state, whose cells have the lattice vectors as columns."""
    positions, cells, numbers, frame = (
        tensor.detach().cpu().numpy()
        for tensor in (state.positions, state.cell, state.atomic_numbers, state.system_idx)
    )
    # One truth value, or one along each axis.
    periodic = torch.as_tensor(state.pbc).tolist()
    return [
        Atoms(
            numbers=numbers[frame == index],
            positions=positions[frame == index],
            cell=cell.T,
            pbc=periodic,
        )
        for index, cell in enumerate(cells)
    ]
