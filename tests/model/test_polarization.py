"""Born effective charges of periodic frames against the unfolded crystal and another method."""

import numpy as np
import pytest
import torch
from ase import Atoms
from model_cases import ELEMENTS, boxed, make_model, predict
from sine_form import sine_form

from activecharge.model.graph import build_graph

COUPLED = ("global", "local", "dipolar")
CUTOFF = 2.2
STEP = 1e-4

CELLS = {
    "orthorhombic": boxed(1, seed=3, cell=[3.1, 3.3, 3.6]),
    # Its shortest height is below twice one cutoff, let alone all those that messages cross.
    "triclinic": boxed(1, seed=4, cell=[[3.2, 0, 0], [0.9, 3.1, 0], [-0.7, 0.8, 3.3]]),
}


def unfolded(cell: Atoms, radius: float) -> tuple[Atoms, int]:
    """A free ball of the crystal around the cell's first atom, and that atom's index."""
    repeats = 2 * int(np.ceil(radius / 2.9)) + 3
    crystal = cell.repeat(repeats)
    centre = len(cell) * (len(crystal) // len(cell) // 2)
    crystal.pbc = False
    near = np.linalg.norm(crystal.positions - crystal.positions[centre], axis=1) < radius
    return crystal[near], int(np.count_nonzero(near[:centre]))


@pytest.mark.parametrize(
    ("coupling", "name", "interactions"),
    [*((coupling, "triclinic", 1) for coupling in COUPLED), ("local", "orthorhombic", 2)],
)
def test_bec_is_the_slope_of_the_unwrapped_polarization(coupling, name, interactions):
    """One atom of the unfolded crystal moves; the ball's first moment answers as Z says."""
    model = make_model(coupling, interactions=interactions, cutoff=CUTOFF)
    # The atom moves pairs up to n + 1 cutoffs away, which see n + 1 further.
    ball, centre = unfolded(CELLS[name], 2 * (interactions + 1) * CUTOFF + 0.1)
    moments = {"dipole": [], "charges": []}
    for axis in range(3):
        frames = [ball.copy(), ball.copy()]
        for frame, sign in zip(frames, (1, -1), strict=True):
            frame.positions[centre, axis] += sign * STEP
        results = [predict(model, frame, outputs=("dipole", "charges")) for frame in frames]
        first, second = (result["dipole"][0].numpy() for result in results)
        moments["dipole"].append((first - second) / (2 * STEP))
        first, second = (
            result["charges"].numpy() @ frame.positions
            for result, frame in zip(results, frames, strict=True)
        )
        moments["charges"].append((first - second) / (2 * STEP))
    bec = predict(model, CELLS[name], outputs=("bec",))["bec"][0].numpy()
    # Central differences err by STEP² f‴/6 = 2e-9 f‴, with f‴ up to some hundreds.
    np.testing.assert_allclose(np.transpose(moments["dipole"]), bec, atol=2e-6, rtol=2e-6)
    if coupling == "global":  # whose polarization is that of its charges, times 0.7
        np.testing.assert_allclose(
            0.7 * np.transpose(moments["charges"]), bec, atol=2e-6, rtol=2e-6
        )
    assert np.abs(bec).max() > 0.02


@pytest.mark.parametrize("name", CELLS)
def test_molecules_cut_by_the_boundary_answer_as_whole_ones(deep_model, name):
    model = deep_model
    whole = CELLS[name]
    cut = whole.copy()
    # Oxygen onto the origin: its hydrogens lie on all sides of the boundary.
    cut.positions -= cut.positions[0]
    cut.wrap()
    assert cut.get_all_distances().max() > 1.5  # bonds of 1 Å, broken by wrapping
    first, second = (predict(model, atoms, outputs=("charges", "bec")) for atoms in (whole, cut))
    for key in ("charges", "bec"):
        torch.testing.assert_close(first[key], second[key], atol=1e-12, rtol=1e-10)


def sine_error(molecules: int) -> float:
    """Error of the sine form relative to the exact Z, root mean square, at water's density."""
    length = (molecules * 29.97) ** (1 / 3)
    spacing = length / np.ceil(molecules ** (1 / 3))
    atoms = boxed(molecules, seed=1, cell=[length] * 3, spacing=spacing)
    model = make_model("global", cutoff=5.0, coulomb_exclusion=3.0)
    graph = build_graph(atoms, ELEMENTS, 5.0)
    exact = model(graph, ("bec",))["bec"] / model.screening.value.detach()
    return float((sine_form(model, graph) - exact).norm() / exact.norm())


def test_the_sine_form_of_the_polarization_is_off():
    """Sines stand for the distances over which charge flows; they err as their square over L².

    With random weights charge flows further than in water, so the error is larger than there.
    """
    small, large = sine_error(64), sine_error(216)
    assert 0.1 < large < small
    # Terms in 1/L⁴ add a few per cent.
    assert small / large == pytest.approx((216 / 64) ** (2 / 3), rel=0.2)
