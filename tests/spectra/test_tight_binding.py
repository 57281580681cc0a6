"""Water's own modes by GFN2-xTB: our Hessian and Z against ASE's displaced dipoles."""

import numpy as np
import pytest
from ase.build import molecule
from ase.optimize import BFGS
from ase.vibrations import Infrared

from activecharge.reference.codes.tblite.tblite import label
from activecharge.reference.reference_options import TbliteOptions
from activecharge.spectra.harmonic.normal_modes import harmonic_modes, hessian


def test_water_by_tight_binding(tmp_path):
    tblite = pytest.importorskip("tblite.ase")
    atoms = molecule("H2O")
    atoms.calc = tblite.TBLite(method="GFN2-xTB", accuracy=0.01, verbosity=0)
    BFGS(atoms, logfile=None).run(fmax=1e-4)
    infrared = Infrared(atoms, name=str(tmp_path / "ir"), delta=0.005, nfree=2)
    infrared.run()
    options = TbliteOptions(accuracy=0.01)

    def forces(frames):
        return [label(frame, options)["forces"] for frame in frames]

    bec = label(atoms, options)["bec"]
    found = harmonic_modes(hessian(atoms, forces, 0.005), bec, atoms.positions, atoms.get_masses())
    np.testing.assert_allclose(found.wavenumber, infrared.get_frequencies().real[-3:], atol=1)
    # ASE's D² Å⁻² u⁻¹ in km/mol; differences of fields and of displacements agree to this.
    strengths = infrared.intensities[-3:] * 42.255
    np.testing.assert_allclose(found.intensity, strengths, rtol=0.01, atol=0.01)
    # GFN2-xTB's water: the bend, and the stretches below and above each other.
    assert 1450 < found.wavenumber[0] < 1650 and 3500 < found.wavenumber[1] < 3750
