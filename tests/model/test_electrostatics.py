"""Coulomb energies against literature constants, exact sums and each other."""

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from model_cases import boxed, waters

from activecharge.model.coulomb.electrostatics import Electrostatics
from activecharge.model.coulomb.splitting import Split
from activecharge.model.geometry import trace_geometry
from activecharge.model.graph import build_graph, join, summed_by
from activecharge.units import COULOMB

CUTOFF = 5.0
ACCURACY = 1e-6


def water_charges(frames) -> np.ndarray:
    """Neutral for water."""
    return np.concatenate([np.where(atoms.symbols == "O", -0.8, 0.4) for atoms in frames])


WAVES, MESH = Split(), Split(meshed=True)


def coulomb(*frames: Atoms, charges=None, splits=None, scale=1.0, exclusion=0.0):
    """Energies (B,), forces (N, 3); charges are water's and splits the program's unless given."""
    elements = sorted({symbol for atoms in frames for symbol in atoms.get_chemical_symbols()})
    dtype = torch.float64
    graphs = [build_graph(atoms, elements, CUTOFF, ACCURACY) for atoms in frames]
    if splits:
        graphs = [summed_by(g, split, CUTOFF) for g, split in zip(graphs, splits, strict=True)]
    graph = join(graphs)
    if charges is None:
        charges = water_charges(frames)
    geometry = trace_geometry(graph, displacement=True, strain=False)
    energies = Electrostatics(CUTOFF, exclusion, ACCURACY).to(dtype)(
        graph,
        torch.as_tensor(charges, dtype=dtype) * scale,
        geometry,
    )
    (gradient,) = torch.autograd.grad(energies.sum(), geometry.leaf, create_graph=True)
    return energies, -gradient


CRYSTALS = {
    # Madelung constants for the nearest-neighbour distance: Sakamoto, J. Chem. Phys. 28, 164
    # (1958), https://doi.org/10.1063/1.1744060; in more digits, OEIS A085469, A181152, A182566.
    "rocksalt": (bulk("NaCl", "rocksalt", a=5.64, cubic=True), 5.64 / 2, 1.747564594633),
    "caesium chloride": (
        bulk("CsCl", "cesiumchloride", a=4.12, cubic=True),
        4.12 * 3**0.5 / 2,
        1.762674773071,
    ),
    "zincblende": (
        bulk("ZnS", "zincblende", a=5.41, cubic=True),
        5.41 * 3**0.5 / 4,
        1.638055053389,
    ),
}


def madelung(name, split):
    """Madelung constants from the cell and from its 2×2×2 supercell, and the right one."""
    crystal, distance, expected = CRYSTALS[name]
    results = []
    for atoms in (crystal, crystal.repeat(2)):
        charges = np.where(np.isin(atoms.symbols, ["Na", "Cs", "Zn"]), 1.0, -1.0)
        energy = coulomb(atoms, charges=charges, splits=[split])[0].item()
        results.append(-energy * distance / COULOMB / (len(atoms) / 2))
    return results, expected


@pytest.mark.parametrize("name", CRYSTALS)
def test_madelung_constants_by_ewald(name):
    results, expected = madelung(name, WAVES)
    # The neglected tails of both sums, exp(−5.64²/2) = 1.2e-7 of energies of that size.
    assert results == pytest.approx([expected] * 2, rel=6e-7)


@pytest.mark.parametrize("name", CRYSTALS)
def test_madelung_constants_by_mesh(name):
    results, expected = madelung(name, MESH)
    # In a crystal's symmetric places the mesh's errors do not average out as elsewhere.
    assert results == pytest.approx([expected] * 2, rel=2e-5)


def test_two_charges():
    pair = Atoms("OH", [[0, 0, 0], [0.3, -1.2, 2.0]])
    energies, forces = coulomb(pair)
    vector = pair.positions[1] - pair.positions[0]
    distance = np.linalg.norm(vector)
    # Rounding only.
    assert energies.item() == pytest.approx(-0.32 * COULOMB / distance, rel=1e-14)
    expected = -0.32 * COULOMB * vector / distance**3
    np.testing.assert_allclose(forces[1].detach().numpy(), expected, rtol=1e-13)


def test_single_charge_feels_nothing():
    energies, forces = coulomb(Atoms("O", [[1.0, 2.0, 3.0]]))
    assert energies.item() == 0
    assert not forces.any()


def test_charges_beyond_the_cutoff_still_interact():
    energies, _ = coulomb(Atoms("OH", [[0, 0, 0], [0, 0, 50.0]]))
    assert energies.item() == pytest.approx(-0.32 * COULOMB / 50.0, rel=1e-14)


@pytest.mark.parametrize("periodic", [False, True])
def test_near_pairs_fade_out(periodic):
    """Within the exclusion the pair's energy is 1 − f times q q/r; beyond it all is bare."""
    for distance in (0.7, 1.6, 1.999, 2.1, 4.0):
        pair = Atoms("NaCl", [[0, 0, 0], [0, 0, distance]], cell=[30, 30, 30], pbc=periodic)
        bare = coulomb(pair, charges=[0.8, -0.8])[0].item()
        faded = coulomb(pair, charges=[0.8, -0.8], exclusion=2.0)[0].item()
        x = min(distance / 2.0, 1.0)
        f = 1 - 21 * x**5 + 35 * x**6 - 15 * x**7
        # Rounding only.
        assert faded - bare == pytest.approx(f * 0.64 * COULOMB / distance, abs=1e-11)


def test_cluster_is_the_limit_of_a_growing_box():
    """Tin-foil images of a dipole in a cubic box: E(L) = E − 2πμ²/(3L³) + O(1/L⁵).

    Makov and Payne, Phys. Rev. B 51, 4014 (1995), https://doi.org/10.1103/PhysRevB.51.4014.
    """
    cluster = waters(1, seed=3)
    free = coulomb(cluster)[0].item()
    dipole = water_charges([cluster]) @ cluster.positions
    leading = 2 * np.pi / 3 * COULOMB * (dipole @ dipole)
    differences = []
    for length in (16.0, 24.0):
        box = cluster.copy()
        box.set_cell([length] * 3)
        box.pbc = True
        differences.append((coulomb(box)[0].item() - free) * length**3)
    # The next term falls as (size/L)² with a size of 1 Å: 0.4 % at 16 Å, less further out.
    assert differences[0] == pytest.approx(-leading, rel=0.02)
    assert differences[1] == pytest.approx(-leading, rel=0.01)


SKEWED = boxed(8, seed=6, cell=[[5.6, 0, 0], [1.9, 5.2, 0], [-1.5, 1.7, 5.1]])


@pytest.mark.parametrize("split", [None, WAVES, MESH, Split(2.0)], ids=str)
def test_forces_can_teach_charges(split):
    """Forces are quadratic in a scale s of all charges: d(ΣF²)/ds = 4 ΣF²/s."""
    atoms = SKEWED if split else waters(2, seed=3)
    scale = torch.tensor(0.9, dtype=torch.float64, requires_grad=True)
    _, forces = coulomb(atoms, scale=scale, splits=[split] if split else None)
    squares = forces.square().sum()
    (slope,) = torch.autograd.grad(squares, scale)
    assert slope.item() == pytest.approx(4 * squares.item() / 0.9, rel=1e-10)


def test_batches_of_all_kinds_equal_single_frames():
    frames = [
        boxed(2, seed=1, cell=[6, 6, 6]),
        waters(2, seed=2),
        Atoms("O"),
        SKEWED,
        waters(1, seed=3),
        boxed(1, seed=3, cell=[4, 5, 6]),
        boxed(2, seed=5, cell=[40, 50, 60]),
    ]
    splits = [WAVES, WAVES, WAVES, MESH, WAVES, Split(2.0, meshed=True), Split(8.0)]
    energies, forces = coulomb(*frames, splits=splits)
    single = [coulomb(atoms, splits=[s]) for atoms, s in zip(frames, splits, strict=True)]
    # The same sums; those of padded waves and charges end with zeros.
    torch.testing.assert_close(energies, torch.cat([e for e, _ in single]), atol=1e-11, rtol=0)
    torch.testing.assert_close(forces, torch.cat([f for _, f in single]), atol=1e-11, rtol=0)


def test_charged_cells_have_a_neutralizing_background():
    """A lattice of like charges: E = −2.837297 q²/2L, Nijboer and de Wette, Physica 23, 309 (1957).

    https://doi.org/10.1016/S0031-8914(57)92124-9
    """
    energy = coulomb(Atoms("O", cell=[7, 7, 7], pbc=True), charges=[0.5])[0].item()
    # Six digits of the constant.
    assert energy == pytest.approx(-2.837297 / 2 * COULOMB * 0.25 / 7, rel=1e-6)
