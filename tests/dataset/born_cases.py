"""Labelled clusters, and Born effective charges as VASP and CP2K print them."""

import os

import numpy as np
from ase import Atoms

from activecharge.reference.codes.tblite.tblite import label
from activecharge.reference.reference_options import TbliteOptions
from activecharge.sampling.builders.liquid import build_clusters
from activecharge.sampling.source_options import ClustersOptions

# Read when the OpenMP library loads: spinning threads are slow on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def cluster(molecules, seed):
    options = ClustersOptions(count=1, molecules=(molecules, molecules))
    return next(iter(build_clusters(options, np.random.default_rng(seed))))


def labelled(molecules, seed=0):
    """A free cluster of water with its GFN2-xTB label."""
    atoms = cluster(molecules, seed)
    return atoms, label(atoms, TbliteOptions())


def outcar(
    atoms,
    bec,
    energy=-28.4,
    head="BORN EFFECTIVE CHARGES (including local field effects) (in |e|, cummulative output)",
    forces=None,
):
    """The lines of a single-point OUTCAR that matter; species must come in blocks.

    Layout of VASP 6: https://www.vasp.at/wiki/index.php/LEPSILON.
    """
    symbols = list(dict.fromkeys(atoms.symbols))
    counts = [int((atoms.symbols == s).sum()) for s in symbols]
    forces = np.zeros((len(atoms), 3)) if forces is None else forces
    lines = [" vasp.6.4.2"]
    lines += [f" POTCAR:    PAW_PBE {s} 08Apr2002" for s in symbols] * 2
    lines += [
        "   k-points           NKPTS =      1   k-points in BZ     NKDIM =      1   number of bands"
        "    NBANDS=     16",
        "   ISPIN  =      1    spin polarized calculation?",
        f"   ions per type =            {'  '.join(map(str, counts))}",
        " k-points in reciprocal lattice and weights: K-Points",
        "   0.00000000  0.00000000  0.00000000       1.000",
        "--------------------------------------- Iteration      1(   1)  -------------------",
        "      direct lattice vectors                 reciprocal lattice vectors",
        *("  ".join(f"{x:15.9f}" for x in [*row, 0, 0, 0]) for row in atoms.cell.array),
        " POSITION                                       TOTAL-FORCE (eV/Angst)",
        " -----------------------------------------------------------------------------------",
        *(
            " ".join(f"{x:12.5f}" for x in (*r, *f))
            for r, f in zip(atoms.positions, forces, strict=True)
        ),
        " -----------------------------------------------------------------------------------",
        "  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)",
        "  ---------------------------------------------------",
        f"  free  energy   TOTEN  =       {energy:.8f} eV",
        "",
        f"  energy  without entropy=      {energy:.8f}  energy(sigma->0) =      {energy:.8f}",
        "",
        f" {head}",
        " ---------------------------------------------------------------------------------",
    ]
    for number, tensor in enumerate(bec, 1):
        lines.append(f" ion {number:4d}")
        lines += [f" {row + 1:4d}" + "".join(f"{x:12.5f}" for x in tensor[row]) for row in range(3)]
    return "\n".join([*lines, "", ""])


def apt_differences(symbols, bec):
    """CP2K's APT_FD file, after the WRITE statements of `qs_apt_fdiff_methods.F`."""
    lines = []
    for number, (symbol, tensor) in enumerate(zip(symbols, bec, strict=True), 1):
        lines.append(f"{number:6d}{symbol:>6}{np.trace(tensor) / 3:20.10f}")
        lines += ["".join(f"{x:20.10f}" for x in row) for row in tensor]
    return "\n".join([*lines, "", f" Sum of Born charges:{0:20.10f}", ""])


DCDR_WATER = Atoms(
    "OHH",
    positions=[
        [3.13503554, 2.96703299, 3.34228327],
        [2.62115556, 3.63494448, 2.99748594],
        [3.24380890, 2.39802253, 2.66023079],
    ],
)
"""The molecule of the file below, Å."""

DCDR_DIPOLE_DEBYE = np.array([-0.87017615, 0.19185091, -2.2419197])
"""What CP2K's MOMENTS section printed in the same run."""

DCDR_FILE = """\
 List of atoms:            1           2           3
APT | Write the final apt matrix per atom (Position perturbation)
APT | Atom  1 - GAPT       -0.489629
APT |       -0.709131      -0.235931       0.168219
APT |       -0.228498      -0.482451       0.071290
APT |        0.175503       0.061425      -0.277304
APT | Atom  2 - GAPT        0.244621
APT |        0.288192       0.188817      -0.143891
APT |        0.180417       0.213088       0.118300
APT |       -0.156955       0.140946       0.232584
APT | Atom  3 - GAPT        0.246572
APT |        0.423261       0.042972      -0.024718
APT |        0.046428       0.271154      -0.190576
APT |       -0.018949      -0.201456       0.045301
APT | Write the total apt matrix
APT |        0.002323      -0.004142      -0.000391
APT |       -0.001652       0.001791      -0.000986
APT |       -0.000401       0.000915       0.000581
APT | End Write the final apt matrix
APT | Position perturbation sum rules
APT |            Total APT       Dipole         R * APT
APT |   1  1       0.002323       0.000000       0.007853
APT |   1  2      -0.004142      -0.882039      -0.864794
APT |   1  3      -0.000391      -0.075480      -0.097094
APT |   2  1      -0.001652       0.882039       0.876664
APT |   2  2       0.001791       0.000000      -0.031715
APT |   2  3      -0.000986      -0.342354      -0.309468
APT |   3  1      -0.000401       0.075480       0.085781
APT |   3  2       0.000915       0.342354       0.336254
APT |   3  3       0.000581       0.000000      -0.002666
"""
"""Written by CP2K 2023.1: LDA, SZV-GTH, cutoff 200 Ry, no periodicity, DCDR/PRINT/APT."""
