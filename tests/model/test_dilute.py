"""Frames that are mostly empty: as exact as others, and for the work that their atoms ask for."""

import numpy as np
import pytest
import torch
from direct_ewald import direct_ewald
from model_cases import ALL, ELEMENTS, boxed, make_model, moved, predict, waters

from activecharge.model.coulomb import splitting
from activecharge.model.coulomb.convergence import converge
from activecharge.model.coulomb.electrostatics import Electrostatics
from activecharge.model.coulomb.reciprocal import mesh_size, wave_steps
from activecharge.model.coulomb.splitting import Split, choose_split
from activecharge.model.geometry import trace_geometry
from activecharge.model.graph import build_graph

CUTOFF = 5.0
DILUTE = {
    "one in 40 Å": boxed(1, seed=1, cell=[40.0] * 3),
    "one in 300 Å": boxed(1, seed=1, cell=[300.0] * 3),
    "six in 100 Å": boxed(6, seed=2, cell=[100.0] * 3),
    "slab": boxed(27, seed=3, cell=[9.3, 9.3, 60.0], spacing=3.1),
    "skewed": boxed(3, seed=4, cell=[[60.0, 0, 0], [50.0, 20.0, 0], [-25.0, 13.0, 30.0]]),
    "long": boxed(2, seed=4, cell=[6.0, 6.0, 400.0]),
}


def water_charges(atoms) -> np.ndarray:
    return np.where(atoms.symbols == "O", -0.8, 0.4)


def coulomb(atoms, accuracy: float, dtype):
    """Energy, forces and stress as the program splits the sum."""
    graph = build_graph(atoms, ELEMENTS, CUTOFF, accuracy).to("cpu", dtype)
    geometry = trace_geometry(graph, displacement=True, strain=True)
    charges = torch.tensor(water_charges(atoms), dtype=dtype)
    energy = Electrostatics(CUTOFF, 0.0, accuracy).to(dtype)(graph, charges, geometry).sum()
    forces, stress = torch.autograd.grad(energy, (geometry.leaf, geometry.strain))
    return energy.item(), -forces.double(), stress[0].double() / atoms.cell.volume


def relative(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("name", DILUTE)
def test_dilute_frames_agree_with_the_direct_sum(name):
    atoms = DILUTE[name]
    assert build_graph(atoms, ELEMENTS, CUTOFF).reach > 1
    energy, forces, stress = direct_ewald(atoms, water_charges(atoms))
    for accuracy, dtype in ((1e-4, torch.float32), (1e-6, torch.float64)):
        found = coulomb(atoms, accuracy, dtype)
        assert relative(found[1], forces) < accuracy
        assert relative(found[2], stress) < accuracy
        # In energy, a hundredth of what counts as an error per atom, and as much finer.
        assert abs(found[0] - energy) / len(atoms) < 0.5 * accuracy


def test_a_molecule_in_a_growing_cell_becomes_free():
    """By the field of its dipole's images, which falls as 1/L³; charges feel no images."""
    model, molecule = make_model("dipolar"), waters(1, seed=3)
    free, names = predict(model, molecule), ("energy", "forces")
    scaled = []
    for length in (60.0, 100.0, 300.0):
        result = predict(model, boxed(1, seed=3, cell=[length] * 3))
        # Rounding of positions.
        torch.testing.assert_close(result["charges"], free["charges"], atol=1e-13, rtol=0)
        scaled.append({k: (result[k] - free[k]) * length**3 for k in names})
    for name in names:
        near, *far = (values[name] for values in scaled)
        assert near.abs().max() > 1e-2
        # The next term is smaller by (size/L)², 0.1 % or so at 60 Å.
        for values in far:
            assert relative(values, near) < 0.01


@pytest.mark.parametrize("split", [Split(8.0), Split(4.0, meshed=True)], ids=str)
def test_forces_and_stress_of_dilute_frames_are_derivatives(split):
    model, step = make_model("local", coulomb_accuracy=1e-4), 1e-4
    atoms = boxed(2, seed=3, cell=[[40.0, 0, 0], [9.0, 35.0, 0], [-7.0, 5.0, 50.0]])

    def energy(frame) -> float:
        return float(predict(model, frame, outputs=("energy",), split=split)["energy"])

    def slope(change) -> float:
        return (energy(change(step)) - energy(change(-step))) / (2 * step)

    result = predict(model, atoms, split=split)
    # Errors of central differences, step² times the third derivative, and rounding of the energy.
    for atom, axis in ((0, 0), (4, 2)):
        found = slope(lambda h, i=atom, a=axis: moved(atoms, i, a, h))
        assert -found == pytest.approx(float(result["forces"][atom, axis]), abs=1e-6)

    def strained(h: float):
        frame = atoms.copy()
        frame.set_cell(atoms.cell.array @ (np.eye(3) + h * np.eye(3)[[1, 0, 2]]), scale_atoms=True)
        return frame

    # Each of the two shears and the stretch along z.
    stress = result["stress"][0]
    expected = float(stress[0, 1] + stress[1, 0] + stress[2, 2])
    assert slope(strained) == pytest.approx(expected * atoms.cell.volume, abs=2e-6)


def work(atoms) -> tuple[int, int]:
    """Terms that are summed: pairs, and waves times atoms or mesh points."""
    graph, convergence = build_graph(atoms, ELEMENTS, CUTOFF), converge(CUTOFF, 1e-4)
    cell = graph.cell[0] / graph.reach
    if graph.meshed:
        sizes = cell.norm(dim=1) / convergence.spacing
        return graph.pairs.shape[1], int(np.prod([mesh_size(size) for size in sizes.tolist()]))
    waves = len(wave_steps(cell, convergence.largest_wave))
    return graph.pairs.shape[1], waves * len(atoms)


@pytest.mark.parametrize("count", [1, 6, 64])
def test_work_grows_with_the_atoms_and_not_with_the_cell(count):
    for length in (20.0, 100.0, 1000.0, 9000.0):
        pairs, others = work(boxed(count, seed=count, cell=[length] * 3, spacing=3.1))
        # Pairs of a free cluster and, of few atoms, some images; a thousand waves an atom.
        assert pairs <= max((3 * count) * (3 * count - 1) / 2, 100)
        assert others < 3000 * count


def test_vacuum_adds_little_work_to_a_slab():
    thin, thick = (
        work(boxed(64, seed=64, cell=[12.4, 12.4, height], spacing=3.1))
        for height in (32.4, 1012.4)
    )
    # The vacuum is fifty times as thick.
    assert max(b / a for a, b in zip(thin, thick, strict=True)) < 6


def test_dense_frames_need_no_pairs_of_their_own():
    assert build_graph(boxed(8, 1, [6.2] * 3, spacing=3.0), ELEMENTS, CUTOFF).reach == 1
    graph = build_graph(boxed(216, 2, [18.6] * 3, spacing=3.1), ELEMENTS, CUTOFF)
    assert graph.reach == 1 and graph.meshed


def test_where_memory_is_short_time_gives_way(monkeypatch):
    graph = build_graph(boxed(64, 2, [12.4, 12.4, 112.4], spacing=3.1), ELEMENTS, CUTOFF)
    cell = graph.cell[0].numpy()
    arguments = graph.positions.numpy(), cell, converge(CUTOFF, 1e-4)
    fastest = choose_split(*arguments)
    monkeypatch.setattr(splitting, "MEMORY", 0)
    monkeypatch.setattr(splitting, "MEMORY_PER_ATOM", 0)
    # Waves of 192 atoms take 4.6 kB each, mesh points 60 B.
    assert (fastest.meshed, choose_split(*arguments).meshed) == (False, True)


def test_a_fixed_seed_gives_the_same_bytes_twice():
    atoms, model = DILUTE["slab"], make_model("local", dtype="float32")
    first, second = predict(model, atoms), predict(model, atoms.copy())
    assert all(torch.equal(first[name], second[name]) for name in ALL)
