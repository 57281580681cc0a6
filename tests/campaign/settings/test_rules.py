"""What may be asked of each source of uncertainty."""

import pytest

from activecharge.campaign.settings.rules import outputs
from activecharge.errors import UserError
from activecharge.properties import PROPERTIES

LAST = "training: {uncertainty: last_layer}\n"
NO_ENERGIES = "training: {weights: {energy: 0, forces: 0, stress: 0}}\n"


@pytest.mark.parametrize(
    "text, message",
    [
        (
            "training: {uncertainty: magic}",
            "training.uncertainty: input should be 'committee', 'heads' or 'last_layer'",
        ),
        (
            LAST + "model: {coupling: local}",
            "training: uncertainty last_layer needs Born effective",
        ),
        (
            LAST + "selection: {weights: {forces: 1}}",
            "selection: weights.forces needs the spread of forces, which training.uncertainty "
            "last_layer does not give; remove it, or choose heads or committee",
        ),
        (LAST + "selection: {threshold: {energy: 1}}", "selection: threshold.energy needs"),
        (LAST + "stop: {expected: {forces: 1}}", "stop: expected.forces needs the spread"),
        (
            LAST + "explore: [{kind: dynamics, bias: {}}]",
            "explore: a dynamics source has a bias, which climbs the disagreement of members",
        ),
        (
            NO_ENERGIES + "selection: {weights: {forces: 1}}",
            "selection: weights.forces needs predictions of forces, but training.weights of "
            "energy, forces and stress are all 0; remove it, or set one of them",
        ),
        (NO_ENERGIES + "selection: {threshold: {energy: 1}}", "threshold.energy needs predictions"),
        (NO_ENERGIES + "stop: {target: {forces: 1}}", "stop: target.forces needs predictions"),
        (NO_ENERGIES + "stop: {expected: {energy: 1}}", "stop: expected.energy needs predictions"),
        (
            "training: {weights: {energy: 0}}\nselection: {weights: {energy: 1}}",
            "weights.energy needs predictions of energy, but training.weights.energy is 0; remove",
        ),
        (
            "model: {charges: latent}\nstop: {target: {charges: 0.01}}",
            "stop: target.charges needs errors of the charges, which latent ones have not; remove",
        ),
        (NO_ENERGIES + "explore: [{kind: dynamics}]", "explore: dynamics needs forces, but"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(campaign, text, message):
    with pytest.raises(UserError) as caught:
        campaign(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        LAST + "selection: {weights: {bec: 2}, threshold: {charges: 0.1}}",
        LAST + "stop: {target: {forces: 0.1}, expected: {bec: 0.1}}",
        "training: {uncertainty: heads}\nmodel: {coupling: local, charges: latent}",
        LAST + "model: {charges: latent}",
    ],
)
def test_what_fits_is_taken(campaign, text):
    assert campaign(text).training.uncertainty in ("heads", "last_layer")


def test_energies_and_forces_are_predicted_where_they_are_taught(campaign):
    assert outputs(campaign().training) == tuple(PROPERTIES)
    assert outputs(campaign(NO_ENERGIES).training) == ("charges", "dipole", "bec")
    one = campaign("training: {weights: {energy: 0.1, forces: 0, stress: 0}}")
    assert outputs(one.training) == tuple(PROPERTIES)
    forces = campaign("training: {weights: {energy: 0}}")  # which leave out a constant
    assert outputs(forces.training) == tuple(n for n in PROPERTIES if n != "energy")
