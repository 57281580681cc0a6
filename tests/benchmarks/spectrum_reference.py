"""A committee's spectrum and vibrations beside those of GFN2-xTB itself.

Run `python tests/benchmarks/spectrum_reference.py COMMITTEE` (a quarter of an hour on one core).

- Along one trajectory of a water hexamer, driven by GFN2-xTB: Σ Z·v of the committee beside dM/dt
  of tight binding's dipole. Both are differences over two steps, as velocity Verlet's velocity is.
- Harmonic modes of ten clusters at GFN2-xTB's minimum, and at the committee's own.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.md.velocitydistribution import ZeroRotation
from ase.optimize import BFGS
from tblite.ase import TBLite

from activecharge.committee.committee import Committee
from activecharge.errors import UserError
from activecharge.files import write_json
from activecharge.reference.codes.tblite import tblite
from activecharge.reference.codes.tblite.tblite_run import calculator, run
from activecharge.reference.reference_options import TbliteOptions
from activecharge.sampling.dynamics.walkers import thermal
from activecharge.sampling.sieve import Sieve, draw
from activecharge.sampling.source_options import ClustersOptions, SanityOptions
from activecharge.simulation.record import SimulationRecord
from activecharge.spectra.harmonic.normal_modes import (
    Modes,
    harmonic_modes,
    hessian,
    match,
    sets_of,
)
from activecharge.spectra.harmonic.vibrations import calibrated, in_double, modes_at, vibrations
from activecharge.spectra.peaks import measure_near, reaches_of
from activecharge.spectra.spectra_options import SpectrumOptions, VibrationsOptions
from activecharge.spectra.spectrum import spectrum_of
from activecharge.spectra.spectrum_records import Spectrum
from activecharge.spectra.trajectories import gather
from activecharge.strict_json import strict
from activecharge.units import ACCELERATION, BOHR, BOLTZMANN, HARTREE

TIMESTEP = 0.5
"""fs."""
TEMPERATURE = 100.0
"""K; the kinetic energy put into the minimum is twice that."""
BANDS = ((100.0, 1200.0), (1200.0, 2500.0), (2500.0, 4500.0))
LEAST = 0.01
"""Share of the highest absorption from which on a frequency lies in a band."""
GFN2 = TbliteOptions()


def clusters(sizes: list[int], seed: int) -> Iterator[Atoms]:
    """Clusters of so many molecules, at minima of GFN2-xTB."""
    rng = np.random.default_rng(seed)
    for size in sizes:
        options = ClustersOptions(molecules=(size, size), count=1)
        sieve = Sieve(SanityOptions())
        drawn = draw(options, rng, elements=("H", "O"), known=[], sieve=sieve)
        atoms = next(drawn).atoms
        atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
        BFGS(atoms, logfile=None).run(fmax=1e-3, steps=1000)
        atoms.calc = None
        yield atoms


def trajectory(atoms: Atoms, steps: int, seed: int) -> tuple[list[Atoms], np.ndarray, np.ndarray]:
    """Frames every second step, velocities (T, N, 3) Å/fs there, and dM/dt (T, 3) e·Å/fs."""
    masses = atoms.get_masses()[:, None]
    atoms.set_velocities(thermal(atoms, 2 * TEMPERATURE, np.random.default_rng(seed)))
    ZeroRotation(atoms)
    velocity = atoms.get_velocities()  # Å/fs, as they were put in
    result = run(calculator(atoms, GFN2), GFN2)
    frames, velocities, dipoles = [], [], []
    for _ in range(steps):
        frames.append(atoms.copy())
        velocities.append(velocity.copy())
        dipoles.append(result.get("dipole") * BOHR)
        half = -result.get("gradient") * (HARTREE / BOHR) * ACCELERATION * TIMESTEP / 2
        velocity = velocity + half / masses
        atoms.positions += velocity * TIMESTEP
        result = run(calculator(atoms, GFN2), GFN2, result)
        half = -result.get("gradient") * (HARTREE / BOHR) * ACCELERATION * TIMESTEP / 2
        velocity = velocity + half / masses
    moments = np.array(dipoles)
    slopes = (moments[2:] - moments[:-2]) / (2 * TIMESTEP)
    return frames[1:-1:2], np.array(velocities)[1:-1:2], slopes[::2]


def spectrum(current: np.ndarray, atoms: Atoms, temperature: np.ndarray, resolution: float):
    """The spectrum of currents (T, M, 3) of one trajectory."""
    shape = (len(current), 1)
    record = SimulationRecord(
        times_fs=2 * TIMESTEP * np.arange(len(current)),
        current=current[:, None],
        temperature=temperature[:, None],
        volume=None,
        energy=np.zeros(shape),
        kinetic=np.zeros(shape),
        conserved=np.zeros(shape),
        masses=atoms.get_masses(),
        symbols=tuple(atoms.get_chemical_symbols()),
        members=tuple(range(current.shape[1])),
        forces="mean",
        drivers=(None,),
        timestep_fs=TIMESTEP,
        spacing_fs=2 * TIMESTEP,
        temperature_K=TEMPERATURE,
        ensemble="nve",
        stage="sample",
        complete=True,
    )
    options = SpectrumOptions(resolution=resolution, bands=BANDS, lowest=BANDS[0][0])
    return spectrum_of(gather({"trajectory": record}), options)


def compare_spectra(committee: Committee, picoseconds: float, resolution: float, seed: int) -> dict:
    """Peaks, areas, and at which share of frequencies in bands the range holds the reference."""
    [atoms] = clusters([6], seed)
    steps = round(1000 * picoseconds / TIMESTEP)
    frames, velocities, slopes = trajectory(atoms, steps, seed)
    members = [committee.member(index) for index in range(len(committee.members))]
    bec = np.array([[said.mean["bec"] for said in m.predict(frames, {"bec"})] for m in members])
    current = np.einsum("mtiab,tib->tma", bec, velocities)
    kinetic = (atoms.get_masses()[:, None] * velocities**2).sum(axis=(1, 2)) / ACCELERATION / 2
    temperature = 2 * kinetic / (3 * len(atoms) - 6) / BOLTZMANN
    ours = spectrum(current, atoms, temperature, resolution)
    reference = spectrum(slopes[:, None], atoms, temperature, resolution)
    return told(ours, reference, calibrated(committee, frames[::50], "bec"))


def told(ours: Spectrum, reference: Spectrum, wider: float) -> dict:
    """The comparison as data."""
    x, true = reference.wavenumber, reference.absorption.value
    said, width = ours.absorption.value, ours.absorption.members
    inside = (x >= BANDS[0][0]) & (true >= LEAST * true[x >= BANDS[0][0]].max())
    shapes = np.array([[p.centre.value, p.height.value, p.width.value] for p in reference.peaks])
    reach = reaches_of(shapes, ours.resolution)
    found = measure_near(x, said, reach)
    return {
        "temperature_K": ours.temperature,
        "length_ps": ours.length,
        "resolution_per_cm": ours.resolution,
        "peaks": [
            {"reference": float(a[0]), "committee": float(b[0]), "height_ratio": float(b[1] / a[1])}
            for a, b in zip(shapes, found, strict=True)
        ],
        "areas_km_per_mol": [
            {
                "from": a.low,
                "to": a.high,
                "reference": float(a.value.value),
                "committee": float(b.value.value),
                "half_width": float(b.value.members),
            }
            for a, b in zip(reference.areas, ours.areas, strict=True)
        ],
        "share_inside": float((np.abs(said - true) <= width)[inside].mean()),
        "share_inside_of_bands": [
            float((np.abs(said - true) <= width)[inside & (x >= low) & (x < high)].mean())
            for low, high in BANDS
        ],
        "calibrated_by": wider,
        "share_inside_calibrated": float((np.abs(said - true) <= wider * width)[inside].mean()),
    }


def reference_modes(atoms: Atoms) -> Modes:
    """Modes at GFN2-xTB's minimum by its own forces and Z."""

    def forces(frames: list[Atoms]) -> list[np.ndarray]:
        results = (run(calculator(frame, GFN2), GFN2) for frame in frames)
        return [-result.get("gradient") * (HARTREE / BOHR) for result in results]

    bec = tblite.label(atoms, GFN2)["bec"]
    return harmonic_modes(hessian(atoms, forces, 0.005), bec, atoms.positions, atoms.get_masses())


def compare_modes(committee: Committee, sizes: list[int], seed: int) -> dict:
    """Shares of modes whose reference lies in the members' range, and how far off the mean is.

    At GFN2-xTB's minimum modes are matched by overlap; at the committee's own, which may be
    another structure, by rank.
    """
    here, strengths, own, wider, lost = [], [], [], [], 0
    options = VibrationsOptions(fmax=5e-4, steps=2000)
    for atoms in clusters(sizes, seed):
        reference = reference_modes(atoms)
        ours = modes_at(atoms, in_double(committee), options)
        mine = Modes(ours.wavenumber, ours.intensity, ours.vectors)
        order = match(mine, reference, sets_of(ours.wavenumber, options.degenerate))
        waves, heights = reference.wavenumber[order], reference.intensity[order]
        here += list(zip(waves, ours.wavenumber, ours.wavenumber_width, strict=True))
        strengths += list(zip(heights, ours.intensity, ours.intensity_width, strict=True))
        wider.append((ours.forces_factor, ours.bec_factor))
        try:
            rest = vibrations(committee, atoms, options)
            trio = (reference.wavenumber, rest.wavenumber, rest.wavenumber_width)
            own += list(zip(*trio, strict=True))
        except UserError as error:
            print(f"{len(atoms) // 3} molecules: {error}")
            lost += 1
        print(f"{len(atoms) // 3} molecules: {len(order)} modes", flush=True)
    by_forces, by_bec = np.mean(wider, axis=0)
    return {
        "clusters": len(sizes),
        "without_a_minimum": lost,
        "modes": len(here),
        "wavenumber": shares(np.array(here), by_forces),
        "intensity": shares(np.array(strengths), by_bec),
        "wavenumber_at_own_minimum": shares(np.array(own), by_forces),
    }


def shares(triples: np.ndarray, wider: float) -> dict[str, float]:
    """Of (reference, committee, half-width): shares inside, errors, ranges."""
    if not len(triples):
        return {}
    true, said, width = triples.T
    off = np.abs(true - said)
    return {
        "share_inside": float((off <= width).mean()),
        "calibrated_by": float(wider),
        "share_inside_by_spread_alone": float((off <= width / wider).mean()),
        "median_error": float(np.median(off)),
        "rms_error": float(np.sqrt((off**2).mean())),
        "median_half_width": float(np.median(width)),
    }


def main() -> None:
    """Print both comparisons, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("committee", type=Path)
    parser.add_argument("--ps", type=float, default=5.0, help="length of the trajectory")
    parser.add_argument("--resolution", type=float, default=20.0)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1, 2, 2, 3, 3, 4, 4, 5, 5, 6])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    committee = Committee.load(given.committee)
    found = {}
    if given.sizes:
        found["modes"] = compare_modes(committee, given.sizes, given.seed)
        print(json.dumps(found["modes"], indent=1))
    if given.ps > 0:
        along = compare_spectra(committee, given.ps, given.resolution, given.seed)
        found["trajectory"] = along
        for peak in along["peaks"]:
            print(
                f"peak {peak['reference']:8.1f} cm⁻¹, committee {peak['committee']:8.1f}, height "
                f"{peak['height_ratio']:.2f} of it"
            )
        for area in along["areas_km_per_mol"]:
            print(
                f"{area['from']:.0f} to {area['to']:.0f} cm⁻¹: {area['reference']:.0f} km/mol, "
                f"committee {area['committee']:.0f} ± {area['half_width']:.0f}"
            )
        print(
            f"inside the 90 % range at {100 * along['share_inside']:.0f} % of frequencies in bands"
        )
    if given.json:
        write_json(given.json, strict(found))


if __name__ == "__main__":
    main()
