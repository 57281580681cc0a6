"""What a simulation wrote, read back as arrays with units."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from activecharge.errors import UserError
from activecharge.simulation.checkpointing import CHECKPOINT, load_checkpoint

FACTS = "simulation.json"
"""What holds of the whole simulation, in its folder."""

TABLE = "table.csv"
"""Of each stage, in a folder of its own."""

FORMAT = "activecharge simulation 1"

ROW = ("time_fs", "replica")
"""First columns of the table."""

SCALARS = (
    "temperature_K",
    "potential_eV",
    "kinetic_eV",
    "conserved_eV",
    "volume_A3",
    "pressure_bar",
    "field_work_eV",
    "forces_spread_eV_A",
    "charges_spread_e",
    "bec_spread_e",
    "excess",
)
"""Columns of the table behind time and replica; after them, Ṁ of each member along x, y and z."""


@dataclass(frozen=True)
class SimulationRecord:
    """One stage of a simulation of R replicas, in T rows at even distances of time.

    Attributes
    ----------
    times_fs : (T,)
        Since the stage began.
    current : (T, R, M, 3) e·Å/fs
        Ṁ = Σ_i Z_i v_i with the Born effective charges of each of M members; M is 0 where no label
        taught them.
    temperature : (T, R) K
        Of the velocities.
    volume : (T, R) Å³ or None
        None for free frames.
    energy : (T, R) eV
        Potential energy, without the field's.
    kinetic, conserved : (T, R) eV
        `conserved` is the total energy less what thermostat, barostat and field gave.
    masses : (N,) u
    symbols : tuple of str
    members : tuple of int
        Of `current`, counting from 0.
    forces : "mean", "each" or int
        What drives: the members' mean, each replica its own member, or one member.
    drivers : tuple of (int or None)
        The member that drives each replica, None for the mean.
    timestep_fs : float
    spacing_fs : float
        Between rows.
    temperature_K : float
        Aimed at; in an NVE stage, what the velocities were drawn at.
    ensemble : str
        "nve", "nvt" or "npt".
    stage : str
        Its name.
    complete : bool
        Whether the stage went on to its last step.
    spreads : dict of str to numpy.ndarray
        (T, R) largest spread of an atom by property (forces, charges, bec), in its unit; NaN where
        it is not known.
    excess : (T, R)
        The largest expected error of an atom over what control labels had, NaN without a
        calibration.
    pressure : (T, R) bar
        NaN but in NPT.
    field_work : (T, R) eV
        Work of the field since the stage began.
    """

    times_fs: np.ndarray
    current: np.ndarray
    temperature: np.ndarray
    volume: np.ndarray | None
    energy: np.ndarray
    kinetic: np.ndarray
    conserved: np.ndarray
    masses: np.ndarray
    symbols: tuple[str, ...]
    members: tuple[int, ...]
    forces: str | int
    drivers: tuple[int | None, ...]
    timestep_fs: float
    spacing_fs: float
    temperature_K: float
    ensemble: str
    stage: str
    complete: bool
    spreads: dict[str, np.ndarray] = field(default_factory=dict)
    excess: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    pressure: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    field_work: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))


def columns(members: Sequence[int]) -> list[str]:
    """Names of the table's columns."""
    currents = [f"current_{axis}_{member}" for member in members for axis in "xyz"]
    return [*ROW, *SCALARS, *currents]


def read_simulation(folder: Path | str, stage: str | None = None) -> SimulationRecord:
    """Read what `activecharge simulate` wrote; one that is still running, up to its checkpoint.

    Parameters
    ----------
    folder : path-like
    stage : str, optional
        Name of a stage; the last one, which samples, when absent.

    Raises
    ------
    UserError
        If there is no simulation, or no row of that stage yet.
    """
    folder = Path(folder)
    facts = _facts(folder)
    _, notes = load_checkpoint(folder / CHECKPOINT)
    names = [entry["name"] for entry in facts["stages"]]
    if stage is not None and stage not in names:
        raise UserError(f"{folder}: has no stage {stage!r}; there are: {', '.join(names)}")
    index = len(names) - 1 if stage is None else names.index(stage)
    about = facts["stages"][index]
    name = f"{about['folder']}/{TABLE}"
    rows = _rows(folder / name, notes.lengths.get(name, 0))
    replicas = len(facts["drivers"])
    if not len(rows):
        raise UserError(
            f"{folder}: stage {about['name']!r} has no rows"
            + (f" ({notes.ended})" if notes.ended else "; give the same command again to go on")
        )
    complete = notes.done and not notes.ended if index == notes.stage else index < notes.stage
    return _record(rows.reshape(-1, replicas, rows.shape[1]), facts, about, complete)


def _facts(folder: Path) -> dict:
    file = folder / FACTS
    try:
        facts = json.loads(file.read_bytes())
        if facts["format"] != FORMAT:
            raise ValueError("another format")
    except FileNotFoundError as error:
        raise UserError(
            f"{folder}: holds no simulation (no {FACTS}); give the folder that "
            "`activecharge simulate` wrote"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{file}: not a simulation that this version can read; run it again"
        ) from error
    return facts


def _rows(table: Path, length: int) -> np.ndarray:
    """Numbers of a table's first bytes, a line each; none without any."""
    if not length:
        return np.empty((0, 0))
    with table.open("rb") as file:
        lines = file.read(length).decode().splitlines()[1:]
    return np.loadtxt(lines, delimiter=",", ndmin=2) if lines else np.empty((0, 0))


def _record(rows: np.ndarray, facts: dict, about: dict, complete: bool) -> SimulationRecord:
    """A record of the rows (T, R, columns)."""
    members = tuple(facts["members"])
    value = {name: rows[:, :, 2 + place] for place, name in enumerate(SCALARS)}
    current = rows[:, :, 2 + len(SCALARS) :].reshape(*rows.shape[:2], len(members), 3)
    volume = value["volume_A3"]
    return SimulationRecord(
        times_fs=rows[:, 0, 0],
        current=current,
        temperature=value["temperature_K"],
        volume=volume if facts["periodic"] else None,
        energy=value["potential_eV"],
        kinetic=value["kinetic_eV"],
        conserved=value["conserved_eV"],
        masses=np.array(facts["masses_u"]),
        symbols=tuple(facts["symbols"]),
        members=members,
        forces=facts["forces"],
        drivers=tuple(facts["drivers"]),
        timestep_fs=facts["timestep_fs"],
        spacing_fs=facts["timestep_fs"] * facts["sample_every"],
        temperature_K=about["temperature_K"],
        ensemble=about["ensemble"],
        stage=about["name"],
        complete=complete,
        spreads={
            "forces": value["forces_spread_eV_A"],
            "charges": value["charges_spread_e"],
            "bec": value["bec_spread_e"],
        },
        excess=value["excess"],
        pressure=value["pressure_bar"],
        field_work=value["field_work_eV"],
    )
