"""A simulation from its first stage to its last, or from its checkpoint on."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from activecharge.dataset.frames import frames_text
from activecharge.errors import BrokenGeometry, UserError
from activecharge.simulation.checkpointing import Notes
from activecharge.simulation.guard import Guard
from activecharge.simulation.record import TABLE, columns
from activecharge.simulation.rows import frame, table_rows
from activecharge.simulation.simulation_folder import SimulationFolder
from activecharge.simulation.simulation_options import SimulationOptions
from activecharge.simulation.stage_options import AnyStage, NptStage
from activecharge.simulation.stepping.integrating import Exploded, Ledger, Stepper
from activecharge.simulation.stepping.motion import Motion
from activecharge.simulation.stepping.pulling import Answer, Forces, Request, field_at
from activecharge.simulation.stepping.relaxing import relaxed
from activecharge.simulation.telling import Advanced, Outcome, Tell

TRAJECTORY = "trajectory.xyz"
"""Of each stage, beside its table."""


def stage_folder(index: int, stage: AnyStage) -> str:
    """Name of a stage's folder."""
    return f"{index + 1:02d}-{stage.name}"


@dataclass
class Simulation:
    """R replicas, what drives them, and where they are written.

    Attributes
    ----------
    options : SimulationOptions
    frames : sequence of R ase.Atoms
        At the start.
    velocities : (R, N, 3) Å/fs, optional
        At the start; drawn when absent.
    forces : Forces
    members : sequence of int
        Whose Born effective charges `forces` gives.
    folder : SimulationFolder
    tell : callable
    relax : float
        Largest force at which frames are left as they are, eV/Å; 0: leave any.
    """

    options: SimulationOptions
    frames: Sequence[Atoms]
    velocities: np.ndarray | None
    forces: Forces
    members: Sequence[int]
    folder: SimulationFolder
    tell: Tell
    relax: float = 0.0

    def run(self) -> Outcome:
        """Go on to the end.

        Raises
        ------
        UserError
            If it explodes; what was sane is written.
        """
        found = self.folder.resume()
        arrays, notes = found or (self._beginning(), Notes())
        self._guard = Guard(
            self.options.guard, self.folder, self.tell, len(self.frames), notes.kept, notes.said
        )
        self._clock = _Clock(self.options, notes)
        while not notes.done:
            arrays, notes = self._stage(arrays, notes)
        if notes.ended.startswith(_EXPLODED):
            raise UserError(notes.ended)
        return Outcome(notes.ended, self._guard.count)

    def _beginning(self) -> dict[str, np.ndarray]:
        """Positions, cells and velocities at the start."""
        motion = self._motion(
            {
                "positions": np.stack([atoms.positions for atoms in self.frames]),
                "cells": np.stack([atoms.cell.array for atoms in self.frames]),
                "velocities": np.zeros((len(self.frames), len(self.frames[0]), 3)),
            },
            self.options.stages[0],
        )
        if self.relax:
            motion.positions = self._relaxed(motion)
        if self.velocities is None:
            first = self.options.stages[0].temperature or self.options.temperature
            rng = np.random.default_rng([self.options.seed, 0, 0])
            motion.velocities = motion.draw(first, rng)
        else:
            motion.velocities = motion.held(self.velocities)
        return _moving(motion)

    def _relaxed(self, motion: Motion) -> np.ndarray:
        try:
            return relaxed(self.forces, motion.positions, motion.cells, self.relax)
        except BrokenGeometry as error:
            raise UserError(
                f"start: by these forces the builder's frame collapses when it is relaxed "
                f"({str(error).partition(':')[0]}); have the committee learn more, start from a "
                "file, or set relax to 0"
            ) from error

    def _motion(self, arrays: dict[str, np.ndarray], stage: AnyStage) -> Motion:
        free = not self.frames[0].pbc.any()
        field = None if isinstance(stage, NptStage) else stage.field
        return Motion(
            positions=arrays["positions"].copy(),
            velocities=arrays["velocities"].copy(),
            cells=None if free else arrays["cells"].copy(),
            masses=self.frames[0].get_masses(),
            still=True,
            upright=free and self.options.remove_rotation and field is None,
        )

    def _stepper(self, arrays: dict[str, np.ndarray], notes: Notes) -> Stepper:
        """A stage where the checkpoint left it, or at its beginning."""
        options = self.options
        stage = options.stages[notes.stage]
        motion = self._motion(arrays, stage)
        if notes.step:
            answer, ledger = _known(arrays)
        else:
            motion.velocities = motion.held(motion.velocities)
            field = None if isinstance(stage, NptStage) else field_at(stage.field, 0.0)
            answer = self.forces(motion.positions, motion.cells, Request(field))
            ledger = Ledger(*(np.zeros(len(self.frames)) for _ in range(3)))
            self._guard.begin_stage()
        return Stepper(
            stage=stage,
            motion=motion,
            forces=self.forces,
            timestep=options.timestep,
            temperature=stage.temperature or options.temperature,
            seed=(options.seed, notes.stage + 1),
            sample_every=options.sample_every,
            answer=answer,
            ledger=ledger,
        )

    def _stage(
        self, arrays: dict[str, np.ndarray], notes: Notes
    ) -> tuple[dict[str, np.ndarray], Notes]:
        """Go through a stage, or what is left of it; the last checkpoint."""
        stepper = self._stepper(arrays, notes)
        stage, last = stepper.stage, notes.stage + 1 == len(self.options.stages)
        step = notes.step
        try:
            for step in stepper.steps(notes.step):
                stop = self._write(stepper, notes.stage, step)
                stepper.change_cell(step)
                end = step == stage.steps
                if not (end or stop or step % self.options.checkpoint_every == 0):
                    continue
                arrays = _moving(stepper.motion) | _knowledge(stepper)
                over = end and not stop
                following = Notes(
                    stage=notes.stage + 1 if over and not last else notes.stage,
                    step=0 if over and not last else step,
                    done=bool(stop) or (over and last),
                    ended=stop,
                    kept=self._guard.state,
                    said=self._guard.said,
                )
                self.folder.checkpoint(arrays, following)
                if following.done or end:
                    return arrays, following
        except Exploded as error:
            return self._exploded(arrays, notes, stepper, step + 1, str(error))
        raise AssertionError("a stage ends with a checkpoint")

    def _exploded(
        self, arrays: dict[str, np.ndarray], notes: Notes, stepper: Stepper, step: int, why: str
    ) -> tuple[dict[str, np.ndarray], Notes]:
        """Keep the rows that were sane."""
        sentence = (
            f"{_EXPLODED} in stage {stepper.stage.name} at step {step} "
            f"({step * self.options.timestep:g} fs): {why}; what was sane is kept in "
            f"{self.folder.path}; take a shorter timestep, start from a relaxed frame, or have the "
            "committee learn more"
        )
        ended = Notes(
            stage=notes.stage,
            step=notes.step,
            done=True,
            ended=sentence,
            kept=self._guard.state,
            said=self._guard.said,
        )
        self.folder.checkpoint(arrays, ended)
        return arrays, ended

    def _write(self, stepper: Stepper, index: int, step: int) -> str:
        """Write what is due at a step; why the simulation is to stop, or an empty text."""
        place, options = stage_folder(index, stepper.stage), self.options
        if step % options.frames_every == 0:
            frames = [frame(a, stepper, r, step) for r, a in enumerate(self.frames)]
            self.folder.add(f"{place}/{TRAJECTORY}", frames_text(frames))
        if step % options.sample_every:
            return ""
        head = ",".join(columns(self.members)) + "\n"
        rows = table_rows(stepper, step * options.timestep)
        self.folder.add(f"{place}/{TABLE}", rows, head)
        self.tell(self._clock.advanced(stepper, index, step))
        return self._guard.look(stepper, step, self.frames)


_EXPLODED = "the simulation exploded"


class _Clock:
    """How fast this process comes along."""

    def __init__(self, options: SimulationOptions, notes: Notes):
        self._options, self._began = options, time.monotonic()
        self._first = self._overall(notes.stage, notes.step)

    def _overall(self, index: int, step: int) -> int:
        return sum(stage.steps for stage in self._options.stages[:index]) + step

    def advanced(self, stepper: Stepper, index: int, step: int) -> Advanced:
        """How far a stage is."""
        now, passed = self._overall(index, step), time.monotonic() - self._began
        done, timestep = now - self._first, self._options.timestep
        left = self._overall(len(self._options.stages), 0) - now
        return Advanced(
            stage=stepper.stage.name,
            step=step,
            steps=stepper.stage.steps,
            time_fs=step * timestep,
            temperature=float(stepper.motion.temperature.mean()),
            ps_per_day=done * timestep / 1000 * 86400 / passed if passed else 0.0,
            seconds_left=passed / done * left if done else 0.0,
        )


def _moving(motion: Motion) -> dict[str, np.ndarray]:
    """Arrays of a checkpoint that say where replicas are."""
    cells = np.zeros((len(motion.positions), 3, 3)) if motion.cells is None else motion.cells
    return {
        "positions": motion.positions.copy(),
        "velocities": motion.velocities.copy(),
        "cells": cells.copy(),
    }


def _knowledge(stepper: Stepper) -> dict[str, np.ndarray]:
    """Arrays of a checkpoint that say what was known there."""
    answer, ledger = stepper.answer, stepper.ledger
    known = {"energy": answer.energy, "forces": answer.forces} | vars(ledger)
    known |= {"polarization": answer.polarization, "pull": answer.pull}
    return {name: np.array(value) for name, value in known.items() if value is not None}


def _known(arrays: dict[str, np.ndarray]) -> tuple[Answer, Ledger]:
    """The same, taken from a checkpoint."""
    answer = Answer(
        arrays["energy"],
        arrays["forces"],
        polarization=arrays.get("polarization"),
        pull=arrays.get("pull"),
    )
    return answer, Ledger(*(arrays[name].copy() for name in ("heat", "work", "gain")))
