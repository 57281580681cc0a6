"""Charged oscillators whose currents, and so spectra, are known, as simulations in memory."""

from pathlib import Path

import numpy as np

from activecharge.files import write_json
from activecharge.simulation.checkpointing import CHECKPOINT, Notes, save_checkpoint
from activecharge.simulation.record import (
    FACTS,
    FORMAT,
    SCALARS,
    TABLE,
    SimulationRecord,
    columns,
)
from activecharge.spectra.spectra_options import SpectrumOptions
from activecharge.spectra.spectrum import spectrum_of
from activecharge.spectra.spectrum_records import Spectrum
from activecharge.spectra.trajectories import gather
from activecharge.units import ACCELERATION, BOLTZMANN, LIGHT, PER_CM

TEMPERATURE = 300.0


def phase_pairs(count: int, seed: int = 0) -> np.ndarray:
    """Phases (count, 3) in pairs a quarter turn apart: what is left of their mean is exact."""
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, (count // 2, 3))
    return np.concatenate([phase, phase + np.pi / 2])


def angular(wavenumber: float) -> float:
    """fs⁻¹, written out anew."""
    return 2 * np.pi * LIGHT * PER_CM * wavenumber


def oscillator(
    wavenumber: float,
    steps: int,
    spacing: float = 1.0,
    charge: float = 0.7,
    mass: float = 3.0,
    phases: np.ndarray | None = None,
    speeds: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Current (T, R, 3) and kinetic temperature (T, R) of R oscillators of one charge.

    Ṁ = q v0 cos(ωt + φ) along each axis; v0 is that of the mean energy at 300 K unless given.
    """
    phases = phase_pairs(2) if phases is None else phases
    if speeds is None:  # (R, 3); twice the mean of v² at equipartition
        speeds = np.full(phases.shape, np.sqrt(2 * BOLTZMANN * TEMPERATURE * ACCELERATION / mass))
    time = spacing * np.arange(steps)[:, None, None]
    velocity = speeds * np.cos(angular(wavenumber) * time + phases)
    kinetic = mass * (velocity**2).sum(axis=2) / ACCELERATION / 2
    return charge * velocity, kinetic / (1.5 * BOLTZMANN)


def record(
    current: np.ndarray,
    temperature: np.ndarray | float = TEMPERATURE,
    *,
    spacing: float = 1.0,
    timestep: float = 1e-3,
    volume: float | None = None,
    drivers: tuple[int | None, ...] | None = None,
    **changed,
) -> SimulationRecord:
    """A simulation of current (T, R, M, 3) or (T, R, 3), which stands for one member."""
    if current.ndim == 3:
        current = current[:, :, None]
    shape = current.shape[:2]
    drivers = (None,) * shape[1] if drivers is None else drivers
    facts = {
        "times_fs": spacing * np.arange(shape[0]),
        "current": current,
        "temperature": np.broadcast_to(temperature, shape),
        "volume": None if volume is None else np.full(shape, volume),
        "energy": np.zeros(shape),
        "kinetic": np.zeros(shape),
        "conserved": np.zeros(shape),
        "masses": np.array([16.0, 1.0, 1.0]),
        "symbols": ("O", "H", "H"),
        "members": tuple(range(current.shape[2])),
        "forces": "mean" if None in drivers else "each",
        "drivers": drivers,
        "timestep_fs": timestep,
        "spacing_fs": spacing,
        "temperature_K": TEMPERATURE,
        "ensemble": "nve",
        "stage": "sample",
        "complete": True,
    }
    return SimulationRecord(**facts | changed)


def spectrum(*records: SimulationRecord, **options) -> Spectrum:
    """The spectrum of simulations in memory."""
    named = {f"run{place}": record for place, record in enumerate(records)}
    return spectrum_of(gather(named), SpectrumOptions(**options))


def write(folder: Path, one: SimulationRecord) -> Path:
    """A folder as `activecharge simulate` leaves it, of one stage."""
    names = columns(one.members)
    replicas = one.current.shape[1]
    lines = [",".join(names)]
    for row, time in enumerate(one.times_fs):
        for replica in range(replicas):
            known = {
                "temperature_K": one.temperature[row, replica],
                "volume_A3": np.nan if one.volume is None else one.volume[row, replica],
            }
            numbers = [time, replica, *(known.get(name, 0.0) for name in SCALARS)]
            numbers += one.current[row, replica].ravel().tolist()
            lines.append(",".join(repr(float(x)) for x in numbers))
    stage = folder / "00-sample"
    stage.mkdir(parents=True)
    text = "\n".join(lines) + "\n"
    (stage / TABLE).write_text(text)
    facts = {
        "format": FORMAT,
        "members": one.members,
        "masses_u": one.masses.tolist(),
        "symbols": one.symbols,
        "forces": one.forces,
        "drivers": one.drivers,
        "timestep_fs": one.timestep_fs,
        "sample_every": one.spacing_fs / one.timestep_fs,
        "periodic": one.volume is not None,
        "stages": [
            {"name": "sample", "folder": stage.name, "temperature_K": 300.0, "ensemble": "nve"}
        ],
    }
    write_json(folder / FACTS, facts)
    notes = Notes(lengths={f"{stage.name}/{TABLE}": len(text)}, done=True)
    save_checkpoint(folder / CHECKPOINT, {}, notes)
    return folder
