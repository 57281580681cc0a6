"""A committee drives molecular dynamics."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from ase import Atoms
from pydantic import ValidationError

from activecharge.campaign.settings.mistakes import sentence
from activecharge.committee.committee import Committee
from activecharge.dataset.identity import canonical
from activecharge.errors import UserError
from activecharge.files import write_text
from activecharge.simulation.committee_forces import CommitteeForces, check_committee
from activecharge.simulation.record import FORMAT, SimulationRecord, read_simulation
from activecharge.simulation.running import Simulation, stage_folder
from activecharge.simulation.simulation_folder import SimulationFolder
from activecharge.simulation.simulation_options import FileStart, SimulationOptions
from activecharge.simulation.stage_options import NptStage
from activecharge.simulation.starting import same_atoms, starts
from activecharge.simulation.stepping.pulling import Request
from activecharge.simulation.telling import Outcome, Tell, silent

SETTINGS = "simulation.yaml"
"""In the folder of a simulation: its settings with every default written out."""


def simulate(
    committee: Committee | Path | str,
    start: Atoms | Sequence[Atoms] | Path | str | None,
    out: Path | str,
    options: SimulationOptions | None = None,
    device: str = "cpu",
    **settings: object,
) -> SimulationRecord:
    """Run molecular dynamics that a committee drives, or go on where an earlier run stopped.

    Parameters
    ----------
    committee : Committee or path-like
        A committee, its folder, or a run directory.
    start : ase.Atoms, several of them, or path-like
        A frame to start from; of several, each; of a file, `options.start` says which. None where
        `options.start` says all.
    out : path-like
        Folder to write.
    options : SimulationOptions, optional
    device : str
        torch device, where the committee is given by a folder.
    **settings
        In place of those of `options`, as replicas=4.

    Returns
    -------
    SimulationRecord
        Of the last stage.

    Raises
    ------
    UserError
        If something is wrong with what is given, or the simulation explodes.
    """
    given = (options or SimulationOptions()).model_dump() | settings
    if isinstance(start, Path | str):
        given["start"] = {"kind": "file", "path": str(start)}
    frames = start if isinstance(start, Sequence) and not isinstance(start, str) else None
    if isinstance(start, Atoms):
        frames = [start]
    chosen = parsed(given)
    carry_out(committee, chosen, Path(out), frames, silent, device)
    return read_simulation(out)


def carry_out(
    committee: Committee | Path | str,
    options: SimulationOptions,
    out: Path,
    frames: Sequence[Atoms] | None,
    tell: Tell,
    device: str = "cpu",
) -> Outcome:
    """Simulate; `frames` in place of `options.start` where they are given."""
    members = Committee.opened(committee, device)
    fields = any(not isinstance(s, NptStage) and s.field is not None for s in options.stages)
    check_committee(members, options.forces, fields)
    begin, velocities = _starts(options, members, frames)
    if any(isinstance(s, NptStage) for s in options.stages):
        if not begin[0].pbc.all():
            raise UserError("stages: npt needs a cell, and the start is free; take nvt or nve")
        members.require(["stress"])
    drivers = _drivers(options, len(members.members), len(begin))
    forces = CommitteeForces(
        members, begin, drivers, options.skin, everyone=options.currents == "all"
    )
    facts = _facts(options, members, begin, velocities, drivers, forces.members)
    # Whatever is wrong with the frames is found before anything is written.
    forces(
        np.stack([atoms.positions for atoms in begin]),
        np.stack([atoms.cell.array for atoms in begin]) if begin[0].pbc.all() else None,
        Request(),
    )
    with SimulationFolder.writing(out, facts) as folder:
        text = yaml.safe_dump(options.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        write_text(out / SETTINGS, text)
        drawn = frames is None and not isinstance(options.start, FileStart)
        relax = options.relax if drawn else 0.0
        simulation = Simulation(
            options, begin, velocities, forces, forces.members, folder, tell, relax
        )
        return simulation.run()


def parsed(data: dict[str, object], where: str = "") -> SimulationOptions:
    """Check settings; mistakes are told in a sentence that begins with `where`."""
    try:
        return SimulationOptions.model_validate(data)
    except ValidationError as error:
        raise UserError(f"{where}{sentence(error, SimulationOptions)}") from error


def _starts(
    options: SimulationOptions, committee: Committee, frames: Sequence[Atoms] | None
) -> tuple[list[Atoms], np.ndarray | None]:
    """A frame for each replica, and velocities where they are given."""
    replicas = options.replicas * (len(committee.members) if options.forces == "each" else 1)
    if frames is not None:
        given = [
            canonical(a, f"start, frame {i}", committee.elements) for i, a in enumerate(frames)
        ]
        return same_atoms([atoms.copy() for atoms in given for _ in range(replicas)]), None
    if options.start is None:
        raise UserError(
            "start: is missing; name a file of frames, or a builder, as start: {kind: boxes, "
            "molecules: [64, 64]}"
        )
    return starts(options.start, replicas, options.seed, committee.elements)


def _drivers(options: SimulationOptions, members: int, replicas: int) -> list[int | None]:
    """The member that drives each replica, None for the mean."""
    if options.forces == "each":
        return [replica % members for replica in range(replicas)]
    # A single network is its own mean.
    chosen = None if options.forces == "mean" else int(options.forces)
    return [chosen] * replicas


def _facts(
    options: SimulationOptions,
    committee: Committee,
    frames: Sequence[Atoms],
    velocities: np.ndarray | None,
    drivers: Sequence[int | None],
    members: Sequence[int],
) -> dict[str, object]:
    """What makes the simulation what it is, and what holds of all of it."""
    stages = [
        {
            "name": stage.name,
            "folder": stage_folder(index, stage),
            "ensemble": stage.kind,
            "steps": stage.steps,
            "temperature_K": stage.temperature or options.temperature,
        }
        for index, stage in enumerate(options.stages)
    ]
    begin = [a for f in frames for a in (f.numbers, f.positions, f.cell.array, f.get_masses())]
    weights = [
        tensor.cpu().numpy() for m in committee.members for tensor in m.state_dict().values()
    ]
    return {
        "format": FORMAT,
        "symbols": frames[0].get_chemical_symbols(),
        "masses_u": frames[0].get_masses().tolist(),
        "periodic": bool(frames[0].pbc.all()),
        "members": list(members),
        "forces": options.forces,
        "drivers": list(drivers),
        "timestep_fs": options.timestep,
        "sample_every": options.sample_every,
        "stages": stages,
        "committee": _hash([*weights, repr(committee.calibration)]),
        "start": _hash([*begin, *([] if velocities is None else [velocities])]),
        "settings": options.model_dump(mode="json", exclude={"committee", "start"}),
    }


def _hash(parts: Sequence[np.ndarray | str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else part.tobytes())
    return digest.hexdigest()
