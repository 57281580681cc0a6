"""Trajectories of simulations, checked to be of one kind, and what they hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from activecharge.errors import UserError
from activecharge.simulation.record import SimulationRecord, read_simulation


@dataclass(frozen=True)
class Trajectory:
    """The current of one replica.

    Attributes
    ----------
    current : (T, M, 3) numpy.ndarray
        Ṁ by the Born effective charges of each of M members, e·Å/fs.
    driver : int or None
        The member whose forces drove it; None for the members' mean.
    temperature : float
        Mean, K.
    volume : float or None
        Mean, Å³; None of a free cluster.
    """

    current: np.ndarray
    driver: int | None
    temperature: float
    volume: float | None


@dataclass(frozen=True)
class System:
    """Trajectories of one system.

    Attributes
    ----------
    trajectories : tuple of Trajectory
    members : tuple of int
        Whose Born effective charges the currents know.
    spacing : float
        Time between currents, fs.
    timestep : float
        Of the dynamics, fs.
    formula : str
        Of its atoms.
    notes : tuple of str
        What the reader should know, a sentence each.
    """

    trajectories: tuple[Trajectory, ...]
    members: tuple[int, ...]
    spacing: float
    timestep: float
    formula: str
    notes: tuple[str, ...]

    @property
    def central(self) -> list[Trajectory]:
        """Those that the mean drives; all, if it drives none."""
        mean = [t for t in self.trajectories if t.driver is None]
        return mean or list(self.trajectories)

    @property
    def temperature(self) -> float:
        """Mean, K."""
        return float(np.mean([t.temperature for t in self.central]))

    @property
    def volume(self) -> float | None:
        """Mean, Å³; None of free clusters."""
        volumes = [t.volume for t in self.central if t.volume is not None]
        return float(np.mean(volumes)) if volumes else None


def read_system(folders: Sequence[Path | str], stage: str | None, skip: float) -> System:
    """Read simulations of one system, whose replicas count alike.

    Parameters
    ----------
    folders : sequence of path-like
    stage : str or None
        Of each simulation; None for the last.
    skip : float
        Left out at the beginning of each trajectory, ps.

    Raises
    ------
    UserError
        If there is none, one is no simulation, they are not of one system, or their currents are
        none or not finite.
    """
    if not folders:
        raise UserError("there are no simulations; give the folder of at least one")
    known: dict[Path, str] = {}
    for folder in folders:
        if (place := Path(folder).resolve()) in known:
            raise UserError(f"{folder}: is given twice; give each simulation once")
        known[place] = str(folder)
    return gather({name: read_simulation(name, stage) for name in known.values()}, skip)


def gather(records: dict[str, SimulationRecord], skip: float = 0.0) -> System:
    """Trajectories of records, each with a name for messages; see `read_system`."""
    (first_name, first), *others = records.items()
    for name, record in others:
        if difference := _difference(first, record):
            raise UserError(
                f"{name}: {difference}, unlike {first_name}; spectra are made of simulations of "
                "one system, so give this one by itself"
            )
    trajectories = [t for name, record in records.items() for t in _replicas(name, record, skip)]
    return System(
        trajectories=tuple(trajectories),
        members=first.members,
        spacing=first.spacing_fs,
        timestep=first.timestep_fs,
        formula=_formula(first.symbols),
        notes=tuple(note for name, record in records.items() for note in _notes(name, record)),
    )


def _formula(symbols: Sequence[str]) -> str:
    from ase.formula import Formula

    return Formula.from_list(list(symbols)).format("hill")


def _difference(one: SimulationRecord, other: SimulationRecord) -> str:
    """How the second is no simulation of the first's system; empty if it is."""
    kinds = ["of a free cluster", "of a cell"]
    if (one.volume is None) != (other.volume is None):
        return f"is a simulation {kinds[other.volume is not None]}"
    if one.symbols != other.symbols or not np.allclose(one.masses, other.masses):
        return "has other atoms"
    if one.members != other.members:
        return f"has currents of members {list(other.members)}"
    if not np.isclose(one.spacing_fs, other.spacing_fs):
        return f"has a current every {other.spacing_fs:g} fs"
    if not np.isclose(one.timestep_fs, other.timestep_fs):
        return f"has steps of {other.timestep_fs:g} fs"
    if not np.isclose(one.temperature_K, other.temperature_K):
        return f"is a simulation at {other.temperature_K:g} K"
    return ""


def _replicas(name: str, record: SimulationRecord, skip: float) -> list[Trajectory]:
    start = int(np.ceil(1000 * skip / record.spacing_fs - 1e-9))
    current = record.current[start:]
    if not record.members:
        raise UserError(
            f"{name}: holds no currents, since no label taught its committee Born effective "
            "charges; simulate with a committee that was trained on labels with them"
        )
    if not len(current):
        length = 1e-3 * len(record.times_fs) * record.spacing_fs
        raise UserError(
            f"{name}: nothing is left of its {length:.3g} ps when {skip:g} ps are skipped; skip "
            "less"
        )
    bad = np.flatnonzero(~np.isfinite(current).all(axis=(1, 2, 3)))
    if len(bad):
        time = record.times_fs[start + bad[0]]
        raise UserError(
            f"{name}: the current at {time:g} fs is not a number; the simulation went wrong there, "
            "so run it anew, with a shorter step or a committee that knows such frames"
        )
    temperature = record.temperature[start:].mean(axis=0)
    if not (temperature > 0).all():  # nor where it is no number
        raise UserError(
            f"{name}: its mean temperature is {temperature.min():g} K; atoms must move to have a "
            "spectrum, so simulate at a temperature above 0"
        )
    volume = record.volume
    return [
        Trajectory(
            current=current[:, replica],
            driver=driver,
            temperature=float(temperature[replica]),
            volume=None if volume is None else float(volume[start:, replica].mean()),
        )
        for replica, driver in enumerate(record.drivers)
    ]


def _notes(name: str, record: SimulationRecord) -> list[str]:
    notes = []
    if not record.complete:
        notes.append(f"{name} is not complete; this is the spectrum of what there is")
    if record.field_work.size and np.any(np.nan_to_num(record.field_work)):
        notes.append(
            f"{name} ran in a field: the formula is that of fluctuations without one, so read the "
            "spectrum as that of what the field did"
        )
    return notes
