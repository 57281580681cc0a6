"""Nothing jumps at the cutoff, and far fragments feel each other through charges alone."""

import numpy as np
import pytest
import torch
from ase import Atoms
from model_cases import COUPLINGS, CUTOFF, coulomb_energy, make_model, predict, waters


def approach(inside: float) -> Atoms:
    """A hydrogen whose distance from an oxygen lies `inside` Å within the cutoff.

    The molecule's own hydrogens point away, so only this one pair crosses.
    """
    return Atoms("OH2H", [[0, 0, 0], [-0.6, 0.75, 0.1], [-0.6, -0.75, 0], [CUTOFF - inside, 0, 0]])


def response(model, inside):
    """What the far hydrogen changes, by output; the energy without its Coulomb part."""
    near, far = approach(inside), approach(-0.5)
    results = [predict(model, atoms) for atoms in (near, far)]
    changes = {
        name: (results[0][name] - results[1][name]).abs().max() for name in ("charges", "bec")
    }
    changes["energy"] = abs(
        float(results[0]["energy"] - results[1]["energy"])
        - coulomb_energy(model, near)
        + coulomb_energy(model, far)
    )
    return {name: float(value) for name, value in changes.items()}


def test_outputs_vanish_smoothly_at_the_cutoff(model):
    """Pair functions end with their envelope as d³, d being the distance left to the cutoff.

    Derivatives end one power lower.
    """
    step = 0.02
    outer, inner = response(model, step), response(model, 2 * step)
    coupled = model.architecture.options.coupling != "independent"
    for name, order in {"energy": 3, "charges": 3, "bec": 2 if coupled else 3}.items():
        assert inner[name] > 0
        # Higher powers of d change the ratio by some d/cutoff·10 = 5 %.
        assert inner[name] / outer[name] == pytest.approx(2**order, rel=0.15), name


def test_forces_are_continuous_across_the_cutoff(model):
    inside, outside = (
        predict(model, approach(step), outputs=("forces",))["forces"] for step in (1e-6, -1e-6)
    )
    # The short-ranged force vanishes as d² = 1e-12; far hydrogens carry no charge.
    torch.testing.assert_close(inside, outside, atol=1e-9, rtol=0)


def test_nothing_is_seen_beyond_the_cutoff(model):
    alone = approach(-0.5)[:3]
    pair = predict(model, approach(-0.1))
    single = predict(model, alone)
    for name in ("charges", "bec", "forces"):
        torch.testing.assert_close(pair[name][:3], single[name], atol=1e-12, rtol=0)
        assert pair[name][3].abs().max() < 1e-12


@pytest.mark.parametrize(
    ("coupling", "interactions"), [*((name, 1) for name in COUPLINGS), ("local", 2)]
)
def test_far_fragments_add_up_but_for_coulomb(coupling, interactions):
    model = make_model(coupling, interactions=interactions)
    first, second = waters(1, seed=1), waters(2, seed=2)
    alone = [predict(model, atoms) for atoms in (first, second)]
    interaction = []
    for distance in (30.0, 60.0):
        apart = second.copy()
        apart.positions += [distance, 0.0, 0.0]
        both = first + apart
        together = predict(model, both)
        for name in ("charges", "bec"):
            parts = torch.cat([result[name] for result in alone])
            torch.testing.assert_close(together[name], parts, atol=1e-12, rtol=0)
        coulomb = coulomb_energy(model, both) - sum(
            coulomb_energy(model, atoms) for atoms in (first, second)
        )
        energy = float(together["energy"]) - sum(float(result["energy"]) for result in alone)
        # Energies of 1e4 eV (the elements' baselines) leave 1e-11 eV of double precision.
        assert energy == pytest.approx(coulomb, abs=1e-9)
        interaction.append(coulomb)
    # Neutral fragments: dipole–dipole, 1/R³; quadrupoles of fragments of 3 Å add 3/30.
    assert interaction[0] / interaction[1] == pytest.approx(8, rel=0.3)
    assert np.abs(interaction[0]) > 1e-6
