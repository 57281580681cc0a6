"""torch-sim: batches are what frames alone are, and what ASE's calculator says."""

import numpy as np
import pytest
import torch
from tiny_committees import CELL, dimer, make_committee

ts = pytest.importorskip(
    "torch_sim", reason="torch-sim is not installed: pip install 'activecharge[engines]'"
)

from torch_sim.models.interface import validate_model_outputs  # noqa: E402
from torch_sim.units import UnitSystem  # noqa: E402

from activecharge import ChargeCalculator  # noqa: E402
from activecharge.engines.torch_sim_model import TorchSimModel  # noqa: E402
from activecharge.errors import UserError  # noqa: E402

FIELD = (0.3, -0.2, 0.5)
ASKED = ("charges", "born_effective_charges")
# Frames of a batch are summed beside others: rounding of numbers up to 1e3.
NOISE = {"rtol": 1e-11, "atol": 1e-11}


def state(*frames):
    return ts.io.atoms_to_state(list(frames), torch.device("cpu"), torch.float64)


def box(seed: int, scale: float = 1.0):
    frame = dimer(CELL, seed)
    frame.set_cell(scale * frame.cell, scale_atoms=False)
    return frame


@pytest.mark.parametrize("field", [None, FIELD])
@pytest.mark.parametrize("periodic", [False, True])
def test_a_batch_is_its_frames_and_these_are_as_in_ase(dipolar, periodic, field):
    frames = [box(1), box(2, 1.1)[:3], box(3)] if periodic else [dimer(), dimer(seed=2)[:3]]
    model = TorchSimModel(dipolar, outputs=ASKED, field=field)
    together, start = model(state(*frames)), 0
    names = {"energy", "forces", "stress", *ASKED}
    assert set(together) >= names
    for index, frame in enumerate(frames):
        alone = model(state(frame))
        frame.calc = ChargeCalculator(dipolar, field=field)
        atoms = slice(start, start + len(frame))
        for name in names - ({"stress"} if not periodic else set()):
            whole = together[name]
            here = whole[[index]] if name in ("energy", "stress") else whole[atoms]
            np.testing.assert_allclose(here, alone[name], **NOISE)
            if name != "stress":
                ase = frame.calc.get_property(name, frame)
                np.testing.assert_allclose(
                    alone[name].squeeze(0) if name == "energy" else here, ase, **NOISE
                )
            else:
                np.testing.assert_allclose(here[0], frame.get_stress(voigt=False), **NOISE)
        spread = frame.calc.results["forces_std"]
        np.testing.assert_allclose(together["forces_std"][atoms], spread, rtol=1e-9, atol=1e-9)
        start += len(frame)
    assert start == len(together["forces"])


def test_torch_sims_own_check_of_models():
    """On frames of its own, silicon and iron."""
    committee = make_committee("independent", ("Si", "Fe"))
    model = TorchSimModel(committee)
    validate_model_outputs(model, torch.device("cpu"), torch.float64)


def test_what_has_no_potential_is_not_a_number(independent):
    frame = box(1)
    found = TorchSimModel(independent, outputs=ASKED, field=FIELD)(state(frame))
    assert found["energy"].isnan().all() and found["stress"].isnan().all()
    plain = TorchSimModel(independent, outputs=ASKED)(state(frame))
    pull = torch.einsum(
        "iab,a->ib", found["born_effective_charges"], torch.tensor(FIELD, dtype=torch.float64)
    )
    np.testing.assert_allclose(found["forces"], plain["forces"] + pull, **NOISE)


def test_dynamics_of_two_frames_conserve_energy(dipolar):
    """Over 2 fs, to the second order of the step."""
    model = TorchSimModel(dipolar, compute_stress=False)
    unit, begun, changes = UnitSystem.metal, state(dimer(), dimer(seed=2)), []
    for steps in (4, 8):
        start, update = ts.nve(
            model,
            dt=torch.tensor(2e-3 / steps * unit.time, dtype=torch.float64),
            kT=torch.tensor(300 * unit.temperature, dtype=torch.float64),
            seed=3,
        )
        moved = start(begun.clone())
        before = total(moved)
        for _ in range(steps):
            moved = update(moved)
        changes.append((total(moved) - before).abs())
    # Half the step, a quarter of the error; higher orders take a part of it.
    assert (changes[1] < 0.4 * changes[0]).all() and (changes[0] < 0.02).all()


def total(moved) -> torch.Tensor:
    """Energies (B,) with those of motion, eV."""
    squares = moved.momenta.square().sum(1) / (2 * moved.masses)
    return moved.energy.clone().index_add(0, moved.system_idx, squares)


def test_outputs_that_are_not_there(dipolar):
    with pytest.raises(UserError, match="outputs: there is no dipole; choose from charges"):
        TorchSimModel(dipolar, outputs=("dipole",))
