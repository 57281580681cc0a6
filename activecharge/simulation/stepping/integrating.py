"""One stage of a simulation, step by step."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from activecharge.errors import BrokenGeometry
from activecharge.simulation.stage_options import AnyStage, NptStage, NvtStage
from activecharge.simulation.stepping import integrators
from activecharge.simulation.stepping.motion import Motion
from activecharge.simulation.stepping.pulling import Answer, Forces, Request, field_at, field_work

FASTEST = 0.5
"""Way in Å of an atom in one step that no sane simulation goes."""

HOTTEST = (20.0, 3000.0)
"""Temperature in K that none reaches: so many times that aimed at, and so much more."""


class Exploded(Exception):
    """Says what is no longer sane."""


@dataclass
class Ledger:
    """Energy that came from outside since a stage began, (R,) in eV each.

    Attributes
    ----------
    heat : of the thermostat
    work : of the field
    gain : of the barostat
    """

    heat: np.ndarray
    work: np.ndarray
    gain: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """All of it."""
        return self.heat + self.work + self.gain


@dataclass
class Stepper:
    """A stage in progress.

    Attributes
    ----------
    stage : AnyStage
    motion : Motion
        Changed in place.
    forces : Forces
    timestep, temperature : float
        fs and K.
    seed : tuple of int
        With the step's number, of the random numbers of each step.
    sample_every : int
    answer : Answer
        At the present positions.
    ledger : Ledger
    """

    stage: AnyStage
    motion: Motion
    forces: Forces
    timestep: float
    temperature: float
    seed: tuple[int, ...]
    sample_every: int
    answer: Answer
    ledger: Ledger
    _rng: np.random.Generator = field(init=False, repr=False)

    def request(self, step: int, stress: bool = False, sample: bool = False) -> Request:
        """What a step asks for."""
        return Request(self._field(step), stress, sample)

    def _field(self, step: int) -> np.ndarray | None:
        options = None if isinstance(self.stage, NptStage) else self.stage.field
        return field_at(options, step * self.timestep)

    @property
    def conserved(self) -> np.ndarray:
        """Total energy (R,) less what came from outside, eV."""
        return self.motion.kinetic + self.answer.energy - self.ledger.total

    def steps(self, done: int) -> Iterator[int]:
        """Advance, and yield the number of each step; the cell is then still to be changed.

        Raises
        ------
        Exploded
            In place of a step that is not sane.
        """
        for step in range(done + 1, self.stage.steps + 1):
            self._advance(step)
            yield step

    def _advance(self, step: int) -> None:
        motion, stage, before = self.motion, self.stage, self.answer
        self._rng = rng = np.random.default_rng([*self.seed, step])
        start = motion.positions.copy()
        integrators.kick(motion, before.forces, self.timestep / 2)
        self._fly(rng)
        self._check_speed()
        sample = step % self.sample_every == 0
        cell = isinstance(stage, NptStage) and step % stage.every == 0
        stress = isinstance(stage, NptStage) and (cell or sample)
        after = self._ask(self.request(step, stress, sample))
        integrators.kick(motion, after.forces, self.timestep / 2)
        fields = self._field(step - 1), self._field(step)
        if fields[0] is not None and fields[1] is not None:
            moved = motion.positions - start
            self.ledger.work += field_work(before, after, moved, (fields[0], fields[1]))
        self.answer = after
        if isinstance(stage, NptStage) or (isinstance(stage, NvtStage) and self._bussi):
            kinetic = motion.kinetic
            integrators.rescale(motion, self.temperature, stage.relaxation, self.timestep, rng)
            self.ledger.heat += motion.kinetic - kinetic
        self._check_heat()

    def change_cell(self, step: int) -> None:
        """Let the barostat act after a step, if it is to; rows tell of what was before."""
        stage, motion = self.stage, self.motion
        if not isinstance(stage, NptStage) or step % stage.every:
            return
        assert self.answer.stress is not None
        before = motion.kinetic + self.answer.energy
        integrators.Barostat.of(stage).act(
            motion, self.answer.stress, self.temperature, stage.every * self.timestep, self._rng
        )
        self.answer = self._ask(self.request(step))
        self.ledger.gain += motion.kinetic + self.answer.energy - before

    @property
    def _bussi(self) -> bool:
        return isinstance(self.stage, NvtStage) and self.stage.thermostat == "bussi"

    def _fly(self, rng: np.random.Generator) -> None:
        """Drift, with friction and noise in its middle where there are any."""
        motion, stage = self.motion, self.stage
        if not isinstance(stage, NvtStage) or self._bussi:
            integrators.drift(motion, self.timestep)
            return
        integrators.drift(motion, self.timestep / 2)
        kinetic = motion.kinetic
        integrators.langevin(motion, self.temperature, stage.friction, self.timestep, rng)
        self.ledger.heat += motion.kinetic - kinetic
        integrators.drift(motion, self.timestep / 2)

    def _ask(self, request: Request) -> Answer:
        try:
            answer = self.forces(self.motion.positions, self.motion.cells, request)
        except BrokenGeometry as error:
            raise Exploded(str(error).partition(":")[0]) from error
        if not (np.isfinite(answer.forces).all() and np.isfinite(answer.energy).all()):
            raise Exploded("the committee's forces are not finite numbers")
        return answer

    def _check_speed(self) -> None:
        ways = np.abs(self.motion.velocities).max() * self.timestep
        if not ways < FASTEST:
            raise Exploded(f"an atom flies more than {FASTEST} Å in one step")

    def _check_heat(self) -> None:
        limit = HOTTEST[0] * self.temperature + HOTTEST[1]
        hottest = float(self.motion.temperature.max())
        if not hottest < limit:
            raise Exploded(f"a replica is at {hottest:.0f} K, aimed at {self.temperature:g} K")
