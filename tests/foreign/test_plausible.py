"""Values that cannot be water's in their units are refused; honest ones, of any method, are not."""

import numpy as np
import pytest
from ase import Atoms
from born_cases import labelled

from activecharge.campaign.standalone.judge import check_labels
from activecharge.dataset.identity import content_hash
from activecharge.dataset.judging.plausible import check_values, remarks
from activecharge.dataset.judging.water_bonds import bond_charge, bond_length, stiffness
from activecharge.errors import UserError
from activecharge.records import Candidate, Label
from activecharge.units import BOHR, HARTREE

DEBYE = 1 / 4.80320

FRAMES = [labelled(2, seed) for seed in range(8)]


def changed(periodic=False, **factors):
    """The frames, with properties replaced or multiplied."""
    found = []
    for atoms, values in FRAMES:
        atoms = atoms.copy()
        if periodic:
            atoms.cell, atoms.pbc = 12 * np.eye(3), True
            values = {name: v for name, v in values.items() if name != "dipole"}
        values = dict(values)
        for name, change in factors.items():
            if name == "positions":
                atoms.positions *= change
            else:
                values[name] = change(values) if callable(change) else values[name] * change
        found.append((atoms, values))
    return found


def judged(pairs):
    labels = [
        Label(Candidate(atoms, content_hash(atoms), "file"), values, "theirs", {})
        for atoms, values in pairs
    ]
    check_labels(labels, "theirs.xyz")


def with_one(name, change, number=3):
    """A file in which one frame alone is changed."""
    pairs = changed()
    atoms, values = pairs[number]
    pairs[number] = (atoms, values | {name: change(values[name].copy())})
    return pairs


def ion(charges):
    charges[0] += 1.0
    return charges


def tilted(bec):
    bec[0, 0, 0] += 0.4
    return bec


def pushed(forces):
    forces[0, 0] += 2.0
    return forces


def turned(forces):
    return forces @ np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])


def wild(forces):
    forces[0, 0], forces[1, 0] = 1000.0, -1000.0
    return forces


def infinite(forces):
    forces[0, 0] = np.inf
    return forces


POPULATIONS = {8: 6.0, 1: 1.0}


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (changed(forces=BOHR / HARTREE), r"units\.forces: hartree/bohr"),
        (changed(forces=23.06), r"units\.forces: kcal/mol/Å"),
        (changed(forces=-1), r"forces have the other sign \(gradients\); give units\.forces: -"),
        (changed(forces=-BOHR / HARTREE), r"give units\.forces: -(hartree|rydberg)/bohr"),
        (changed(dipole=1 / DEBYE), r"units\.dipole: debye"),
        (changed(dipole=1 / BOHR), r"units\.dipole: e·bohr"),
        (changed(dipole=-1), r"dipole.*other sign \(towards oxygen\); give units\.dipole: -e·Å"),
        (changed(positions=1 / BOHR), r"hydrogen is 1\.\d+ Å .*unit, bohr say"),
        (changed(positions=0.4), r"hydrogen is 0\.\d+ Å"),
        (changed(bec=1 / DEBYE), r"far beyond its formal charge; give units\.bec"),
        (changed(bec=-1), r"sign is inverted; give units\.bec: -e"),
        (changed(charges=-1), r"sign is inverted; give units\.charges: -e"),
        (changed(charges=0), "all charges are zero"),
        (changed(bec=0), "all Born effective charges are zero"),
        (changed(energy=23.06 * HARTREE), r"below that of all electrons"),
    ],
)
def test_other_units_and_signs_are_told(pairs, said):
    with pytest.raises(UserError, match=rf"theirs\.xyz.*{said}"):
        check_values(pairs, "theirs.xyz")


@pytest.mark.parametrize(
    ("core", "electrons"), [({8: 6.0, 1: 1.0}, "valence"), ({8: 8.0, 1: 1.0}, "all")]
)
def test_electron_populations_are_no_charges(core, electrons):
    pairs = [
        (atoms, v | {"charges": np.array([core[n] for n in atoms.numbers]) - v["charges"]})
        for atoms, v in FRAMES
    ]
    with pytest.raises(UserError, match=rf"number of {electrons} electrons, with O at .*popul"):
        check_values(pairs, "theirs.xyz")


@pytest.mark.parametrize(
    ("stress", "said"),
    [
        (np.diag([-251.0, -240, -260]), r"component of 260 eV/Å³, beyond 1 at .*units\.stress"),
        (np.diag([4.0, 3.0, 5.0]), r"name it as keys\.virial"),  # a virial in eV
        (np.array([[0.01, 5e-3, 0], [0, 0.01, 0], [0, 0, 0.01]]), "differs from its transpose"),
    ],
)
def test_stresses_of_other_units_and_orders(stress, said):
    pairs = changed(periodic=True, stress=lambda _: stress)
    with pytest.raises(UserError, match=rf"frame 0 .*and 7 more: 1, 2.*{said}"):
        check_values(pairs, "theirs.xyz")


def test_compressed_ice_may_have_a_stress_that_liquid_water_has_not():
    """Ice at 3 g/cm³ has 250 GPa."""
    atoms = Atoms("OHH", positions=[[0, 0, 0], [0.9, 0.1, 0], [0.1, 0.9, 0.1]])
    edge = (18.015 * 1.66053907 / 3) ** (1 / 3)
    atoms.cell, atoms.pbc = edge * np.eye(3), True
    check_values([(atoms, {"stress": -1.56 * np.eye(3)})], "ice.xyz")


@pytest.mark.parametrize(
    ("energy", "unit"),
    [(-76.43, "hartree"), (-17.2, "hartree"), (-34.4, "rydberg"), (-14.2, ""), (-138.0, "")],
)
def test_energies_that_look_like_another_unit_are_remarked(energy, unit):
    pairs = changed(energy=lambda _: np.array(2 * energy))
    check_values(pairs, "theirs.xyz")
    assert [unit in text for text in remarks(pairs)] == ([True] if unit else [])


def test_molecules_may_be_cut_by_the_cell():
    """Forces are judged along bonds to the nearest image."""
    whole, cut = changed(periodic=True), changed(periodic=True)
    for number, (atoms, _) in enumerate(cut):
        atoms.positions += [0.1 * number, 0.3, -0.2]
        atoms.wrap()
    # The same vectors, but for rounding.
    assert stiffness(cut).value == pytest.approx(stiffness(whole).value, rel=1e-9)
    assert bond_length(cut) == pytest.approx(bond_length(whole), rel=1e-9)
    assert (
        max(np.linalg.norm(atoms.positions - atoms.positions[0], axis=1).max() for atoms, _ in cut)
        > 9
    )


def test_dipoles_of_cells_are_not_judged():
    """They are known up to a quantum alone."""
    boxed = [
        (atoms, values | {"dipole": own["dipole"]})
        for (atoms, values), (_, own) in zip(changed(periodic=True), FRAMES, strict=True)
    ]
    assert bond_charge(FRAMES).points == 3 * len(FRAMES)
    assert bond_charge(boxed).points == 0
    assert bond_charge([*boxed, *FRAMES]) == bond_charge(FRAMES)


# -- laws ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (with_one("charges", ion), r"sum of charges: 1 e .*may be an ion"),
        (with_one("bec", tilted), r"acoustic sum rule: 0\.4 e .*unit may be another"),
        (with_one("forces", pushed), r"net force: 2 eV/Å .*may be missing"),
        (with_one("forces", turned), r"net torque: .*another orientation"),
        (with_one("forces", wild), r"largest force: 1e\+03 eV/Å .*overlap"),
        (with_one("forces", infinite), r"forces has 1 of 18 values that are not finite"),
        (with_one("dipole", lambda mu: mu @ np.diag([1, 1, -1.0])), r"rotational sum rule"),
    ],
)
def test_laws_name_frame_value_and_cause(pairs, said):
    with pytest.raises(UserError, match=rf"theirs\.xyz, frame 3 \(counting from 0\): {said}"):
        judged(pairs)


def test_transposed_tensors_are_refused():
    transposed = changed(bec=lambda values: values["bec"].swapaxes(1, 2))
    with pytest.raises(UserError, match=r"are transposed \(rotational sum rule"):
        judged(transposed)


def test_two_energies_of_one_geometry_are_refused():
    pairs = changed()
    atoms, values = pairs[2]
    copy = atoms.copy()
    copy.rotate(40, (1, 2, 3))
    again = {"energy": values["energy"] + 0.02}  # 3 meV an atom: less than training resolves
    judged([*pairs, (copy, again)])
    other = {"energy": values["energy"] + 0.2}
    with pytest.raises(UserError, match=r"frame 8 .*is frame 2 again, but its energy is"):
        judged([*pairs, (copy, other)])


def test_what_honest_calculations_do_passes():
    """Grids, cutoffs, printed digits, masks, other methods' sizes; relaxed and lone frames."""
    rng = np.random.default_rng(0)
    judged(changed())
    judged(changed(charges=lambda v: np.round(v["charges"], 3)))
    judged(changed(charges=2.5, forces=0.9, dipole=1.1, energy=0.1))
    # Born charges of coarse grids: 7 me an atom, all of one sign (docs/import.md).
    judged(changed(bec=lambda v: v["bec"] + 7e-3 * np.eye(3)))
    # Egg-box forces of 0.1 eV/Å a molecule.
    judged(changed(forces=lambda v: v["forces"] + 0.1 / 3 * np.array([1, 0, 0])))
    judged(changed(bec=lambda v: np.where(rng.random(v["bec"].shape) < 0.1, np.nan, v["bec"])))
    judged(changed(forces=lambda v: 1e-3 * rng.normal(size=v["forces"].shape)))
    judged([(Atoms("O"), {"energy": np.array(-432.0), "forces": np.zeros((1, 3))})])
    judged([FRAMES[0]])


def test_other_elements_have_other_charges():
    """An oxide's, and hydrogen that is bonded to carbon."""
    rutile = Atoms("TiO2", positions=[[0, 0, 0], [1.4, 1.4, 0], [3.2, 3.2, 0]])
    rutile.cell, rutile.pbc = np.diag([4.6, 4.6, 2.96]), True
    judged([(rutile, {"bec": np.array([6.4, -3.2, -3.2])[:, None, None] * np.eye(3)})])
    methanol = Atoms(
        "COHHHH",
        positions=[
            *([0.0, 0.0, 0.0], [1.42, 0.0, 0.0], [1.75, 0.9, 0.0]),
            *([-0.36, 1.03, 0.0], [-0.36, -0.51, 0.89], [-0.36, -0.51, -0.89]),
        ],
    )
    judged([(methanol, {"energy": np.array(-30.0), "charges": np.zeros(6)})])
