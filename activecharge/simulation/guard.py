"""Frames of which the committee no longer knows enough: kept, and told."""

from collections.abc import Sequence

from ase import Atoms

from activecharge.dataset.frames import frames_text
from activecharge.simulation.rows import frame
from activecharge.simulation.simulation_folder import SimulationFolder
from activecharge.simulation.simulation_options import GuardOptions
from activecharge.simulation.stepping.integrating import Stepper
from activecharge.simulation.telling import Tell

UNCERTAIN = "uncertain.extxyz"
"""In the folder of a simulation: frames for the next campaign."""

NEVER = -1


class Guard:
    """Looks at each row.

    Parameters
    ----------
    options : GuardOptions
    folder : SimulationFolder
    tell : callable
    replicas : int
    kept : tuple of int
        As `state` gave it; empty at the beginning.
    said : bool
        Whether the user was warned.
    """

    def __init__(
        self,
        options: GuardOptions,
        folder: SimulationFolder,
        tell: Tell,
        replicas: int,
        kept: Sequence[int] = (),
        said: bool = False,
    ):
        self._options, self._folder, self._tell = options, folder, tell
        self.count, *last = kept or (0, *[NEVER] * replicas)
        self._last, self.said = list(last), said

    @property
    def state(self) -> tuple[int, ...]:
        """Frames kept, and of each replica the step of the last one in this stage."""
        return (self.count, *self._last)

    def begin_stage(self) -> None:
        """Steps are counted anew."""
        self._last = [NEVER] * len(self._last)

    def look(self, stepper: Stepper, step: int, templates: Sequence[Atoms]) -> str:
        """Keep what is uncertain in this row; why the run is to stop, or an empty text."""
        sample = stepper.answer.sample
        assert sample is not None
        why = ""
        for replica, excess in enumerate(sample.excess.tolist()):
            if not excess > self._options.beyond:  # also where it is not known
                continue
            self._keep(stepper, step, replica, templates[replica], excess)
            where = f"stage {stepper.stage.name}, {step * stepper.timestep:g} fs"
            where += f", replica {replica}" if len(self._last) > 1 else ""
            why = why or f"{where}: {sample.worst[replica]}"
        if why and self._options.then == "warn" and not self.said:
            self.said = True
            self._tell(f"{why} (said once; guard.beyond sets the limit)")
        return why if self._options.then == "stop" else ""

    def _keep(
        self, stepper: Stepper, step: int, replica: int, template: Atoms, excess: float
    ) -> None:
        last = self._last[replica]
        soon = last != NEVER and (step - last) * stepper.timestep < self._options.apart
        if soon or self.count >= self._options.keep:
            return
        atoms = frame(template, stepper, replica, step)
        del atoms.arrays["momenta"]
        atoms.info["excess"] = excess
        self._folder.add(UNCERTAIN, frames_text([atoms]))
        self._last[replica] = step
        self.count += 1
