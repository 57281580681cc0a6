"""Coulomb sums reach the accuracy that was asked for, in every kind of cell."""

import functools

import numpy as np
import pytest
import torch
from ase import Atoms
from model_cases import boxed

from activecharge.model.coulomb.convergence import converge
from activecharge.model.coulomb.electrostatics import Electrostatics
from activecharge.model.coulomb.reciprocal import mesh_size, reciprocal, wave_steps
from activecharge.model.coulomb.splitting import Split
from activecharge.model.geometry import trace_geometry
from activecharge.model.graph import build_graph, summed_by
from activecharge.model.model_options import ModelOptions

DEFAULT = ModelOptions()

CELLS = {
    "small": boxed(8, seed=1, cell=[6.2, 6.2, 6.2], spacing=3.0),
    "cubic": boxed(64, seed=2, cell=[12.4, 12.4, 12.4], spacing=3.1),
    "oblong": boxed(24, seed=3, cell=[9.3, 9.3, 26.0], spacing=3.1),
    "skewed": boxed(27, seed=4, cell=[[9.3, 0, 0], [3.8, 9.1, 0], [-3.6, 3.1, 8.9]], spacing=3.1),
    "single": boxed(1, seed=5, cell=[14.0, 14.0, 14.0]),
}


def coulomb(atoms: Atoms, cutoff: float, accuracy: float, exclusion: float, dtype, split):
    """Energy and forces of water's charges."""
    graph = build_graph(atoms, ["H", "O"], cutoff)
    graph = summed_by(graph, split, cutoff).to("cpu", dtype)
    geometry = trace_geometry(graph, displacement=True, strain=False)
    charges = torch.tensor(np.where(atoms.symbols == "O", -0.8, 0.4), dtype=dtype)
    energy = Electrostatics(cutoff, exclusion, accuracy).to(dtype)(graph, charges, geometry)
    (gradient,) = torch.autograd.grad(energy.sum(), geometry.leaf)
    return energy.item(), -gradient.double()


SPLITS = {
    "waves": Split(),
    "mesh": Split(meshed=True),
    "wide waves": Split(2.0),
    "wide mesh": Split(2**0.5, meshed=True),
}


@functools.cache
def tight(name: str, exclusion: float):
    """Ewald sums in double precision with tails of 1e-9."""
    return coulomb(CELLS[name], 8.0, 1e-9, exclusion, torch.float64, Split())


@pytest.mark.parametrize("method", SPLITS)
@pytest.mark.parametrize("name", CELLS)
def test_default_forces_are_within_the_accuracy_in_single_precision(name, method):
    atoms, exclusion, accuracy = CELLS[name], DEFAULT.coulomb_exclusion, DEFAULT.coulomb_accuracy
    energy, forces = tight(name, exclusion)
    found = coulomb(atoms, DEFAULT.cutoff, accuracy, exclusion, torch.float32, SPLITS[method])
    assert accuracy == 1e-4
    assert float((found[1] - forces).norm() / forces.norm()) < 1e-4
    # In energy, a hundredth of what counts as an error per atom.
    assert abs(found[0] - energy) / len(atoms) < 5e-5


@pytest.mark.parametrize("method", SPLITS)
@pytest.mark.parametrize("accuracy", [1e-3, 1e-5, 1e-6])
@pytest.mark.parametrize("exclusion", [0.0, 3.0])
def test_other_accuracies_are_reached_and_not_overdone(accuracy, exclusion, method):
    _, forces = tight("skewed", exclusion)
    _, found = coulomb(CELLS["skewed"], 5.0, accuracy, exclusion, torch.float64, SPLITS[method])
    error = float((found - forces).norm() / forces.norm())
    # Water's bare forces are five times those of the estimate, with near pairs faded out they
    # are as large.
    assert accuracy / 100 < error < accuracy


def test_the_description_states_every_parameter():
    text = str(converge(5.0, 1e-4))
    for part in ("0.0001", "5 Å", "1.05 Å", "4.52/Å", "0.317 Å"):
        assert part in text


@pytest.mark.parametrize("least", [1, 9.5, 10, 11, 33, 65, 129.2, 500])
def test_meshes_have_fast_sizes_close_to_those_needed(least):
    size = mesh_size(least)
    rest = size
    for prime in (2, 3, 5):
        while rest % prime == 0:
            rest //= prime
    assert rest == 1 and size % 2 == 0
    assert max(least, 10) <= size <= max(10, 1.2 * least + 2)


def test_wave_vectors_fill_half_a_sphere_of_the_reciprocal_lattice():
    cell = torch.tensor([[5.0, 0, 0], [2.0, 4.0, 0], [-1.0, 1.5, 6.0]], dtype=torch.float64)
    vectors = wave_steps(cell, 4.0) @ reciprocal(cell)
    steps = vectors @ cell.T / (2 * np.pi)
    torch.testing.assert_close(steps, steps.round(), atol=1e-12, rtol=0)
    assert vectors.norm(dim=1).max() <= 4.0
    both = torch.cat([steps, -steps]).round()
    assert len(torch.unique(both, dim=0)) == 2 * len(vectors)
    # Weyl's law: one vector per (2π)³/V, with an error of the sphere's surface, some 10 %.
    expected = 2 / 3 * np.pi * 4.0**3 * float(torch.linalg.det(cell)) / (2 * np.pi) ** 3
    assert len(vectors) == pytest.approx(expected, rel=0.15)
