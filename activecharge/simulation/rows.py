"""What is written of replicas at a moment: rows of the table, frames of the trajectory."""

import numpy as np
from ase import Atoms
from ase.units import fs

from activecharge.simulation.stage_options import NptStage
from activecharge.simulation.stepping.integrating import Stepper
from activecharge.simulation.stepping.integrators import BAR, Barostat


def table_rows(stepper: Stepper, time: float) -> str:
    """A line for each replica, all digits of each number, in the order of `record.columns`."""
    motion, answer = stepper.motion, stepper.answer
    sample, replicas = answer.sample, len(motion.positions)
    unknown = np.full(replicas, np.nan)
    assert sample is not None
    currents = np.einsum("mriab,rib->rma", sample.bec, motion.velocities)
    worst = {name: values.max(axis=1) for name, values in sample.spreads.items()}
    parts = [
        np.full(replicas, time),
        np.arange(replicas, dtype=float),
        motion.temperature,
        answer.energy,
        motion.kinetic,
        stepper.conserved,
        motion.volume,
        _pressure(stepper) if answer.stress is not None else unknown,
        stepper.ledger.work,
        worst.get("forces", unknown),
        worst.get("charges", unknown),
        worst.get("bec", unknown),
        sample.excess,
    ]
    rows = np.concatenate([np.stack(parts, axis=1), currents.reshape(replicas, -1)], axis=1)
    return "".join(",".join(map(repr, row)) + "\n" for row in rows.tolist())


def _pressure(stepper: Stepper) -> np.ndarray:
    """Pressures (R,) in bar."""
    assert isinstance(stepper.stage, NptStage) and stepper.answer.stress is not None
    barostat, temperature = Barostat.of(stepper.stage), stepper.temperature
    return barostat.inner_pressure(stepper.motion, stepper.answer.stress, temperature) / BAR


def frame(template: Atoms, stepper: Stepper, replica: int, step: int) -> Atoms:
    """A replica as it is, with its momenta."""
    motion = stepper.motion
    atoms = template.copy()
    atoms.info = {
        "stage": stepper.stage.name,
        "replica": replica,
        "step": step,
        "time_fs": step * stepper.timestep,
        "temperature_K": float(motion.temperature[replica]),
    }
    atoms.positions = motion.positions[replica]
    if motion.cells is not None:
        atoms.set_cell(motion.cells[replica])
    atoms.set_velocities(motion.velocities[replica] / fs)
    return atoms
