"""Forces, stress and Born effective charges are the derivatives that they claim to be."""

import copy

import numpy as np
import pytest
import torch
from model_cases import CUTOFF, ELEMENTS, FRAMES, boxed, make_model, moved, predict

from activecharge.model.graph import build_graph, join

STEP = 1e-4
# Central differences err by STEP² f‴/6 ≈ 2e-9 f‴, with f‴ up to some hundreds for these
# wiggly random models; rounding, 1e-12 eV/STEP, is smaller.
TOLERANCE = 2e-6


def displaced(model, atoms, output):
    """d output / dR by central differences, (N, 3, ...)."""
    frames = [
        moved(atoms, index, axis, sign * STEP)
        for index in range(len(atoms))
        for axis in range(3)
        for sign in (1, -1)
    ]
    values = predict(model, *frames, outputs=(output,))[output]
    values = values.reshape(len(atoms), 3, 2, *values.shape[1:])
    return (values[:, :, 0] - values[:, :, 1]) / (2 * STEP)


def check_forces_and_bec(model, atoms):
    predicted = predict(model, atoms)
    torch.testing.assert_close(
        predicted["forces"], -displaced(model, atoms, "energy"), atol=TOLERANCE, rtol=TOLERANCE
    )
    if model.architecture.options.coupling != "independent":
        # [i, displacement, polarization] -> [i, polarization, displacement]
        bec = displaced(model, atoms, "dipole").mT
        torch.testing.assert_close(predicted["bec"], bec, atol=TOLERANCE, rtol=TOLERANCE)
        assert bec.abs().max() > 0.02


def test_forces_and_bec(model, frame):
    check_forces_and_bec(model, frame)


def test_forces_and_bec_beyond_one_interaction(deep_model):
    check_forces_and_bec(deep_model, FRAMES["triclinic"])


def test_stress(model, periodic):
    stress = predict(model, periodic)["stress"][0].numpy()
    numeric = np.zeros((3, 3))
    for a, b in np.ndindex(3, 3):
        strained = []
        for sign in (1, -1):
            strain = np.zeros((3, 3))
            strain[a, b] += sign * STEP / 2
            strain[b, a] += sign * STEP / 2
            copy = periodic.copy()
            copy.set_cell(periodic.cell.array @ (np.eye(3) + strain), scale_atoms=True)
            strained.append(copy)
        energy = predict(model, *strained, outputs=("energy",))["energy"]
        numeric[a, b] = float(energy[0] - energy[1]) / (2 * STEP) / periodic.cell.volume
    # Besides the differences' own error, wave vectors that leave the Ewald sphere make steps
    # of 1e-9 eV in the energy.
    np.testing.assert_allclose(stress, numeric, atol=1e-6, rtol=1e-5)
    np.testing.assert_allclose(stress, stress.T, atol=1e-12)
    assert np.abs(stress).max() > 0.01


def test_free_frames_have_no_stress(model):
    free = boxed(1, seed=1, cell=[9, 9, 9])
    free.pbc = False
    assert torch.isnan(predict(model, free)["stress"]).all()


def test_periodic_charges_and_bec_are_those_of_the_unfolded_crystal():
    """A single atom moved in a huge cluster answers as its sublattice does in the cell.

    Other couplings: `test_polarization.py`.
    """
    short = make_model("independent", cutoff=2.5)
    cell = boxed(1, seed=4, cell=[[3.2, 0, 0], [0.5, 3.1, 0], [-0.4, 0.6, 3.3]])
    # An atom moves pair charges up to two cutoffs away, which see one cutoff further: three
    # cutoffs, 7.5 Å, within three cells on each side.
    cluster = cell.repeat(7)
    cluster.pbc = False
    centre = slice(3 * 171, 3 * 172)
    inside, whole = (predict(short, atoms, outputs=("charges", "bec")) for atoms in (cell, cluster))
    for name in ("charges", "bec"):
        # Sums of the same numbers in another order.
        torch.testing.assert_close(inside[name], whole[name][centre], atol=1e-12, rtol=1e-10)


@pytest.mark.parametrize("coupling", ["independent", "local"])
def test_losses_on_derivatives_reach_the_weights(coupling):
    """d/dθ of a loss on forces and Z, along a random direction, by central differences."""
    model = copy.deepcopy(make_model(coupling, charges="latent"))
    frames = [FRAMES["free"], FRAMES["triclinic"]]
    graph = join([build_graph(atoms, ELEMENTS, CUTOFF) for atoms in frames])
    weights = [model.pair_charges.pair.last.weight, model.energy.last.weight]
    torch.manual_seed(0)
    direction = [torch.randn_like(weight) for weight in weights]

    def loss(training):
        result = model(graph, ("forces", "bec", "charges"), training=training)
        return sum(result[key].square().sum() for key in ("forces", "bec", "charges"))

    gradients = torch.autograd.grad(loss(True), weights)
    slope = sum((g * d).sum() for g, d in zip(gradients, direction, strict=True))
    values = []
    for step in (STEP, -2 * STEP):
        with torch.no_grad():
            for weight, d in zip(weights, direction, strict=True):
                weight += step * d
        values.append(float(loss(False)))
    # The loss is a polynomial of these last-layer weights: only STEP² is left of the error.
    assert float(slope) == pytest.approx((values[0] - values[1]) / (2 * STEP), rel=1e-5)


def test_reference_charges_are_not_bent_by_forces(model):
    """Where reference charges teach, losses on energy and forces train the local energy alone."""
    model = copy.deepcopy(model)
    graph = join([build_graph(FRAMES[name], ELEMENTS, CUTOFF) for name in ("free", "triclinic")])
    outputs = ("energy", "forces", "stress")
    taught, plain = model(graph, outputs, training=True), model(graph, outputs)
    for name in outputs:
        # The same numbers, local and Coulomb parts being differentiated one after the other.
        torch.testing.assert_close(taught[name], plain[name], atol=1e-9, rtol=1e-9, equal_nan=True)
    (taught["energy"].sum() + taught["forces"].square().sum()).backward()
    assert model.energy.last.weight.grad.any()
    assert all(p.grad is None or not p.grad.any() for p in model.pair_charges.parameters())
