"""i-PI: units and index orders of the driver, path integrals, and i-PI's own field."""

import json

import numpy as np
import pytest
from ase.io import write
from tiny_committees import CELL, dimer

pytest.importorskip("ipi", reason="i-PI is not installed: pip install 'activecharge[engines]'")

from activecharge import ChargeCalculator
from activecharge.engines.ipi_driver import PATH, ChargeDriver
from activecharge.errors import UserError
from activecharge.units import BOHR, HARTREE

FIELD = np.array([0.02, -0.01, 0.03])  # hartree/(e bohr)


@pytest.mark.parametrize("cell", [None, CELL])
def test_answers_in_atomic_units(dipolar, cell):
    frame = dimer(cell)
    driver = ChargeDriver(dipolar, frame)
    box = np.array(CELL).T / BOHR
    energy, forces, virial, extras = driver(box, frame.positions / BOHR)
    extras = json.loads(extras)
    frame.calc = ChargeCalculator(dipolar)
    # Conversions to and fro round at 1e-16 of numbers up to 1e3.
    assert energy * HARTREE == pytest.approx(frame.get_potential_energy(), rel=1e-13)
    np.testing.assert_allclose(forces * HARTREE / BOHR, frame.get_forces(), atol=1e-9)
    z = frame.calc.get_property("born_effective_charges", frame)
    bec = np.array(extras["BEC"])
    assert bec.shape == (18, 3)
    for atom, moved, polarized in ((0, 1, 2), (4, 0, 1)):
        assert bec[3 * atom + moved, polarized] == pytest.approx(z[atom, polarized, moved])
    np.testing.assert_allclose(extras["charges"], frame.get_charges(), atol=1e-12)
    if cell is None:
        assert not virial.any()
        np.testing.assert_allclose(np.array(extras["dipole"]) * BOHR, frame.get_dipole_moment())
        return
    assert "dipole" not in extras
    # A strain's work: dE = −tr(virial ε).
    expected = -frame.get_stress(voigt=False) * frame.get_volume()
    np.testing.assert_allclose(virial * HARTREE, expected, atol=1e-9)
    # A batch is its frames.
    batch = driver([box, box], [frame.positions / BOHR, dimer(cell, seed=5).positions / BOHR])
    assert batch[0][0] == pytest.approx(energy, rel=1e-13) and batch[1][0] != energy


def test_a_template_of_other_atoms_is_refused(dipolar, tmp_path):
    with pytest.raises(UserError, match="template: has 6 atoms, and i-PI 3"):
        ChargeDriver(dipolar, dimer())(np.eye(3), np.zeros((3, 3)))
    with pytest.raises(UserError, match=r"none\.xyz: not a frame"):
        ChargeDriver(dipolar, tmp_path / "none.xyz")


def simulation(motion: str, beads: int, temperature: float) -> str:
    """An input of i-PI."""
    return f"""<simulation verbosity="quiet"><output prefix="out">
<properties filename="table">[step, conserved, kinetic_cv, potential]</properties></output>
<prng><seed>7</seed></prng>
<ffdirect name="committee"><pes>custom</pes><pes_path>{PATH}</pes_path>
<parameters>{{committee: water.acx, template: start.xyz}}</parameters></ffdirect>
<system><initialize nbeads="{beads}"><file mode="ase" units="automatic">start.xyz</file>
<cell mode="abc" units="angstrom">[30, 30, 30]</cell>
<velocities mode="thermal" units="kelvin">{temperature}</velocities></initialize>
<forces><force forcefield="committee"/></forces>
<ensemble><temperature units="kelvin">{temperature}</temperature></ensemble>
{motion}</system><total_steps>4</total_steps></simulation>"""


@pytest.fixture
def files(independent, tmp_path):
    """Of the default coupling, whose Z need not be a slope."""
    independent.pack(tmp_path / "water.acx")
    write(tmp_path / "start.xyz", dimer())
    return tmp_path


RUN = """
from ipi.engine.simulation import Simulation
simulation = Simulation.load_from_xml(open("input.xml"), request_banner=False)
simulation.run()
"""


def test_path_integrals_of_a_cluster(script, files):
    """Four beads for a femtosecond: the conserved energy stays, each bead has its own forces."""
    motion = """<motion mode="dynamics"><dynamics mode="nve">
<timestep units="femtosecond">0.1</timestep></dynamics></motion>"""
    (files / "input.xml").write_text(simulation(motion, beads=4, temperature=300.0))
    script(RUN)
    table = np.loadtxt(files / "out.table")
    assert table.shape == (5, 4)
    assert np.isfinite(table).all()
    conserved, potential = table[:, 1], table[:, 3]
    assert np.ptp(potential) > 1e-6
    # Hartree; steps of 0.1 fs err by 1e-3 of what the potential changes.
    assert np.ptp(conserved) < 0.02 * np.ptp(potential)


FORCES = """
import json
import numpy as np
from ipi.engine.simulation import Simulation
simulation = Simulation.load_from_xml(open("input.xml"), request_banner=False)
[system] = simulation.syslist
system.forces.pots
found = system.motion.integrator.EDAforces(0.0)
print("FOUND", json.dumps(np.array(found).tolist()))
"""


def test_its_field_pushes_as_ours(script, files, independent):
    """And a transposed Z would not."""
    amplitude = ", ".join(map(str, FIELD))
    motion = f"""<motion mode="driven_dynamics"><driven_dynamics mode="eda-nve">
<timestep units="femtosecond">0.1</timestep>
<efield><amp>[{amplitude}]</amp></efield><bec mode="driver"/></driven_dynamics></motion>"""
    (files / "input.xml").write_text(simulation(motion, beads=1, temperature=10.0))
    printed = script(FORCES)
    found = np.array(json.loads(printed.split("FOUND")[1])).reshape(6, 3)
    frame = dimer()
    frame.calc = ChargeCalculator(independent)
    forces = frame.get_forces().copy()
    frame.calc.field = FIELD * HARTREE / BOHR
    gained = frame.get_forces() - forces
    # i-PI's constants and ours agree to 1e-8; positions have eight decimals in the file.
    np.testing.assert_allclose(found * HARTREE / BOHR, gained, atol=1e-6)
    z = frame.calc.get_property("born_effective_charges", frame)
    turned = np.einsum("iab,b->ia", z, FIELD)
    assert np.abs(turned - found).max() > 1e-3 * np.abs(found).max()
    assert np.abs(turned * HARTREE / BOHR - gained).max() > 1e-5
