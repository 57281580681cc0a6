"""CP2K against tblite, against itself in other cells, and with everything that can go wrong."""

import os
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule
from pydantic import ValidationError
from reference_cases import boxed, ends, needs_cp2k, rotational_breach, up_to_a_quantum, waters

from activecharge.errors import UserError
from activecharge.reference.codes.cp2k import cp2k_run
from activecharge.reference.codes.cp2k.cp2k import label, settings
from activecharge.reference.codes.cp2k.cp2k_input import template
from activecharge.reference.codes.cp2k.cp2k_options import Cp2kOptions
from activecharge.reference.codes.cp2k.cp2k_output import read
from activecharge.reference.codes.tblite import tblite
from activecharge.reference.failure import Mishap, ReferenceFailure, Refusal
from activecharge.reference.gates import gate
from activecharge.reference.reference_options import GateOptions, TbliteOptions

pytestmark = pytest.mark.slow

XTB = Cp2kOptions(method="GFN1-xTB")
DFT = Cp2kOptions(
    functional="PBE",
    dispersion=False,
    basis="SZV-MOLOPT-SR-GTH",
    cutoff=200,
    relative_cutoff=40,
    vacuum=2.5,
    charges="hirshfeld",
)
"""As coarse as still makes sense."""


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(folder, atoms, options):
    """A label made in a folder of its own, as a worker would."""
    folder.mkdir()
    os.chdir(folder)
    return label(atoms, options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, trimer):
    """The folder and the label of the trimer in tight binding."""
    folder = tmp_path_factory.mktemp("cp2k") / "whole"
    before = Path.cwd()
    values = run(folder, trimer, XTB)
    os.chdir(before)
    return folder, values


@needs_cp2k
def test_cluster_in_tight_binding(trimer, whole, tblite_labels, scratch):
    values, theirs = whole[1], tblite_labels["GFN1-xTB"]
    assert gate(trimer, values, GateOptions(), "cp2k") is None
    # CP2K expands every Slater function in six Gaussians, GFN1-xTB in three to six: measured
    # 1.5 meV a molecule, 8 meV/Å and 2e-4 e.
    np.testing.assert_allclose(values["energy"], theirs["energy"], atol=0.01)
    np.testing.assert_allclose(values["forces"], theirs["forces"], atol=0.02)
    np.testing.assert_allclose(values["charges"], theirs["charges"], atol=1e-3)
    # CP2K's polarization is that of the charges alone (printed with six decimals).
    np.testing.assert_allclose(values["dipole"], values["charges"] @ trimer.positions, atol=1e-5)
    for atom, axis in ((0, 0), (4, 1), (8, 2)):
        expected = charge_polarization(trimer, atom, axis)
        np.testing.assert_allclose(values["bec"][atom, :, axis], expected, atol=2e-3)
    # Forces sum to zero however well the density is converged.
    np.testing.assert_allclose(values["bec"].sum(axis=0), 0, atol=1e-6)
    # Field runs are converged to 1e-6: 5e-5 e, times a lever of a few Å.
    assert rotational_breach(trimer, values) < 5e-4
    cell = boxed(trimer, 16.0)
    cell.center()
    large = run(scratch / "box", cell, XTB)
    # Dipoles of images 16 Å away: μ²/L³ is 4 meV, and their fields are 0.02 V/Å at most.
    assert large.keys() == {"energy", "forces", "charges", "stress"}
    np.testing.assert_allclose(large["energy"], values["energy"], atol=0.02)
    np.testing.assert_allclose(large["forces"], values["forces"], atol=0.02)
    np.testing.assert_allclose(large["charges"], values["charges"], atol=2e-3)


def charge_polarization(atoms, atom: int, axis: int) -> np.ndarray:
    """∂(Σ q R)/∂R of tblite's GFN1-xTB by displacement, in e."""
    options, step = TbliteOptions(method="GFN1-xTB"), 1e-3
    plus, minus = (
        tblite._run(moved, options)["charges"] @ moved.positions
        for moved in ends(atoms, atom, axis, step)
    )
    return (plus - minus) / (2 * step)


@needs_cp2k
def test_stress_in_tight_binding_is_the_derivative_by_strain(box, scratch):
    stress = run(scratch / "zero", box, XTB)["stress"]
    energies = []
    for name, step in (("plus", 1e-3), ("minus", -1e-3)):
        strained = box.copy()
        strained.set_cell(box.cell.array * (1 + step * np.eye(3)[0]), scale_atoms=True)
        energies.append(run(scratch / name, strained, XTB)["energy"])
    expected = (energies[0] - energies[1]) / 2e-3 / box.get_volume()
    # Ewald meshes follow the cell in steps: measured 2e-5 eV/Å³.
    np.testing.assert_allclose(stress[0, 0], expected, atol=1e-3)


@needs_cp2k
def test_the_other_minimiser_gives_the_same_label(trimer, whole, scratch):
    (other,) = XTB.remedies()
    assert other.minimiser == "OT"
    assert other.remedies()[0].minimiser == DFT.remedies()[0].minimiser == "diagonalization"
    first, second = whole[1], run(scratch / "second", trimer, other)
    for name in ("energy", "forces", "charges", "dipole"):
        np.testing.assert_allclose(first[name], second[name], atol=2e-6)
    np.testing.assert_allclose(first["bec"], second["bec"], atol=2e-4)  # EPS_SCF of 1e-6


@needs_cp2k
def test_density_functional_theory_of_a_cell(scratch):
    cell = boxed(waters(np.full((1, 3), 1.3), seed=4), 5.0)
    values = run(scratch / "cell", cell, DFT)
    assert gate(cell, values, GateOptions(acoustic_sum_rule=0.05), "cp2k") is None
    assert values.keys() == {"energy", "forces", "charges", "dipole", "stress", "bec"}
    # Z from forces in a field is the slope of the Berry-phase polarization.
    text, step, dipoles = template(DFT, True, ["H", "O"]), 5e-3, []
    for number, moved in enumerate(ends(cell, 1, 0, step)):
        folder = scratch / str(number)
        folder.mkdir()
        os.chdir(folder)
        dipoles.append(cp2k_run.run(moved, DFT, text, polarized=False)["zero"].dipole())
    slope = up_to_a_quantum(dipoles[0] - dipoles[1], cell.cell.array) / (2 * step)
    # A grid of 200 Ry leaves 0.017 e of the sum rule.
    np.testing.assert_allclose(values["bec"][1, :, 0], slope, atol=0.02)
    assert np.abs(slope).max() > 0.2
    # Oxygen is negative whatever the sign of the code's field.
    assert np.trace(values["bec"][0]) < 0


@needs_cp2k
def test_density_functional_theory_of_a_cluster(scratch):
    monomer = waters(np.zeros((1, 3)), seed=4)
    values = run(scratch / "free", monomer, DFT)
    # The grid of 200 Ry: measured 0.019 e, 0.2 eV/Å and, in the rule that ties the field's
    # response to the dipole, 0.002 e·Å, where oxygen's charge alone contributes 0.4 e·Å.
    options = GateOptions(acoustic_sum_rule=0.05, net_force=0.5, net_torque=0.5)
    assert gate(monomer, values, options, "cp2k") is None
    assert values["charges"][0] < 0 < values["charges"][1]


@needs_cp2k
def test_own_template(trimer, whole, scratch):
    path = scratch / "own.inp"
    path.write_text(template(XTB, periodic=False, elements=["H", "O"]))
    own = run(scratch / "own", trimer, Cp2kOptions(template=path))
    for name in ("energy", "forces", "charges", "dipole"):
        # The start is another one: ATOMIC, for want of knowledge.
        np.testing.assert_allclose(own[name], whole[1][name], atol=2e-6)
    assert "%CELL%" in settings(Cp2kOptions(template=path))["template"]


def test_template_without_a_placeholder(scratch, trimer):
    path = scratch / "own.inp"
    path.write_text(template(XTB, False, ["H", "O"]).replace("%FIELD%", ""))
    with pytest.raises(UserError, match=r"own\.inp lacks %FIELD%"):
        label(trimer, Cp2kOptions(template=path))
    with pytest.raises(UserError, match=r"none\.inp cannot be read"):
        label(trimer, Cp2kOptions(template=scratch / "none.inp"))


@needs_cp2k
def test_no_convergence_and_aborts_are_failures(trimer, scratch):
    with pytest.raises(ReferenceFailure, match=r"cp2k \(zero\): self-consistency is not conv"):
        run(scratch / "few", trimer, XTB.model_copy(update={"max_iterations": 3}))
    with pytest.raises(ReferenceFailure, match=r"cp2k \(zero\) aborted: .*no-such"):
        run(scratch / "basis", trimer, DFT.model_copy(update={"basis": "no-such"}))


@needs_cp2k
def test_output_that_is_cut_short_or_does_not_fit_its_columns(trimer, whole):
    folder, values = whole
    text = (folder / "zero" / "cp2k.out").read_text()
    for share in (0.3, 0.9):
        with pytest.raises(Mishap, match=r"cp2k \(zero\): the output is cut short"):
            read("zero", text[: int(share * len(text))], len(trimer))
    force = f"{values['forces'][0, 0] / 51.42206747:.6f}"
    output = read("zero", text.replace(force, "*" * len(force), 1), len(trimer))
    with pytest.raises(ReferenceFailure, match="forces in the output cannot be read"):
        output.forces()
    with pytest.raises(ReferenceFailure, match="no stress where CP2K"):
        output.stress()
    with pytest.raises(ReferenceFailure, match="table of forces is not complete"):
        read("zero", text, len(trimer) + 1).forces()


def test_programs_that_fail(trimer, scratch):
    def program(*command):
        return Cp2kOptions(command=command)

    with pytest.raises(UserError, match="apt-get install cp2k"):
        run(scratch / "absent", trimer, program("no-such-program"))
    with pytest.raises(Mishap, match=r"sh ended with exit code 3; .*: no licence"):
        run(scratch / "broken", trimer, program("sh", "-c", "echo no licence; exit 3"))
    with pytest.raises(Mishap, match="cut short; it is empty"):
        run(scratch / "silent", trimer, program("true"))


def test_outside_its_reach(trimer):
    slab = boxed(trimer, 9.0)
    slab.pbc = [True, True, False]
    with pytest.raises(Refusal, match="some directions only"):
        label(slab, XTB)
    water = molecule("H2O")
    water.numbers[1] = 2
    with pytest.raises(Refusal, match="even number"):
        label(water, XTB)
    with pytest.raises(ValidationError, match="hirshfeld needs method: DFT"):
        Cp2kOptions(method="GFN1-xTB", charges="hirshfeld")


@needs_cp2k
def test_settings():
    assert settings(XTB)["version"].startswith("20")
    assert "cutoff" not in settings(XTB)
    assert settings(DFT)["cutoff"] == 200
